"""`.nextstroke` files: a document with its origins, branches and history, what is said about it, and earlier texts.

    save_document   document → rows → SQLite in memory → bytes → the safe protocol of `Disk`; on a worker, of a copy
    open_document   bytes → SQLite in memory, checked → rows → document
    salvage         what can still be read of a damaged file: its texts, the newest first

The file is one whole snapshot: no journal lies beside it, it can be copied at any time, and a reader sees the old file
or the new one. Knows the schema, the document as plain data and `Disk`; must not know Qt, the engine or tabs.
"""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from desktop_app.document import nextstroke_schema as schema
from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.document.model import Document
from desktop_app.document.plain_document import FORMAT, WRONG_SHAPE, PlainDocumentError, from_plain, to_plain
from desktop_app.document.plain_document import VERSION as PLAIN_VERSION
from desktop_app.document.sqlite_file import ForeignFileError, NewerFileError
from desktop_app.document.text_file import FileVersion, demand_unchanged
from desktop_app.document.versions import (
    TEXT_LIMIT_BYTES,
    EarlierText,
    TooLongError,
    packed,
    sane_moment,
    unpacked,
    with_version,
)

SUFFIX = ".nextstroke"
SIZE_LIMIT_BYTES = 256 * 1024 * 1024
_LIMIT = f"{SIZE_LIMIT_BYTES // 2**20} MB"
_TEXTS_LIMIT_BYTES = 1024 * 1024 * 1024  # of all earlier texts together
_MOST_SHRUNK = 16  # times: prose shrinks to a third, and a bomb to a thousandth
_BEGINNING = b"SQLite format 3\0"
_STATE = ("revision", "next_id", "current", "step")
Plain = dict[str, Any]
# SQLite quotes the damaged bytes in its words, which Python then fails to decode.
_DAMAGE = (sqlite3.Error, ValueError)


@dataclass(frozen=True)
class About:
    """What is said of a document. `language`: a BCP 47 tag."""

    title: str = ""
    author: str = ""
    language: str = ""


@dataclass(frozen=True)
class StoredDocument:
    """A document as it lies in its file. `caret`: code points into the shown branch.

    `is_altered`: it opens, but its bytes are not those that were saved; the person should be told, and may compare it
    with an earlier text.
    """

    document: Document
    about: About = field(default_factory=About)
    versions: tuple[EarlierText, ...] = ()
    caret: int = 0
    is_altered: bool = False


class DocumentFileError(DocumentError):
    """A `.nextstroke` file that cannot be opened."""


def save_document(
    disk: Disk,
    path: Path,
    stored: StoredDocument,
    known: FileVersion | None = None,
    overwrite: bool = False,
    clock: Callable[[], float] = time.time,
) -> tuple[StoredDocument, FileVersion]:
    """Replace the file; returns what it holds now (its text is the newest version) and its state on the disk.

    `known` and `overwrite` as in `save_text`. Raises `ChangedOutside`, `DiskError`, and `DocumentFileError` for what
    this program would not open again; the old file then stays whole.
    """
    if not overwrite:
        demand_unchanged(disk, path, known)
    now = clock()
    stored = replace(stored, versions=with_version(stored.versions, stored.document.text(), now))
    data = bytes_of(stored, now)
    if len(data) > SIZE_LIMIT_BYTES:
        line = f"{path.name} would be larger than {_LIMIT}, more than this program opens; nothing was written"
        raise DocumentFileError(
            f"{line}, save it as .txt or in parts", "document_too_large", name=path.name, limit=_LIMIT
        )
    token = disk.write_safely(path, data)
    return stored, FileVersion.of(token, data)


def open_document(disk: Disk, path: Path) -> tuple[StoredDocument, FileVersion]:
    """Read a file. Raises `DiskError`, `DocumentFileError`; the file is never touched."""
    found = disk.read_within(path, SIZE_LIMIT_BYTES)
    if found is None:
        line = f"{path.name} is larger than {_LIMIT}, more than this program opens; split it where it was made"
        raise DocumentFileError(line, "file_too_large", name=path.name, limit=_LIMIT)
    data, token = found
    return document_of(data, path.name), FileVersion.of(token, data)


