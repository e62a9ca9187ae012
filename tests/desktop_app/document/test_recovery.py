"""What was kept is there after any end of the program; windows do not touch each other's text; damage is survived."""

import gc
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from desktop_app.document import recovery_format
from desktop_app.document.disk import Disk, StatToken
from desktop_app.document.errors import DocumentError, StoreError
from desktop_app.document.kept_document import KeptDocument, restore, text_digest
from desktop_app.document.recovery import RecoveryStore
from desktop_app.document.text_file import FileVersion, TextFormat, open_text, save_text


def store(folder: Path) -> RecoveryStore:
    return RecoveryStore(folder, Disk(), clock=lambda: 1_000.0)


FULL = KeptDocument(
    key="a",
    text="从前\0有\u2028一个\ud83d 😀\n",
    path=Path(os.fsdecode("/文件 夹/章 1.txt".encode() + b"\xff")),
    caret=7,
    scroll=31,
    format=TextFormat("GB18030", "CRLF"),
    version=FileVersion(StatToken(5, 6, 2**64 - 1), "d" * 64),
    saved_digest="e" * 64,
)


def test_everything_comes_back_after_a_restart(tmp_path: Path):
    first = store(tmp_path)
    first.keep([FULL, KeptDocument("b", "untitled")])
    first.close()
    second = store(tmp_path)
    assert second.notice is None
    assert second.take_over() == (
        replace(FULL, changed_at=1_000.0),
        KeptDocument("b", "untitled", changed_at=1_000.0),
    )
    second.close()


def test_a_forgotten_document_does_not_come_back(tmp_path: Path):
    first = store(tmp_path)
    first.keep([KeptDocument("a", "one"), KeptDocument("b", "two")])
    first.forget("a")
    first.close()
    assert [document.key for document in store(tmp_path).take_over()] == ["b"]


def test_a_running_windows_text_is_left_alone(tmp_path: Path):
    first, second = store(tmp_path), store(tmp_path)
    first.keep([KeptDocument("a", "first")])
    assert second.take_over() == ()
    second.keep([KeptDocument("a", "second")])
    first.keep([KeptDocument("a", "first, longer")])
    assert [document.text for document in first.kept()] == ["first, longer"]
    assert [document.text for document in second.kept()] == ["second"]
    first.close()
    texts = {document.text for document in second.take_over()}
    assert texts == {"second", "first, longer"}
    assert len({document.key for document in second.kept()}) == 2
    second.close()


def test_two_starts_never_take_over_the_same_document(tmp_path: Path):
    dead = store(tmp_path)
    dead.keep([KeptDocument("a", "text")])
    dead.close()
    first, second = store(tmp_path), store(tmp_path)
    assert len(first.take_over()) + len(second.take_over()) == 1


def test_locks_of_ended_sessions_are_cleared_away(tmp_path: Path):
    for _ in range(5):
        one = store(tmp_path)
        one.keep([KeptDocument("a", "text")])
        one.take_over()
        one.close()
    last = store(tmp_path)
    last.take_over()
    assert len(list(last.folder.glob("*.lock"))) == 1


WRITING_CHILD = """
import sys, time
from pathlib import Path
from desktop_app.document.disk import Disk
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.recovery import RecoveryStore
store = RecoveryStore(Path(sys.argv[1]), Disk())
store.take_over()
number = 0
while True:
    number += 1
    store.keep([KeptDocument("novel", str(number) * 20_000)])
    print(number, flush=True)
"""


def test_what_was_confirmed_survives_a_kill(tmp_path: Path, root: Path):
    for round_number in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", WRITING_CHILD, str(tmp_path)], cwd=root, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            confirmed = int(process.stdout.readline())
            time.sleep(0.003 * round_number)
            process.send_signal(signal.SIGKILL)
            rest = process.stdout.read().split()
        confirmed = int(rest[-1]) if rest else confirmed
        survivor = store(tmp_path)
        assert survivor.notice is None
        texts = [document.text for document in survivor.take_over()]
        assert texts in ([str(confirmed) * 20_000], [str(confirmed + 1) * 20_000])
        survivor.forget("novel")
        survivor.close()


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
    first.keep([KeptDocument(str(number), "文" * 9_000) for number in range(20)])
    first.close()
    damage(first.folder / "recovery.db", how)
    second = store(tmp_path)
    assert second.notice is not None
    assert second.notice.kind == "store_set_aside"
    assert len(list(second.folder.glob("recovery-damaged-*.db"))) == 1
    for document in second.take_over():  # what was saved is whole
        assert document.text == "文" * 9_000
    second.keep([KeptDocument("new", "works")])
    second.close()
    third = store(tmp_path)
    assert third.notice is None
    assert "works" in [document.text for document in third.take_over()]


