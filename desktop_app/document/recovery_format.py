"""The recovery store's SQLite file: its schema, its versions, and documents as rows.

    application_id says whose file it is · user_version says which schema · numbered scripts bring older ones up to date

Knows SQLite; must not know sessions, locks or who is asking.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from desktop_app.document.disk import StatToken
from desktop_app.document.errors import DISK_FULL, FAULT, NO_PERMISSION, READ_ONLY, StoreError
from desktop_app.document.kept_document import KeptDocument, Spans
from desktop_app.document.sqlite_file import demand_whole, lenient_text, migrate, version_of
from desktop_app.document.text_encoding import CR, CRLF, ENCODINGS, LF, MIXED, TextFormat
from desktop_app.document.text_file import FileVersion

APPLICATION_ID = 0x4E585354  # "NXST"
_BUSY_SECONDS = 5.0  # another window's write takes milliseconds
_PIECE_BYTES = 512  # a page of the store is 4096

# Append only: script N turns a store of version N into one of version N + 1.
MIGRATIONS = (
    """
    CREATE TABLE session (id TEXT PRIMARY KEY, started REAL NOT NULL) WITHOUT ROWID;
    CREATE TABLE document (
        key TEXT NOT NULL, session TEXT NOT NULL, position INTEGER NOT NULL,
        text BLOB NOT NULL, path BLOB, caret INTEGER NOT NULL, scroll INTEGER NOT NULL,
        encoding TEXT NOT NULL, line_ends TEXT NOT NULL,
        mtime_ns INTEGER, size INTEGER, inode TEXT, file_digest TEXT,
        saved_digest TEXT NOT NULL, changed REAL NOT NULL,
        PRIMARY KEY (session, key)
    );
    """,
    # What the model wrote: "start-end start-end".
    "ALTER TABLE document ADD COLUMN generated TEXT NOT NULL DEFAULT ''",
)
VERSION = len(MIGRATIONS)
_COLUMNS = (
    "key, text, path, caret, scroll, encoding, line_ends, mtime_ns, size, inode, file_digest, saved_digest, changed, "
    "generated"
)


INSERT = (
    f"INSERT OR REPLACE INTO document (session, position, {_COLUMNS}) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
SELECT = f"SELECT {_COLUMNS} FROM document"
_SELECT_VERSION_1 = SELECT.replace("generated", "'' AS generated")


def connect(path: Path) -> sqlite3.Connection:
    """Open or create a store and check it whole.

    Raises `sqlite3.OperationalError` (cannot be used now), another `sqlite3.DatabaseError` (damaged),
    `NewerFileError` or `ForeignFileError`.
    """
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.text_factory = lenient_text
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        migrate(connection, APPLICATION_ID, MIGRATIONS, version_of(connection, APPLICATION_ID, VERSION))
        connection.execute("COMMIT")
        demand_whole(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def salvage(path: Path) -> list[KeptDocument]:
    """The documents of a damaged store, each as far as it can still be read."""
    saved: list[KeptDocument] = []
    try:
        connection = sqlite3.connect(path, isolation_level=None)
    except sqlite3.Error:
        return saved
    connection.text_factory = lenient_text
    try:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(document)")]
        select = SELECT if "generated" in columns else _SELECT_VERSION_1
        for number in _row_numbers(connection):
            try:
                row = connection.execute(f"{select} WHERE rowid = ?", (number,)).fetchone()
                saved.extend([] if row is None else [document_of(row)])
            except sqlite3.DatabaseError:
                saved.extend(_beginning(connection, number))
            except StoreError:
                continue  # this one is lost; the next may not be
    except sqlite3.Error:
        pass
    finally:
        connection.close()
    return saved


def _beginning(connection: sqlite3.Connection, number: int) -> list[KeptDocument]:
    """What of a long text lies before the damage; the chain of its pages is broken there."""
    found = bytearray()
    try:
        with connection.blobopen("document", "text", number, readonly=True) as blob:
            while piece := blob.read(_PIECE_BYTES):
                found += piece
    except (sqlite3.Error, SystemError):
        pass
    if not found:
        return []
    return [KeptDocument(f"salvaged-{number}", _text_of(bytes(found))[0], is_damaged=True)]


def _row_numbers(connection: sqlite3.Connection) -> list[int]:
    """The rows that can be reached from either end: a damaged page ends each way."""
    found: dict[int, None] = {}
    for order in ("ASC", "DESC"):
        try:
            for (number,) in connection.execute(f"SELECT rowid FROM document ORDER BY rowid {order}"):
                found[number] = None
        except sqlite3.DatabaseError:
            continue
    return sorted(found)


def row_of(document: KeptDocument, now: float) -> Iterable[Any]:
    """The values of the columns, in their order."""
    version = document.version
    token: tuple[Any, Any, Any] = (None, None, None)
    if version is not None:
        token = (version.token.mtime_ns, version.token.size, str(version.token.inode))  # an inode may pass 2^63
    return (
        document.key,
        document.text.encode("utf-8", "surrogatepass"),
        None if document.path is None else os.fsencode(document.path),
        document.caret,
        document.scroll,
        document.format.encoding,
        document.format.line_ends,
        *token,
        None if version is None else version.digest,
        document.saved_digest,
        now,
        " ".join(f"{start}-{end}" for start, end in document.generated),
    )


def document_of(row: Sequence[Any]) -> KeptDocument:
    """The document of a row. Raises `StoreError` where there is no text; what else makes no sense is left out."""
    key, text, path, caret, scroll, encoding, line_ends, mtime_ns, size, inode, digest, saved_digest, *rest = row
    changed, generated = rest
    if not isinstance(text, (bytes, str)):
        raise StoreError("a kept text cannot be read; start the program again", "store_damaged")
    words, is_damaged = _text_of(text)
    return KeptDocument(
        key=str(key),
        text=words,
        path=_path_of(path),
        caret=_number_of(caret),
        scroll=_number_of(scroll),
        format=TextFormat(
            encoding if encoding in ENCODINGS else TextFormat().encoding,
            line_ends if line_ends in (LF, CRLF, CR, MIXED) else TextFormat().line_ends,
        ),
        version=_version_of(mtime_ns, size, inode, digest),
        saved_digest=str(saved_digest),
        changed_at=float(changed) if isinstance(changed, (int, float)) else 0.0,
        generated=() if is_damaged else _spans(str(generated)),
        is_damaged=is_damaged,
    )


def _text_of(written: bytes | str) -> tuple[str, bool]:
    """A kept text, and whether some of it is lost."""
    if isinstance(written, str):
        return written, True  # text is written as bytes: another hand, or a damaged head of the row
    try:
        return written.decode("utf-8", "surrogatepass"), False
    except UnicodeDecodeError:
        return written.decode("utf-8", "replace"), True


def _path_of(written: Any) -> Path | None:
    return Path(os.fsdecode(written)) if isinstance(written, (bytes, str)) and written else None


def _number_of(written: Any) -> int:
    return written if isinstance(written, int) else 0


def _version_of(mtime_ns: Any, size: Any, inode: Any, digest: Any) -> FileVersion | None:
    if not (isinstance(mtime_ns, int) and isinstance(size, int) and isinstance(digest, str)):
        return None
    try:
        return FileVersion(StatToken(mtime_ns, size, int(inode)), digest)
    except (TypeError, ValueError):
        return None


def _spans(written: str) -> Spans:
    """The spans of a row; none where they make no sense: a text is worth more than its marks."""
    found = []
    for part in written.split():
        start, _, end = part.partition("-")
        if not (start.isdecimal() and end.isdecimal()):
            return ()
        found.append((int(start), int(end)))
    return tuple(found)


_SQLITE_KINDS = {
    sqlite3.SQLITE_FULL: (DISK_FULL, "the disk is full; free some space"),
    sqlite3.SQLITE_READONLY: (READ_ONLY, "the folder is read-only; make it writable"),
    sqlite3.SQLITE_CANTOPEN: (NO_PERMISSION, "its folder cannot be written; make it writable"),
    sqlite3.SQLITE_PERM: (NO_PERMISSION, "its folder cannot be written; make it writable"),
    sqlite3.SQLITE_BUSY: ("store_busy", "another window holds it; close that one"),
    sqlite3.SQLITE_CORRUPT: ("store_damaged", "the store is damaged; start the program again"),
    sqlite3.SQLITE_NOTADB: ("store_damaged", "the store is damaged; start the program again"),
}


def store_error(error: sqlite3.Error) -> StoreError:
    """Words for what SQLite refuses."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extended part
    kind, advice = _SQLITE_KINDS.get(code, (FAULT, f"{error}; start the program again"))
    return StoreError(f"unsaved text cannot be kept for recovery: {advice}, or save the text now", kind)
