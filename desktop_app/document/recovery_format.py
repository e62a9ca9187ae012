"""The recovery store's SQLite file: its tables, its versions, and words for what SQLite refuses.

    session    id → started
    document   key, session → position; its file's path, format, version; caret, scroll, about (JSON), modified, …
    part       document (a rowid) → kind, content, sum (CRC-32)     in the order of id: all of it, see `recovery_parts`
    earlier    document (a rowid) → saved, text (deflated)          what was saved of it before

The columns text, generated and saved_digest are of older versions, which kept the shown text alone; they are read where
a document has no parts. Knows SQLite; must not know documents, sessions, locks or who is asking.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from desktop_app.document.errors import DISK_FULL, FAULT, NO_PERMISSION, READ_ONLY, StoreError
from desktop_app.document.sqlite_file import demand_whole, lenient_text, migrate, opened, version_of

APPLICATION_ID = 0x4E585354  # "NXST"
_BUSY_SECONDS = 5.0  # another window's write takes milliseconds

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
    # The whole document. A row's number stays when another session takes it over, and so do its parts.
    """
    ALTER TABLE document ADD COLUMN about TEXT NOT NULL DEFAULT '';
    ALTER TABLE document ADD COLUMN modified INTEGER;
    ALTER TABLE document ADD COLUMN text_only INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE part (
        id INTEGER PRIMARY KEY, document INTEGER NOT NULL, kind TEXT NOT NULL, content BLOB NOT NULL,
        sum INTEGER NOT NULL
    );
    CREATE INDEX part_of_document ON part (document);
    CREATE TABLE earlier (
        id INTEGER PRIMARY KEY, document INTEGER NOT NULL, saved REAL NOT NULL, text BLOB NOT NULL
    );
    CREATE INDEX earlier_of_document ON earlier (document)
    """,
)
VERSION = len(MIGRATIONS)


def connect(path: Path) -> sqlite3.Connection:
    """Open or create a store and check it whole.

    Raises `sqlite3.OperationalError` (cannot be used now), another `sqlite3.DatabaseError` (damaged),
    `NewerFileError` or `ForeignFileError`.
    """
    connection = opened(path, timeout=_BUSY_SECONDS, check_same_thread=False)
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


_SQLITE_KINDS = {
    sqlite3.SQLITE_FULL: (DISK_FULL, "the disk is full; free some space"),
    sqlite3.SQLITE_READONLY: (READ_ONLY, "the folder is read-only; make it writable"),
    sqlite3.SQLITE_CANTOPEN: (NO_PERMISSION, "its folder cannot be written; make it writable"),
    sqlite3.SQLITE_PERM: (NO_PERMISSION, "its folder cannot be written; make it writable"),
    sqlite3.SQLITE_BUSY: ("store_busy", "another window holds it; close that one"),
    sqlite3.SQLITE_CORRUPT: ("store_damaged", "the store is damaged; start the program again"),
    sqlite3.SQLITE_NOTADB: ("store_damaged", "the store is damaged; start the program again"),
}


def store_error(error: Exception) -> StoreError:
    """Words for what SQLite refuses, or what cannot be kept."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extended part
    kind, advice = _SQLITE_KINDS.get(code, (FAULT, f"{error}; start the program again"))
    return StoreError(f"unsaved text cannot be kept for recovery: {advice}, or save the text now", kind)
