"""What a damaged recovery store still gives: every document as far as it can be read, each on its own.

    row and parts whole → the document · the parts are not → the text that was shown · that neither → its beginning
    parts whose row is lost → the text that was shown

Knows the tables and how SQLite fails. Must not know: sessions, where the texts go.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from desktop_app.document import recovery_rows as rows
from desktop_app.document.errors import StoreError
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.recovery_parts import SHOWN
from desktop_app.document.sqlite_file import lenient_text, opened
from desktop_app.document.versions import EarlierText

_PIECE_BYTES = 512  # a page of the store is 4096


def salvage(path: Path) -> list[KeptDocument]:
    """The documents of a damaged store. Never raises for what is in it."""
    try:
        with closing(opened(path)) as connection:
            connection.text_factory = lenient_text
            return _documents(connection)
    except sqlite3.Error:
        return []


def _documents(connection: sqlite3.Connection) -> list[KeptDocument]:
    columns = [row[1] for row in connection.execute("PRAGMA table_info(document)")]
    select = rows.SELECT_BY_VERSION[("generated" in columns) + ("modified" in columns)]
    found: list[KeptDocument] = []
    read: set[int] = set()
    for number in _row_numbers(connection, "document"):
        read.add(number)
        try:
            row = connection.execute(f"{select} WHERE rowid = ?", (number,)).fetchone()
        except sqlite3.DatabaseError:
            found += _beginning(connection, "document", "text", number)
            continue
        found += [] if row is None else _document(connection, row, "modified" in columns)
    return [*found, *(_unowned(connection, read) if "modified" in columns else ())]


def _document(connection: sqlite3.Connection, row: rows.Row, has_parts: bool) -> list[KeptDocument]:
    number = int(row[0])
    try:
        parts = rows.read_parts(connection, number) if has_parts else []
        return [rows.document_of(row, parts, _earlier(connection, number) if has_parts else ())]
    except sqlite3.DatabaseError:
        return _text_of_row(connection, row, number)
    except StoreError:
        return []  # this one is lost; the next may not be


def _text_of_row(connection: sqlite3.Connection, row: rows.Row, number: int) -> list[KeptDocument]:
    """The text of a row whose parts cannot all be read, under the name of its file."""
    for part, document in _shown_parts(connection):
        if document == number:
            bare = [replace(kept, key=str(row[1])) for kept in _text(connection, part)]
            return [_placed(kept, row) for kept in bare]
    return []


def _placed(kept: KeptDocument, row: rows.Row) -> KeptDocument:
    whole = rows.document_of((*row[:2], b"", *row[3:12], "", *row[13:16], None, 1), (), ())
    return replace(whole, stored=replace(kept.stored, about=whole.stored.about), is_modified=True, is_damaged=True)


def _unowned(connection: sqlite3.Connection, read: set[int]) -> Iterator[KeptDocument]:
    for part, document in _shown_parts(connection):
        if document not in read:
            yield from _text(connection, part)


def _shown_parts(connection: sqlite3.Connection) -> Iterator[tuple[int, int]]:
    """(number, document) of the parts that hold a shown text."""
    for number in _row_numbers(connection, "part"):
        try:
            row = connection.execute("SELECT kind, document FROM part WHERE id = ?", (number,)).fetchone()
        except sqlite3.DatabaseError:
            continue
        if row is not None and row[0] == SHOWN and isinstance(row[1], int):
            yield number, row[1]


def _text(connection: sqlite3.Connection, part: int) -> list[KeptDocument]:
    try:
        (content,) = connection.execute("SELECT content FROM part WHERE id = ?", (part,)).fetchone()
        text = rows.text_of(content)[0]
        return [KeptDocument.of_text(f"salvaged-{part}", text, is_damaged=True)] if text else []
    except (sqlite3.DatabaseError, TypeError, AttributeError):
        return _beginning(connection, "part", "content", part)


def _beginning(connection: sqlite3.Connection, table: str, column: str, number: int) -> list[KeptDocument]:
    """What of a long text lies before the damage; the chain of its pages is broken there."""
    found = bytearray()
    try:
        with connection.blobopen(table, column, number, readonly=True) as blob:
            while piece := blob.read(_PIECE_BYTES):
                found += piece
    except (sqlite3.Error, SystemError):
        pass
    if not found:
        return []
    return [KeptDocument.of_text(f"salvaged-{number}", rows.text_of(bytes(found))[0], is_damaged=True)]


def _earlier(connection: sqlite3.Connection, number: int) -> tuple[EarlierText, ...]:
    try:
        return rows.read_earlier(connection, number)
    except sqlite3.DatabaseError:
        return ()


def _row_numbers(connection: sqlite3.Connection, table: str) -> list[int]:
    """The rows that can be reached from either end: a damaged page ends each way."""
    found: dict[int, None] = {}
    for order in ("ASC", "DESC"):
        try:
            for (number,) in connection.execute(f"SELECT rowid FROM {table} ORDER BY rowid {order}"):
                found[number] = None
        except sqlite3.DatabaseError:
            continue
    return sorted(found)
