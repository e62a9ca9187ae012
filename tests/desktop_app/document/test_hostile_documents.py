"""Hostile `.nextstroke` files: nothing of theirs is run, nothing beside them is read, and each is one line in time."""

import json
import os
import sqlite3
import subprocess
import sys
import time
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from desktop_app.document import nextstroke_file
from desktop_app.document.any_file import open_file, readable_text
from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.document.model import Document
from desktop_app.document.nextstroke_file import StoredDocument, bytes_of, document_of, salvage, save_document
from desktop_app.document.origins import TYPED, Origin
from desktop_app.document.plain_document import from_plain, to_plain
from desktop_app.document.versions import EarlierText
from tests.desktop_app.document.test_nextstroke_file import changed, sample
from tests.support.strace import strace

LONGEST_S = 10.0
SECRET = "a secret of another file"


def with_rows(data: bytes, *statements: tuple[str, tuple[object, ...]]) -> bytes:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.deserialize(data)
        for statement, values in statements:
            connection.execute(statement, values)
        return connection.serialize()


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def attacks() -> dict[str, bytes]:
    """Files by what they try."""
    data = bytes_of(sample(), 0.0)
    wal = bytearray(data)
    wal[18:20] = b"\2\2"
    header = bytearray(data)
    header[28:32] = (2**31).to_bytes(4, "big")
    pages = bytearray(data)
    pages[1024:] = bytes(len(pages) - 1024)
    dump = "INSERT INTO about SELECT 'stolen', readfile('/etc/passwd')"
    found = {
        "nothing": b"",
        "zeros": bytes(8192),
        "header only": data[:100],
        "half": data[: len(data) // 2],
        "write-ahead log": bytes(wal),
        "two thousand million pages": bytes(header),
        "zero pages": bytes(pages),
        "text": b"SQLite format 3\0" + b"x" * 5000,
        "trigger": changed(data, f"CREATE TRIGGER t BEFORE DELETE ON about BEGIN {dump}; END"),
        "view": changed(data, "CREATE VIEW v AS SELECT load_extension('/tmp/evil.so')"),
        "endless view": changed(
            data,
            "DROP TABLE way",
            "CREATE VIEW way AS WITH RECURSIVE n(parent) AS (SELECT 1 UNION ALL SELECT parent + 1 FROM n) "
            "SELECT parent, '[]' AS steps FROM n",
        ),
        "generated column": changed(
            data,
            "DROP TABLE way",
            "CREATE TABLE way (parent INTEGER PRIMARY KEY, steps TEXT AS (hex(zeroblob(100000000))))",
        ),
        "index": changed(data, "CREATE INDEX i ON about (hex(name))"),
        "another program": changed(data, "PRAGMA application_id = 1"),
        "the future": changed(data, "PRAGMA user_version = 1000000"),
        "before the first": changed(data, "PRAGMA user_version = 0"),
        "deep list": with_rows(data, ("UPDATE step SET changes = ?", (nested(100_000),))),
        "deep children": with_rows(data, ("UPDATE node SET children = ?", (nested(50_000),))),
        "huge number": with_rows(data, ("UPDATE record SET says = ?", ('{"n": ' + "9" * 100_000 + "}",))),
        "no numbers": with_rows(data, ("UPDATE record SET says = ?", ('{"n": NaN}',))),
        "endless float": with_rows(data, ("UPDATE state SET value = 9e999", ())),
        "far ids": with_rows(data, ("UPDATE node SET parent = 9223372036854775807", ())),
        "a loop of nodes": with_rows(data, ("UPDATE node SET parent = id, children = '[' || id || ']'", ())),
        "blob for a name": with_rows(data, ("UPDATE branch SET name = x'ff00ff'", ())),
        "bombs": with_rows(
            data,
            *(
                ("INSERT INTO version VALUES (?, 1.0, 1, ?)", (number, zlib.compress(bytes(50 * 2**20), 9)))
                for number in range(100, 140)
            ),
        ),
        "large blob": with_rows(data, ("UPDATE buffer SET text = zeroblob(20000000)", ())),
    }
    return found


ATTACKS = attacks()


def what_opening_says(path: Path) -> str:
    """The line, or "altered" where it opens as what nobody saved."""
    try:
        stored = open_file(Disk(), path).stored
    except DocumentError as error:
        readable_text(Disk(), path)
        return str(error)
    return "altered" if stored is not None and stored.is_altered else ""


@pytest.mark.parametrize("name", ATTACKS)
def test_a_hostile_document_is_opened_or_one_line_in_time(tmp_path: Path, name: str):
    path = tmp_path / "hostile.nextstroke"
    path.write_bytes(ATTACKS[name])
    started = time.monotonic()
    said = what_opening_says(path)
    assert said == "altered" or (path.name in said and "\n" not in said)
    assert time.monotonic() - started < LONGEST_S
    assert path.read_bytes() == ATTACKS[name]
    assert [each.name for each in tmp_path.iterdir()] == ["hostile.nextstroke"]


# Opens each of the named files; what the process does between the two marks is looked at.
OPENER = """
import os, sys
from pathlib import Path
from desktop_app.document.any_file import open_file, readable_text
from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
disk, names = Disk(), sys.argv[1:]
open_file(disk, Path(names[0]))  # everything that opening loads is loaded
os.path.exists("/mark-begin")
for name in names[1:]:
    try:
        open_file(disk, Path(name))
    except DocumentError:
        readable_text(disk, Path(name))
os.path.exists("/mark-end")
"""


def test_nothing_is_run_and_nothing_else_is_opened(root: Path, tmp_path: Path):
    tracer = strace()
    good = tmp_path / "good.nextstroke"
    save_document(Disk(), good, sample())
    paths = []
    for number, name in enumerate(ATTACKS):
        paths.append(tmp_path / f"{number}.nextstroke")
        paths[-1].write_bytes(ATTACKS[name])
    for suffix in ("-wal", "-shm", "-journal"):
        Path(f"{paths[0]}{suffix}").write_bytes(b"beside it")
    log = tmp_path / "log"
    command = [
        tracer,
        "-f",
        "-qq",
        "-e",
        "trace=open,openat,openat2,execve,fork,vfork,connect,stat,newfstatat",
        "-o",
        str(log),
    ]
    command += [sys.executable, "-c", OPENER, str(good), *map(str, paths)]
    subprocess.run(command, cwd=root, check=True, timeout=300)
    lines = log.read_text(errors="replace").splitlines()
    begin = next(number for number, line in enumerate(lines) if "/mark-begin" in line)
    end = next(number for number, line in enumerate(lines) if "/mark-end" in line)
    calls = [line for line in lines[begin + 1 : end] if "stat" not in line.split("(")[0]]
    assert len(calls) >= len(paths)
    own = tuple(f'"{path}"' for path in paths)
    assert [line for line in calls if not any(name in line for name in own)] == []


def test_a_link_to_another_file_gives_nothing_of_it_away(tmp_path: Path):
    (tmp_path / "other.txt").write_text(SECRET)
    link = tmp_path / "link.nextstroke"
    link.symlink_to(tmp_path / "other.txt")
    with pytest.raises(DocumentError) as caught:
        open_file(Disk(), link)
    assert caught.value.kind == "not_a_document"
    assert SECRET not in str(caught.value)
    assert readable_text(Disk(), link) is None


def test_a_journal_beside_a_document_is_not_looked_at(tmp_path: Path):
    path = tmp_path / "a.nextstroke"
    save_document(Disk(), path, sample())
    for suffix in ("-wal", "-journal", "-shm"):
        Path(f"{path}{suffix}").write_bytes(os.urandom(4096))
    assert not document_of(path.read_bytes(), path.name).is_altered
    stored = open_file(Disk(), path).stored
    assert stored is not None
    assert not stored.is_altered


def test_texts_that_inflate_together_to_anything_are_left_out():
    data, count = ATTACKS["bombs"], len(sample().versions)
    assert len(data) < 3 * 2**20
    inflated = sum(len(version.text) for version in salvage(data))
    assert inflated < 200 * 2**20
    assert count <= len(document_of(data, "a").versions) < 10


def test_the_newest_of_many_texts_are_those_that_stay():
    stored = StoredDocument(sample().document, versions=tuple(EarlierText(float(n), f"text {n}") for n in range(30)))
    assert document_of(bytes_of(stored, 0.0), "a").versions == stored.versions


def test_a_document_that_would_not_open_again_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "large.nextstroke"
    save_document(Disk(), path, sample())
    before = path.read_bytes()
    monkeypatch.setattr(nextstroke_file, "SIZE_LIMIT_BYTES", 100_000)
    document = Document()
    document.insert(0, "字" * 60_000, Origin(TYPED))
    with pytest.raises(DocumentError, match="nothing was written") as caught:
        save_document(Disk(), path, StoredDocument(document))
    assert caught.value.kind == "document_too_large"
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_a_history_that_takes_too_long_is_left_out(monkeypatch: pytest.MonkeyPatch):
    plain = to_plain(sample().document)
    assert from_plain(plain, check_history=True).history.steps
    monkeypatch.setattr("desktop_app.document.plain_document._LONGEST_WALK_S", -1.0)
    opened = from_plain(json.loads(json.dumps(plain)), check_history=True)
    assert not opened.history.steps
    assert opened.text() == sample().document.text()


@pytest.mark.long
def test_a_document_over_the_real_limit_is_not_written(tmp_path: Path):
    document = Document()
    document.insert(0, os.urandom(140 * 2**20).hex(), Origin(TYPED))
    path = tmp_path / "large.nextstroke"
    with pytest.raises(DocumentError, match="larger than 256 MB"):
        save_document(Disk(), path, StoredDocument(document))
    assert list(tmp_path.iterdir()) == []