def salvage(data: bytes) -> tuple[EarlierText, ...]:
    """The texts of a damaged file that can still be read, the newest first. Never raises."""
    try:
        with closing(schema.open_unchecked(data)) as connection:
            return tuple(sorted(_readable_versions(connection, len(data)), key=lambda version: -version.saved))
    except (*_DAMAGE, MemoryError):  # what SQLite calls an empty file
        return ()


# ---- bytes ------------------------------------------------------------------------------------------------------


def bytes_of(stored: StoredDocument, saved: float) -> bytes:
    """The file of a document."""
    with closing(schema.create()) as connection:
        connection.execute("BEGIN")
        _write_about(connection, stored, saved)
        _write_plain(connection, to_plain(stored.document))
        versions = map(_version_row, range(len(stored.versions)), stored.versions)
        _fill(connection, "version (id, saved, characters, text)", versions)
        _fill(connection, "about (name, value)", [("digest", schema.content_digest(connection))])
        connection.execute("COMMIT")
        return connection.serialize()


def document_of(data: bytes, name: str) -> StoredDocument:
    """The document of a file's bytes. Raises `DocumentFileError`."""
    try:
        if data and not data.startswith(_BEGINNING):
            raise ForeignFileError
        connection, is_altered = schema.open_bytes(data)
        with closing(connection):
            about = {str(key): str(value) for key, value in connection.execute("SELECT name, value FROM about")}
            versions = tuple(sorted(_readable_versions(connection, len(data)), key=lambda version: version.saved))
            document = from_plain(_read_plain(connection), check_history=is_altered)
    except NewerFileError as error:
        line = f"{name} was written by a newer Nextstroke (file version {error.version}); update the program to open it"
        raise DocumentFileError(line, "newer_document", name=name, version=str(error.version)) from error
    except ForeignFileError as error:
        line = f"{name} is not a Nextstroke document, or holds what no such document has; choose another file"
        raise DocumentFileError(line, "not_a_document", name=name) from error
    except (sqlite3.Error, PlainDocumentError, MemoryError, *WRONG_SHAPE) as error:
        line = f"{name} is damaged and cannot be opened as it is; the texts that can still be read of it are offered"
        raise DocumentFileError(line, "document_damaged", name=name) from error
    return StoredDocument(document, _about_of(about), versions, _caret_of(about, document), is_altered)


# ---- rows -------------------------------------------------------------------------------------------------------