def test_texts_before_the_damage_are_saved(tmp_path: Path):
    first = store(tmp_path)
    first.keep([KeptDocument(str(number), str(number) * 5_000) for number in range(40)])
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
    newer.keep([KeptDocument("a", "from the future")])
    newer.close()
    connection = sqlite3.connect(newer.folder / "recovery.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = (newer.folder / "recovery.db").read_bytes()
    ours = store(tmp_path)
    assert ours.take_over() == ()
    ours.keep([KeptDocument("a", "now")])
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


def test_a_full_disk_is_said_and_the_earlier_text_stays(tmp_path: Path):
    full = store(tmp_path)
    full.keep([KeptDocument("a", "small")])
    connection = full._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match="the disk is full; free some space") as caught:
        full.keep([KeptDocument("a", "x" * 1_000_000)])
    assert caught.value.kind == "disk_full"
    assert [document.text for document in full.kept()] == ["small"]
    connection.execute("PRAGMA max_page_count = 1000000")
    full.keep([KeptDocument("a", "x" * 1_000_000)])
    assert len(full.kept()[0].text) == 1_000_000


def test_an_impossible_folder_is_said(tmp_path: Path):
    (tmp_path / "recovery").write_text("a file is in the way")
    with pytest.raises(DocumentError, match="a file has this name"):
        store(tmp_path)


def test_the_store_is_written_through_to_the_disk(tmp_path: Path):
    one = store(tmp_path)
    assert one._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert one._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert one._connection.execute("PRAGMA application_id").fetchone() == (recovery_format.APPLICATION_ID,)
    assert one.folder.stat().st_mode & 0o077 == 0


def test_unsaved_text_is_recovered_and_a_change_of_its_file_is_noticed_at_saving(tmp_path: Path):
    disk = Disk()
    (tmp_path / "s.txt").write_text("saved", encoding="utf-8")
    opened = open_text(disk, tmp_path / "s.txt")
    kept = KeptDocument("a", "saved and more", opened.path, 3, 0, opened.format, opened.version, text_digest("saved"))
    assert kept.has_unsaved_text
    (tmp_path / "s.txt").write_text("changed", encoding="utf-8")
    restored = restore(disk, kept)
    assert restored.is_recovered
    assert restored.document == kept
    with pytest.raises(DocumentError, match="changed by another program"):
        save_text(disk, tmp_path / "s.txt", kept.text, kept.format, restored.document.version)


def test_a_saved_document_is_read_again_from_its_file(tmp_path: Path):
    disk = Disk()
    (tmp_path / "s.txt").write_text("short", encoding="utf-8")
    kept = KeptDocument("a", "longer text", tmp_path / "s.txt", caret=11, saved_digest=text_digest("longer text"))
    restored = restore(disk, kept)
    assert not restored.is_recovered
    assert (restored.document.text, restored.document.caret) == ("short", 11)
    assert not restored.document.has_unsaved_text


def test_the_text_of_a_vanished_file_is_offered(tmp_path: Path):
    kept = KeptDocument("a", "text", tmp_path / "gone.txt", saved_digest=text_digest("text"))
    restored = restore(Disk(), kept)
    assert restored.is_recovered
    assert restored.document.text == "text"
    assert restored.document.has_unsaved_text
    assert [note.kind for note in restored.notes] == ["missing"]


def test_an_empty_untitled_document_has_nothing_to_lose():
    assert not KeptDocument("a", "").has_unsaved_text
    assert KeptDocument("a", "x").has_unsaved_text


def test_a_row_without_a_text_does_not_hide_the_others(tmp_path: Path):
    one = store(tmp_path)
    one.keep([KeptDocument("a", "good"), KeptDocument("b", "bad")])
    one._connection.execute("UPDATE document SET text = 7 WHERE key = 'b'")
    assert [document.text for document in one.kept()] == ["good"]


