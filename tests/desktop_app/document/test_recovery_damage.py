"""Stores that are damaged, foreign, older or newer: what can be read comes back, and it is said."""

import sqlite3
from pathlib import Path

import pytest

from desktop_app.document import recovery_format
from desktop_app.document.disk import Disk
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.recovery_salvage import salvage
from desktop_app.document.restoring import restore
from tests.desktop_app.document.recovery_store import FULL, store


def damage(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "no database":
        data[:] = b"this is not a database at all" * 400
    elif how == "cut":
        del data[len(data) // 2 :]
    elif how == "empty":
        del data[100:]
    else:
        for position in range(4096, len(data) - 4096):
            data[position] ^= 0x5A
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("how", ["no database", "cut", "empty", "flipped"])
def test_a_damaged_store_is_set_aside_and_said(tmp_path: Path, how: str):
    first = store(tmp_path)
    first.keep([KeptDocument.of_text(str(number), "文" * 9_000) for number in range(20)])
    first.close()
    damage(first.folder / "recovery.db", how)
    second = store(tmp_path)
    assert second.notice is not None
    assert second.notice.kind == "store_set_aside"
    assert len(list(second.folder.glob("recovery-damaged-*.db"))) == 1
    for document in second.take_over():  # what was saved is whole
        assert document.text == "文" * 9_000
    second.keep([KeptDocument.of_text("new", "works")])
    second.close()
    third = store(tmp_path)
    assert third.notice is None
    assert "works" in [document.text for document in third.take_over()]


def test_texts_before_the_damage_are_saved(tmp_path: Path):
    first = store(tmp_path)
    first.keep([KeptDocument.of_text(str(number), str(number) * 5_000) for number in range(40)])
    first.close()
    path = first.folder / "recovery.db"
    data = bytearray(path.read_bytes())
    data[-6_000:-2_000] = b"\xff" * 4_000
    path.write_bytes(bytes(data))
    second = store(tmp_path)
    documents = second.take_over()
    if second.notice is not None:  # the integrity check saw it
        assert f"{len(documents)} texts" in second.notice.text
    assert len(documents) >= 1


def test_another_programs_database_is_not_touched(tmp_path: Path):
    folder = tmp_path / "recovery"
    folder.mkdir()
    with sqlite3.connect(folder / "recovery.db") as foreign:
        foreign.execute("CREATE TABLE theirs (x)")
        foreign.execute("INSERT INTO theirs VALUES (42)")
    foreign.close()
    ours = store(tmp_path)
    assert ours.notice is not None
    (aside,) = folder.glob("recovery-damaged-*.db")
    with sqlite3.connect(aside) as kept:
        assert kept.execute("SELECT x FROM theirs").fetchall() == [(42,)]
    kept.close()


def test_a_newer_programs_store_stays_as_it_is(tmp_path: Path):
    newer = store(tmp_path)
    newer.keep([KeptDocument.of_text("a", "from the future")])
    newer.close()
    connection = sqlite3.connect(newer.folder / "recovery.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = (newer.folder / "recovery.db").read_bytes()
    ours = store(tmp_path)
    assert ours.take_over() == ()
    ours.keep([KeptDocument.of_text("a", "now")])
    ours.close()
    assert [document.text for document in store(tmp_path).take_over()] == ["now"]
    assert (newer.folder / "recovery.db").read_bytes() == before


def test_the_oldest_version_still_opens(tmp_path: Path):
    """Goes through every migration, from a store that only script 0 has made."""
    folder = tmp_path / "recovery"
    folder.mkdir()
    with sqlite3.connect(folder / "recovery.db") as old:
        old.executescript(recovery_format.MIGRATIONS[0])
        old.execute(f"PRAGMA application_id = {recovery_format.APPLICATION_ID}")
        old.execute("PRAGMA user_version = 1")
        old.execute("INSERT INTO session VALUES ('old', 1.0)")
        old.execute(
            "INSERT INTO document VALUES "
            "('k', 'old', 0, ?, NULL, 2, 3, 'UTF-8', 'LF', NULL, NULL, NULL, NULL, '', 1.0)",
            ("旧文".encode(),),
        )
    old.close()
    assert [document.text for document in store(tmp_path).take_over()] == ["旧文"]


def test_a_row_without_a_text_does_not_hide_the_others(tmp_path: Path):
    one = store(tmp_path)
    one.keep([KeptDocument.of_text("a", "good"), KeptDocument.of_text("b", "bad")])
    one._connection.execute("UPDATE part SET content = 7 WHERE document = 2")
    assert [document.text for document in one.kept()] == ["good"]


def test_a_damaged_text_comes_back_with_what_can_be_read_and_is_said(tmp_path: Path):
    first = store(tmp_path)
    first.keep([KeptDocument.of_text("a", "从前有一个人", generated=((0, 2),)), KeptDocument.of_text("b", "whole")])
    broken = "从前".encode() + b"\xe6x\xff"
    first._connection.execute("UPDATE part SET content = ? WHERE document = 1 AND kind != 'head'", (broken,))
    first.close()
    second = store(tmp_path)
    damaged, whole = second.take_over()
    assert (damaged.text, damaged.is_damaged, damaged.is_text_only) == ("从前\ufffdx\ufffd", True, True)
    assert (whole.text, whole.is_damaged) == ("whole", False)
    assert second.notice is not None
    assert (second.notice.kind, dict(second.notice.facts)) == ("kept_text_damaged", {"count": "1"})
    assert restore(Disk(), damaged).is_recovered


@pytest.mark.parametrize("column", ["key", "path", "caret", "scroll", "encoding", "line_ends", "mtime_ns", "size"])
@pytest.mark.parametrize("value", ["x'fffe'", "'x'", "CAST(x'ff41' AS TEXT)", "0.5", "-3"])
def test_no_value_beside_a_text_costs_the_text(tmp_path: Path, column: str, value: str):
    first = store(tmp_path)
    first.keep([FULL])
    first._connection.execute(f"UPDATE document SET {column} = {value}")
    first.close()
    second = store(tmp_path)
    (document,) = second.take_over()
    assert document.text == FULL.text
    second.keep([document])
    second.close()


def test_of_a_text_with_a_broken_chain_of_pages_the_beginning_comes_back(tmp_path: Path):
    text = "重要的小说 " * 20_000
    first = store(tmp_path)
    first.keep([KeptDocument.of_text("a", text)])
    first.close()
    path = first.folder / "recovery.db"
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 2] = b"\x40\x40"
    path.write_bytes(bytes(data))
    second = store(tmp_path)
    assert second.notice is not None
    (document,) = second.take_over()
    assert len(document.text) > len(text) / 4
    assert text.startswith(document.text.rstrip("\ufffd"))


@pytest.mark.parametrize("version", [0, 1])
def test_a_store_with_a_damaged_version_number_still_gives_its_texts(tmp_path: Path, version: int):
    first = store(tmp_path)
    first.keep([KeptDocument.of_text("a", "kept")])
    first._connection.execute(f"PRAGMA user_version = {version}")
    first.close()
    second = store(tmp_path)
    assert second.notice is not None
    assert [document.text for document in second.take_over()] == ["kept"]


def test_a_bad_row_does_not_end_the_salvage(tmp_path: Path):
    first = store(tmp_path)
    first.keep([KeptDocument.of_text(str(number), f"text {number}") for number in range(5)])
    first._connection.execute("UPDATE part SET content = 7 WHERE document = 2")
    first.close()
    saved = [document.text for document in salvage(first.folder / "recovery.db")]
    assert saved == ["text 0", "text 2", "text 3", "text 4"]


def test_a_store_that_was_set_aside_and_is_whole_gives_its_texts_back(tmp_path: Path):
    first = store(tmp_path)
    first.keep([KeptDocument.of_text("novel", "文" * 9_000)])
    first.close()
    aside = first.folder / "recovery-damaged-20260101-000000-abcd.db"
    (first.folder / "recovery.db").rename(aside)  # as when the disk failed while the store was checked
    second = store(tmp_path)
    assert [document.text for document in second.take_over()] == ["文" * 9_000]
    assert not list(second.folder.glob("recovery-damaged-*"))


def test_a_store_set_aside_into_which_a_window_still_writes_is_left_alone(tmp_path: Path):
    first = store(tmp_path)
    first.keep([KeptDocument.of_text("novel", "mine")])
    aside = first.folder / "recovery-damaged-20260101-000000-abcd.db"
    for suffix in ("", "-wal", "-shm"):
        (first.folder / f"recovery.db{suffix}").rename(f"{aside}{suffix}")
    assert store(tmp_path).take_over() == ()
    assert aside.exists()


def test_texts_of_two_windows_under_one_key_both_come_out_of_a_store_that_was_set_aside(tmp_path: Path):
    first, second = store(tmp_path), store(tmp_path)
    first.keep([KeptDocument.of_text("novel", "first")])
    second.keep([KeptDocument.of_text("novel", "second")])
    first.close()
    second.close()
    (first.folder / "recovery.db").rename(first.folder / "recovery-damaged-20260101-000000-abcd.db")
    assert sorted(document.text for document in store(tmp_path).take_over()) == ["first", "second"]


def test_texts_of_two_windows_under_one_key_both_come_out_of_a_damaged_store(tmp_path: Path):
    first, second = store(tmp_path), store(tmp_path)
    first.keep([KeptDocument.of_text("novel", "first")])
    second.keep([KeptDocument.of_text("novel", "second")])
    first._connection.execute("PRAGMA user_version = 1")  # its tables are not those of that version
    first.close()
    second.close()
    again = store(tmp_path)
    assert again.notice is not None
    assert sorted(document.text for document in again.take_over()) == ["first", "second"]


def test_a_store_whose_damage_cannot_even_be_named_is_put_aside(tmp_path: Path):
    """SQLite's message then holds the bytes of the damaged name, which sqlite3 cannot decode."""
    store(tmp_path).close()
    path = tmp_path / "recovery" / "recovery.db"
    data = path.read_bytes()
    row = data.index(b"tabledocumentdocument")  # of sqlite_master: type, name, table's name … statement
    statement = data.index(b"CREATE TABLE document", row)
    hurt = bytearray(data)
    hurt[row + 5 : row + 7] = b"\xdd\xff"
    hurt[statement : statement + 6] = b"CRXXXX"
    path.write_bytes(hurt)
    with pytest.raises(UnicodeDecodeError):
        sqlite3.connect(path).execute("SELECT * FROM document")
    again = store(tmp_path)
    assert again.notice is not None
    assert again.take_over() == ()