def _fill(connection: sqlite3.Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """`table`: with its columns, of which a later version may have more."""
    every = list(rows)
    if every:
        marks = ", ".join("?" * len(every[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", every)


def _write_about(connection: sqlite3.Connection, stored: StoredDocument, saved: float) -> None:
    about = stored.about
    said = {"title": about.title, "author": about.author, "language": about.language, "program": "Nextstroke"}
    rows = {name: _name(words) for name, words in said.items()}
    _fill(connection, "about (name, value)", (rows | {"saved": repr(saved), "caret": str(stored.caret)}).items())


def _write_plain(connection: sqlite3.Connection, plain: Plain) -> None:
    history = plain["history"]
    state = (plain["revision"], plain["next_id"], plain["current"], history["current"])
    _fill(connection, "state (name, value)", zip(_STATE, state))
    _fill(connection, "buffer (id, text)", [(1, plain["text"].encode("utf-8", "surrogatepass"))])
    origins = ((number, origin["kind"], origin.get("record", "")) for number, origin in enumerate(plain["origins"]))
    _fill(connection, "origin (number, kind, record)", origins)
    _fill(connection, "record (id, says)", ((name, _json(says)) for name, says in plain["records"].items()))
    knots = ((number, *knot) for number, knot in enumerate(plain["knots"]))
    _fill(connection, 'knot (number, before, start, length, origin, "after")', knots)
    _fill(
        connection,
        "node (id, parent, children, held, text)",
        ((n["id"], n["parent"], _json(n["children"]), int(n["held"]), n["text"]) for n in plain["nodes"]),
    )
    _fill(connection, "branch (id, leaf, name)", ((b["id"], b["leaf"], _name(b["name"])) for b in plain["branches"]))
    marks = ((mark["id"], mark["branch"], mark["position"], _name(mark["name"])) for mark in plain["bookmarks"])
    _fill(connection, "bookmark (id, branch, position, name)", marks)
    _fill(
        connection,
        "step (id, parent, kind, branch, changes)",
        ((s["id"], s["parent"], s["kind"], s["branch"], _json(s["changes"])) for s in history["steps"]),
    )
    _fill(connection, "way (parent, steps)", ((int(parent), _json(steps)) for parent, steps in history["ways"].items()))


def _read_plain(connection: sqlite3.Connection) -> Plain:
    def rows(columns: str, table: str, order: str) -> list[tuple[Any, ...]]:
        return connection.execute(f"SELECT {columns} FROM {table} ORDER BY {order}").fetchall()

    state = dict(rows("name, value", "state", "name"))
    ((text,),) = rows("text", "buffer", "id")
    return {
        "format": FORMAT,
        "version": PLAIN_VERSION,
        "revision": state["revision"],
        "next_id": state["next_id"],
        "current": state["current"],
        "text": text.decode("utf-8", "surrogatepass"),
        "origins": [{"kind": kind, "record": record} for kind, record in rows("kind, record", "origin", "number")],
        "records": {name: json.loads(says) for name, says in rows("id, says", "record", "rowid")},
        "knots": [list(knot) for knot in rows('before, start, length, origin, "after"', "knot", "number")],
        "nodes": [
            {"id": key, "parent": parent, "children": json.loads(children), "held": bool(held), "text": knot}
            for key, parent, children, held, knot in rows("id, parent, children, held, text", "node", "id")
        ],
        "branches": [
            {"id": key, "leaf": leaf, "name": name} for key, leaf, name in rows("id, leaf, name", "branch", "id")
        ],
        "bookmarks": [
            {"id": key, "branch": branch, "position": position, "name": name}
            for key, branch, position, name in rows("id, branch, position, name", "bookmark", "id")
        ],
        "history": {
            "current": state["step"],
            "steps": [
                {"id": key, "parent": parent, "kind": kind, "branch": branch, "changes": json.loads(changes)}
                for key, parent, kind, branch, changes in rows("id, parent, kind, branch, changes", "step", "id")
            ],
            "ways": {str(parent): json.loads(steps) for parent, steps in rows("parent, steps", "way", "parent")},
        },
    }


def _version_row(number: int, version: EarlierText) -> tuple[Any, ...]:
    return number + 1, version.saved, len(version.text), packed(version.text)


def _readable_versions(connection: sqlite3.Connection, file_bytes: int) -> Iterator[EarlierText]:
    """Row by row, the last first: a damaged one does not hide the others, and together they fit into memory."""
    room = min(_TEXTS_LIMIT_BYTES, TEXT_LIMIT_BYTES + _MOST_SHRUNK * file_bytes)
    try:
        numbers = [number for (number,) in connection.execute("SELECT id FROM version ORDER BY id DESC")]
    except _DAMAGE:
        numbers = list(range(1_000, 0, -1))
    for number in numbers:
        most_bytes = min(room, TEXT_LIMIT_BYTES)
        try:
            row = connection.execute("SELECT saved, text FROM version WHERE id = ?", (number,)).fetchone()
            if row is not None:
                text = unpacked(row[1], most_bytes)
                room -= len(text.encode("utf-8", "surrogatepass"))
                yield EarlierText(sane_moment(row[0]), text)
        except TooLongError:
            room -= most_bytes
        except (*_DAMAGE, zlib.error, TypeError):
            continue
        if room <= 0:
            return  # trying costs as much as having


def _about_of(about: dict[str, str]) -> About:
    return About(about.get("title", ""), about.get("author", ""), about.get("language", ""))


def _caret_of(about: dict[str, str], document: Document) -> int:
    written = about.get("caret", "0")
    return min(int(written), document.length()) if written.isdecimal() and len(written) < 12 else 0


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))  # ASCII: half characters have no UTF-8


def _name(written: str) -> str:
    """A name as SQLite takes it; half of a character has no bytes."""
    return written.encode("utf-8", "replace").decode()