def test_a_damaged_text_comes_back_with_what_can_be_read_and_is_said(tmp_path: Path):
    first = store(tmp_path)
    first.keep([KeptDocument("a", "从前有一个人", generated=((0, 2),)), KeptDocument("b", "whole")])
    first._connection.execute("UPDATE document SET text = ? WHERE key = 'a'", ("从前".encode() + b"\xe6x\xff",))
    first.close()
    second = store(tmp_path)
    damaged, whole = second.take_over()
    assert (damaged.text, damaged.is_damaged, damaged.generated) == ("从前\ufffdx\ufffd", True, ())
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
    first.keep([KeptDocument("a", text)])
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
    first.keep([KeptDocument("a", "kept")])
    first._connection.execute(f"PRAGMA user_version = {version}")
    first.close()
    second = store(tmp_path)
    assert second.notice is not None
    assert [document.text for document in second.take_over()] == ["kept"]


def test_a_bad_row_does_not_end_the_salvage(tmp_path: Path):
    first = store(tmp_path)
    first.keep([KeptDocument(str(number), f"text {number}") for number in range(5)])
    first._connection.execute("UPDATE document SET text = 7 WHERE key = '1'")
    first.close()
    saved = [document.text for document in recovery_format.salvage(first.folder / "recovery.db")]
    assert saved == ["text 0", "text 2", "text 3", "text 4"]


def test_a_store_that_another_program_holds_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recovery_format, "_BUSY_SECONDS", 0.05)
    one = store(tmp_path)
    other = sqlite3.connect(one.folder / "recovery.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="another window holds it") as caught:
        one.keep([KeptDocument("a", "text")])
    assert caught.value.kind == "store_busy"
    with pytest.raises(StoreError):
        store(tmp_path)
    assert len(list(one.folder.glob("*.lock"))) == 1  # the failed start left nothing
    other.execute("ROLLBACK")
    other.close()
    one.keep([KeptDocument("a", "text")])


def test_a_folder_without_locks_is_said(tmp_path: Path):
    class NoLocks(Disk):
        def try_lock(self, path: Path) -> None:
            return None

    with pytest.raises(StoreError, match="cannot lock files"):
        RecoveryStore(tmp_path, NoLocks())


def test_closing_twice_does_nothing(tmp_path: Path):
    one = store(tmp_path)
    one.keep([KeptDocument("a", "one")])
    one.close()
    one.close()
    assert [kept.text for kept in store(tmp_path).take_over()] == ["one"]


def test_many_writes_leave_no_open_files_behind(tmp_path: Path):
    one = store(tmp_path)
    one.keep([KeptDocument("a", "x")])
    gc.collect()  # what other tests left must not go meanwhile
    before = len(os.listdir("/proc/self/fd"))
    for number in range(300):
        one.keep([KeptDocument("a", "字" * number)])
    assert len(os.listdir("/proc/self/fd")) == before


class Windows(RuleBasedStateMachine):
    """Windows open, write, close and crash in any order; a plain dictionary is the judge."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.temporary = tempfile.TemporaryDirectory()
        self.folder = Path(self.temporary.name)
        self.windows: list[tuple[RecoveryStore, dict[str, str]]] = []
        self.waiting: list[str] = []  # texts of ended windows
        self.number = 0

    @precondition(lambda self: len(self.windows) < 3)
    @rule()
    def start(self) -> None:
        window = store(self.folder)
        assert window.notice is None
        documents = window.take_over()
        assert sorted(document.text for document in documents) == sorted(self.waiting)
        self.waiting = []
        self.windows.append((window, {document.key: document.text for document in documents}))

    @precondition(lambda self: self.windows)
    @rule(data=st.data(), text=st.text(max_size=20), key=st.sampled_from("abc"))
    def write(self, data: st.DataObject, text: str, key: str) -> None:
        window, texts = data.draw(st.sampled_from(self.windows))
        texts[key] = text
        window.keep([KeptDocument(key, text)])

    @precondition(lambda self: self.windows)
    @rule(data=st.data(), key=st.sampled_from("abc"))
    def forget(self, data: st.DataObject, key: str) -> None:
        window, texts = data.draw(st.sampled_from(self.windows))
        texts.pop(key, None)
        window.forget(key)

    @precondition(lambda self: self.windows)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(0, len(self.windows) - 1))
        window, texts = self.windows.pop(index)
        window.close()
        self.waiting += texts.values()

    @invariant()
    def every_window_sees_its_own_text(self) -> None:
        for window, texts in self.windows:
            assert {document.key: document.text for document in window.kept()} == texts

    def teardown(self) -> None:
        for window, _ in self.windows:
            window.close()
        self.temporary.cleanup()


TestWindows = Windows.TestCase
TestWindows.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
