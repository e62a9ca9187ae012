"""`.nextstroke` files of another version than the program's, by a second version that only these tests have."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from desktop_app.document import nextstroke_schema as schema
from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.document.nextstroke_file import bytes_of, document_of, open_document, salvage, save_document
from desktop_app.document.origins import TYPED, Origin
from desktop_app.document.plain_document import to_plain
from desktop_app.document.soundness import problems
from desktop_app.document.sqlite_file import migrate

GOLDEN = Path(__file__).with_name("golden") / "version-1.nextstroke"
# What a version changes: a table more, a column more, rows that say something else.
SECOND = """
    CREATE TABLE note (id INTEGER PRIMARY KEY, says TEXT NOT NULL DEFAULT 'first; second');  -- not the end; nor here
    INSERT INTO note (id) SELECT id FROM bookmark;
    ALTER TABLE bookmark ADD COLUMN colour TEXT NOT NULL DEFAULT 'none';
    UPDATE about SET value = value || ', part 2' WHERE name = 'title'
"""
FAILING = SECOND + "; INSERT INTO note (id) SELECT 7 FROM node"  # more than one node


@contextmanager
def program_of_version_2(script: str = SECOND) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, script))
        patch.setattr(schema, "VERSION", 2)
        patch.setattr(schema, "TABLES", (*schema.TABLES, "note"))
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of version 1."""
    made = tmp_path / "章 1.nextstroke"
    made.write_bytes(GOLDEN.read_bytes())
    return made


def rows(data: bytes, question: str) -> list[tuple]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.deserialize(data)
        return connection.execute(question).fetchall()


def test_an_older_file_is_brought_up_to_date_in_memory_alone(path: Path):
    before = open_document(Disk(), path)[0]
    with program_of_version_2():
        opened, _ = open_document(Disk(), path)
    assert path.read_bytes() == GOLDEN.read_bytes()
    assert opened.about.title == before.about.title + ", part 2"
    assert to_plain(opened.document) == to_plain(before.document)
    assert problems(opened.document) == []
    assert opened.versions == before.versions
    assert not opened.is_altered


def test_somebody_elses_change_of_an_older_file_is_still_seen(path: Path):
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.deserialize(path.read_bytes())
        connection.execute("UPDATE about SET value = 'other' WHERE name = 'author'")
        data = connection.serialize()
    with program_of_version_2():
        assert document_of(data, "one").is_altered


def test_the_next_save_writes_the_present_version_with_all_earlier_texts(path: Path):
    with program_of_version_2():
        opened, version = open_document(Disk(), path)
        opened.document.insert(0, "now ", Origin(TYPED))
        saved, _ = save_document(Disk(), path, opened, version, clock=lambda: 2_000.0)
        again = open_document(Disk(), path)[0]
    assert rows(path.read_bytes(), "PRAGMA user_version") == [(2,)]
    assert rows(path.read_bytes(), "SELECT colour FROM bookmark") == [("none",)]
    assert [each.text for each in again.versions] == ["earlier 早", opened.document.text()]
    assert again.about == saved.about  # not brought up to date a second time
    assert to_plain(again.document) == to_plain(opened.document)
    assert not again.is_altered
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_new_file_and_one_that_was_brought_up_to_date_have_the_same_schema(path: Path):
    with program_of_version_2():
        opened = document_of(path.read_bytes(), "one")
        connection, _ = schema.open_bytes(path.read_bytes())
        with closing(connection):
            migrated = schema._schema(connection)
        with closing(schema.create()) as connection:
            assert schema._schema(connection) == migrated
        assert not document_of(bytes_of(opened, 0.0), "one").is_altered


def test_where_that_fails_half_way_the_file_is_whole_and_one_line_says_so(path: Path):
    with program_of_version_2(FAILING):
        with pytest.raises(DocumentError) as caught:
            open_document(Disk(), path)
        assert [each.text for each in salvage(path.read_bytes())] == ["earlier 早"]
    assert caught.value.kind == "document_damaged"
    assert "章 1.nextstroke" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == GOLDEN.read_bytes()
    assert not open_document(Disk(), path)[0].is_altered  # by the program that wrote it


def test_a_file_of_a_later_version_is_refused_with_one_line(path: Path):
    with program_of_version_2():
        path.write_bytes(bytes_of(document_of(path.read_bytes(), "one"), 0.0))
    data = path.read_bytes()
    with pytest.raises(DocumentError) as caught:
        open_document(Disk(), path)
    assert caught.value.kind == "newer_document"
    assert str(caught.value) == (
        "章 1.nextstroke was written by a newer Nextstroke (file version 2); update the program to open it"
    )
    assert path.read_bytes() == data


def test_a_file_that_claims_another_version_than_its_tables_have_is_foreign(path: Path):
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.deserialize(path.read_bytes())
        connection.execute("PRAGMA user_version = 2")
        data = connection.serialize()
    with program_of_version_2(), pytest.raises(DocumentError) as caught:
        document_of(data, "one")
    assert caught.value.kind == "not_a_document"


def test_a_script_is_cut_where_its_statements_end():
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        trigger = (
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM a WHERE b = ';'; INSERT INTO a VALUES ('x'); END"
        )
        migrate(connection, 1, ("CREATE TABLE a (b)", f"{trigger}; INSERT INTO a VALUES (';')"), 0)
        assert connection.execute("SELECT b FROM a").fetchall() == [("x",)]
        with pytest.raises(ValueError, match="ends inside"):
            migrate(connection, 1, ("", "", "INSERT INTO a VALUES ('"), 2)
