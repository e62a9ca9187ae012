"""The store keeps whole documents by their changes: what a start finds is what was kept, whatever was done before."""

import random
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from desktop_app.document import recovery_plan
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.model import Document
from desktop_app.document.nextstroke_file import About, StoredDocument
from desktop_app.document.origins import GENERATED, TYPED, Origin
from desktop_app.document.plain_document import to_plain
from desktop_app.document.recovery import RecoveryStore
from desktop_app.document.versions import EarlierText
from tests.desktop_app.document.naive_document import Pair
from tests.desktop_app.document.recovery_store import FULL, plain, store


def kept(document: Document, key: str = "novel", **other: object) -> KeptDocument:
    return KeptDocument(key, StoredDocument(document.copy()), **other)  # type: ignore[arg-type]


def kinds(one: RecoveryStore) -> list[str]:
    return [kind for (kind,) in one._connection.execute("SELECT kind FROM part ORDER BY id")]


def reopened(one: RecoveryStore) -> RecoveryStore:
    one.close()
    again = RecoveryStore(one.folder.parent, one._disk, clock=lambda: 1_000.0)
    assert again.notice is None
    return again


@pytest.mark.parametrize("seed", range(6))
def test_what_a_start_finds_is_what_was_kept_whatever_was_done(tmp_path: Path, seed: int, monkeypatch):
    """Random edits, forks, bookmarks and undo, kept and found again at random; starts go on with what they found."""
    monkeypatch.setattr(recovery_plan, "CHANGES_AT_MOST", 40)
    chance, pair, one = random.Random(seed), Pair(), store(tmp_path)
    starts = wholes = 0
    for _ in range(60):
        for _ in range(chance.randrange(6)):
            pair.do(
                chance.choice(Pair.OPERATIONS), chance.randrange(1000), chance.randrange(999), chance.randrange(999)
            )
        one.keep([kept(pair.real)])
        wholes += kinds(one)[-1] != "changes"
        if chance.random() < 0.25:
            wanted = to_plain(pair.real)
            one = reopened(one)
            (found,) = one.take_over()
            assert to_plain(found.stored.document) == wanted
            assert (found.is_damaged, found.is_text_only) == (False, False)
            pair.read(found.stored.document)
            starts += 1
    print(f"seed {seed}: {starts} starts, {wholes} of 60 writes were whole")
    assert starts > 5
    assert 1 <= wholes < 40
    while pair.real.undo():
        pass
    assert pair.real.text() == ""


def test_a_key_in_a_long_text_is_a_small_write(tmp_path: Path):
    document, one = Document(), store(tmp_path)
    for number in range(300):
        document.insert(document.length(), "words and words " * 200, Origin(GENERATED, f"r{number % 7}"), "generation")
    one.keep([kept(document)])
    before = one._connection.total_changes
    (size,) = one._connection.execute("SELECT sum(length(content)) FROM part").fetchone()
    document.insert(500, "x", Origin(TYPED))
    one.keep([kept(document)])
    (after,) = one._connection.execute("SELECT sum(length(content)) FROM part").fetchone()
    assert after - size < 400
    assert one._connection.total_changes - before == 2  # the row and one part
    assert one.kept()[0].text == document.text()


def test_what_has_not_changed_is_not_written(tmp_path: Path):
    document, one = Document(), store(tmp_path)
    document.insert(0, "从前", Origin(TYPED))
    one.keep([kept(document), FULL])
    before = one._connection.total_changes
    one.keep([kept(document), FULL])
    assert one._connection.total_changes == before
    one.keep([kept(document, caret=1), FULL])
    assert one._connection.total_changes == before + 1
    assert [found.caret for found in one.kept()] == [1, FULL.caret]


