"""`.nextstroke` files: everything comes back, nothing foreign is opened, nothing is lost to damage that can be read."""

import random
import sqlite3
import zlib
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from desktop_app.document import nextstroke_schema
from desktop_app.document.disk import Disk
from desktop_app.document.errors import ChangedOutside, DocumentError
from desktop_app.document.model import Document
from desktop_app.document.nextstroke_file import (
    About,
    StoredDocument,
    bytes_of,
    document_of,
    open_document,
    salvage,
    save_document,
)
from desktop_app.document.origins import GENERATED, IMPORTED, PASTED, TYPED, Origin
from desktop_app.document.plain_document import to_plain
from desktop_app.document.soundness import problems
from desktop_app.document.versions import EarlierText
from tests.desktop_app.document.test_document_properties import run

GOLDEN = Path(__file__).with_name("golden") / "version-1.nextstroke"
ABOUT = About("海上 The Sea", "Ann Lee", "zh-Hans")


def sample() -> StoredDocument:
    """A document with something in every table."""
    document = Document()
    document.insert(0, "从前 😀 once", Origin(TYPED))
    document.set_record("r1", {"model": "tiny", "seed": 7, "text": "半\ud83d"})
    document.insert(9, " there was", Origin(GENERATED, "r1"), "generation")
    document.insert(0, "half \ud83d ", Origin(PASTED))
    other = document.fork(4, "另一个 \ud83d")
    document.insert(4, "another", Origin(IMPORTED), branch=other)
    document.bookmark(3, "here")
    document.delete(0, 2)
    document.undo()
    return StoredDocument(document, ABOUT, (EarlierText(5.0, "earlier 早"),), caret=3)


def test_everything_comes_back(tmp_path: Path):
    path, disk, stored = tmp_path / "章 1.nextstroke", Disk(), sample()
    saved, version = save_document(disk, path, stored, clock=lambda: 1_000.0)
    assert [(each.saved, each.text) for each in saved.versions][:1] == [(5.0, "earlier 早")]
    assert saved.versions[-1] == EarlierText(1_000.0, stored.document.text())
    opened, same = open_document(disk, path)
    assert same == version
    assert replace(opened, document=saved.document) == saved
    before, after = to_plain(stored.document), to_plain(opened.document)
    # Half a character has no place in a name.
    assert after["branches"][1]["name"] == "另一个 ?"
    after["branches"][1]["name"] = before["branches"][1]["name"]
    before["history"] = after["history"] = None
    assert after == before
    assert [path.name for path in tmp_path.iterdir()] == ["章 1.nextstroke"]


@pytest.mark.parametrize("seed", range(4))
def test_random_documents_come_back_with_their_history(seed: int):
    document = run(seed, 120).real
    opened = document_of(bytes_of(StoredDocument(document), 0.0), "one").document
    assert to_plain(opened) == to_plain(document)
    assert problems(opened) == []
    while document.undo():
        assert opened.undo() is not None
        assert opened.text() == document.text()


def test_a_change_outside_stops_the_save(tmp_path: Path):
    path, disk = tmp_path / "one.nextstroke", Disk()
    saved, version = save_document(disk, path, sample())
    path.write_bytes(b"somebody else's")
    with pytest.raises(ChangedOutside):
        save_document(disk, path, saved, version)
    assert path.read_bytes() == b"somebody else's"
    save_document(disk, path, saved, version, overwrite=True)
    assert open_document(disk, path)[0].about == ABOUT