def test_changes_stay_few(tmp_path: Path):
    document, one = Document(), store(tmp_path)
    for number in range(3 * recovery_plan.CHANGES_AT_MOST // 50):
        for _ in range(50):
            document.insert(0, "a", Origin(TYPED))
            document.close_step()
        one.keep([kept(document)])
        assert kinds(one).count("changes") * 50 <= recovery_plan.CHANGES_AT_MOST, number
    assert kinds(one).count("changes") > 1
    assert one.kept()[0].text == document.text()


def test_another_document_under_the_same_key_is_written_whole(tmp_path: Path):
    first, second, one = Document(), Document(), store(tmp_path)
    first.insert(0, "first", Origin(TYPED))
    second.insert(0, "other", Origin(TYPED))
    assert first.log.revision == second.log.revision
    one.keep([kept(first)])
    one.keep([kept(second)])
    assert one.kept()[0].text == "other"


def test_a_write_that_failed_is_made_up_for_by_the_next(tmp_path: Path):
    document, one = Document(), store(tmp_path)
    document.insert(0, "one", Origin(TYPED))
    one.keep([kept(document)])
    other = sqlite3.connect(one.folder / "recovery.db", isolation_level=None)
    one._connection.execute("PRAGMA busy_timeout = 10")
    other.execute("BEGIN EXCLUSIVE")
    document.insert(3, " two", Origin(TYPED))
    with pytest.raises(Exception, match="another window holds it"):
        one.keep([kept(document)])
    other.execute("ROLLBACK")
    other.close()
    document.insert(7, " three", Origin(TYPED))
    one.keep([kept(document)])
    found = one.kept()[0].stored.document
    assert to_plain(found) == to_plain(document)


def test_title_and_earlier_texts_come_along_and_go(tmp_path: Path):
    texts = tuple(EarlierText(float(number), str(number) * 300_000) for number in range(4))
    whole = replace(FULL, stored=replace(FULL.stored, versions=texts))
    one = store(tmp_path)
    for count in range(1, 5):  # long ones are packed one a time
        one.keep([whole])
        assert len(one.kept()[0].stored.versions) == count
    assert plain(one.kept()[0]) == plain(whole)
    fewer = replace(whole, stored=replace(whole.stored, versions=texts[2:], about=About("another")))
    one.keep([fewer])
    assert plain(one.kept()[0]) == plain(fewer)


def test_a_start_after_a_start_writes_no_more_than_what_is_new(tmp_path: Path):
    document, one = Document(), store(tmp_path)
    document.insert(0, "words " * 5_000, Origin(TYPED))
    one.keep([kept(document)])
    one = reopened(one)
    (found,) = one.take_over()
    found.stored.document.insert(3, "x", Origin(TYPED))
    one.keep([kept(found.stored.document)])
    assert kinds(one)[-1] == "changes"
    assert one.kept()[0].text == found.stored.document.text()


# ---- damage -----------------------------------------------------------------------------------------------------


def three_writes(folder: Path) -> RecoveryStore:
    document, one = Document(), store(folder)
    for words in ("one", " two", " three"):
        document.insert(document.length(), words, Origin(TYPED))
        document.close_step()
        one.keep([kept(document)])
    assert kinds(one) == ["shown", "buffer", "head", "knots", "steps", "changes", "changes"]
    return one


@pytest.mark.parametrize(
    ("hurt", "text", "is_text_only"),
    [
        ("UPDATE part SET content = x'00' WHERE id = 7", "one two", False),  # the last changes
        ("UPDATE part SET content = x'00' WHERE id = 6", "one", False),  # those before
        ("DELETE FROM part WHERE id = 6", "one", False),  # a gap
        ("UPDATE part SET sum = 0 WHERE id = 7", "one two", False),
        ("UPDATE part SET content = x'ff' WHERE kind = 'head'", "one", True),
        ("DELETE FROM part WHERE kind = 'buffer'", "one", True),
        ("UPDATE part SET content = replace(content, 'n', 'N') WHERE kind = 'buffer'", "one", True),
        ("UPDATE part SET content = x'ff' WHERE kind = 'steps'", "one", True),
    ],
)
def test_damage_costs_what_lies_behind_it_and_is_said(tmp_path: Path, hurt: str, text: str, is_text_only: bool):
    one = three_writes(tmp_path)
    one._connection.execute(hurt)
    again = reopened(one)
    (found,) = again.take_over()
    assert (found.text, found.is_damaged, found.is_text_only) == (text, True, is_text_only)
    assert found.has_unsaved_text
    assert again.notice is not None
    assert again.notice.kind == "kept_text_damaged"
    found.stored.document.insert(0, ">", Origin(TYPED))
    again.keep([kept(found.stored.document)])  # goes on, whole
    assert again.kept()[0].text == ">" + text
    assert not again.kept()[0].is_damaged


def test_a_changed_byte_of_the_history_costs_the_history_alone(tmp_path: Path):
    one = three_writes(tmp_path)
    (steps,) = one._connection.execute("SELECT content FROM part WHERE kind = 'steps'").fetchone()
    assert b'"node":1' in steps
    one._connection.execute(
        "UPDATE part SET content = ? WHERE kind = 'steps'", (steps.replace(b'"node":1', b'"node":4'),)
    )
    (found,) = one.kept()
    assert found.is_damaged
    assert found.text.startswith("one")
    document = found.stored.document
    assert len(document.history.steps) == 2  # of the changes that came after
    while document.undo():
        pass
    assert document.text() == "one"