def changed(data: bytes, *statements: str) -> bytes:
    """The same file after somebody's SQL."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.deserialize(data)
        for statement in statements:
            connection.execute(statement)
        return connection.serialize()


@pytest.mark.parametrize(
    ("statements", "kind"),
    [
        (["PRAGMA user_version = 99"], "newer_document"),
        (["PRAGMA application_id = 7"], "not_a_document"),
        (["CREATE TABLE other (a)"], "not_a_document"),
        (["CREATE TRIGGER t AFTER INSERT ON about BEGIN SELECT 1; END"], "not_a_document"),
        (["DROP TABLE branch", "CREATE VIEW branch AS SELECT 1 AS id, 1 AS leaf, '' AS name"], "not_a_document"),
        (["DELETE FROM branch"], "document_damaged"),
        (["DELETE FROM state WHERE name = 'step'"], "document_damaged"),
        (["UPDATE buffer SET text = x'ff'"], "document_damaged"),
        (["UPDATE node SET text = 100000"], "document_damaged"),
        (["UPDATE step SET changes = '['"], "document_damaged"),
        (["UPDATE record SET says = 'no JSON'"], "document_damaged"),
        (["UPDATE knot SET length = -5"], "document_damaged"),
    ],
)
def test_what_is_not_whole_is_refused_with_one_line(statements: list[str], kind: str):
    data = changed(bytes_of(sample(), 0.0), *statements)
    with pytest.raises(DocumentError) as caught:
        document_of(data, "章.nextstroke")
    assert caught.value.kind == kind
    assert "章.nextstroke" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_no_flipped_byte_breaks_the_program():
    """Opened as something sound, or refused with one line; never anything else."""
    data = bytes_of(sample(), 0.0)
    whole = to_plain(document_of(data, "one").document)
    chance, outcomes = random.Random(1), {"opened": 0, "refused": 0}
    for _ in range(600):
        hurt = bytearray(data)
        for _ in range(chance.choice((1, 1, 4, 40))):
            hurt[chance.randrange(len(hurt))] = chance.randrange(256)
        if chance.random() < 0.2:
            del hurt[chance.randrange(len(hurt)) :]
        try:
            opened = document_of(bytes(hurt), "one")
        except DocumentError:
            outcomes["refused"] += 1
            assert all(isinstance(version.text, str) for version in salvage(bytes(hurt)))
        else:
            outcomes["opened"] += 1
            assert opened.is_altered or (
                to_plain(opened.document) == whole and opened.about == ABOUT and opened.versions == sample().versions
            )
    print(outcomes)
    assert min(outcomes.values()) > 50


def test_what_was_saved_is_not_called_altered():
    assert not document_of(bytes_of(sample(), 0.0), "one").is_altered
    data = changed(bytes_of(sample(), 0.0), "UPDATE buffer SET text = replace(text, 'once', 'Once')")
    assert document_of(changed(data, "UPDATE buffer SET text = CAST(text AS BLOB)"), "one").is_altered


def test_the_texts_of_a_damaged_file_are_offered():
    stored = replace(sample(), versions=(EarlierText(5.0, "older"), EarlierText(6.0, "newer")))
    data = changed(bytes_of(stored, 0.0), "DELETE FROM branch")
    assert [version.text for version in salvage(data)] == ["newer", "older"]
    assert salvage(b"nothing of the kind") == ()


def test_a_small_file_cannot_inflate_to_anything(monkeypatch: pytest.MonkeyPatch):
    bomb = zlib.compress(bytes(80 * 2**20))
    assert len(bomb) < 100_000
    stored = replace(sample(), versions=(EarlierText(5.0, "older"),))
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.deserialize(bytes_of(stored, 0.0))
        connection.execute("UPDATE version SET text = ?", (bomb,))
        data = connection.serialize()
    assert document_of(data, "one").versions == ()


def test_a_file_that_is_too_large_is_said(tmp_path: Path):
    path = tmp_path / "huge.nextstroke"
    with path.open("wb") as file:
        file.truncate(257 * 2**20)
    with pytest.raises(DocumentError, match="larger than 256 MB"):
        open_document(Disk(), path)


def test_the_documented_schema_is_the_real_one():
    with closing(nextstroke_schema.create()) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        documented = nextstroke_schema.__doc__ or ""
        for table in tables:
            lines = [line for line in documented.splitlines() if line.startswith(f"    {table} ")]
            assert len(lines) == 1, table
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            assert all(column in lines[0] for column in columns if (table, column) != ("buffer", "id")), table


def test_files_of_version_1_open_for_ever(update_golden: bool):
    if update_golden and not GOLDEN.exists():  # never written anew: it is what people have
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_bytes(bytes_of(sample(), 1_000.0))
    opened = document_of(GOLDEN.read_bytes(), GOLDEN.name)
    assert opened.about == ABOUT
    assert opened.document.text(branch=1) == sample().document.text(branch=1)
    assert [passage.origin.kind for passage in opened.document.passages(branch=1)] == [PASTED, TYPED, GENERATED]
    assert dict(opened.document.origins.records["r1"])["seed"] == 7
    assert [version.text for version in opened.versions] == ["earlier 早"]
