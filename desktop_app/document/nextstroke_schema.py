"""The schema of a `.nextstroke` file: one SQLite database, as documented here, and its older versions.

    PRAGMA application_id = 0x4E58444F ("NXDO") · PRAGMA user_version = 1

    about     name → value: title, author, language, program, saved (seconds since 1970), caret (code points),
              digest (SHA-256 over the Python spelling of all other rows, table by table in the order of this page)
    state     name → value: revision, next_id, current (the branch shown), step (the last one done)
    buffer    text: one row, every character that was ever in the document, UTF-8; addresses count code points
    origin    number → kind (typed, pasted, imported, generated), record
    record    id → says (JSON of a generation record)
    knot      number → before, start, length, origin, after      a span of text and the knots at its sides (-1: none)
    node      id → parent, children (JSON), held, text (a knot)  the tree: cut only where branches fork
    branch    id → leaf (a node), name
    bookmark  id → branch, position, name
    step      id → parent, kind, branch, changes (JSON)          the history of undo and redo
    way       parent → steps (JSON)                              the steps after a step, that of redo last
    version   id → saved, characters, text (UTF-8, deflated)     what was saved earlier, of the branch that was shown

A file with any other table, a trigger or a view was not written by this program and is refused: a database can carry
code of that kind. Knows SQLite; must not know documents or files.
"""

from __future__ import annotations

import hashlib
import sqlite3

from desktop_app.document.sqlite_file import ForeignFileError, demand_whole, lenient_text, opened, version_of
from desktop_app.document.sqlite_file import migrate as run_scripts

APPLICATION_ID = 0x4E58444F
# Append only: script N turns a database of version N into one of version N + 1.
MIGRATIONS = (
    """
    CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE buffer (id INTEGER PRIMARY KEY, text BLOB NOT NULL);
    CREATE TABLE origin (number INTEGER PRIMARY KEY, kind TEXT NOT NULL, record TEXT NOT NULL);
    CREATE TABLE record (id TEXT PRIMARY KEY, says TEXT NOT NULL);
    CREATE TABLE knot (
        number INTEGER PRIMARY KEY, before INTEGER NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL,
        origin INTEGER NOT NULL, after INTEGER NOT NULL
    );
    CREATE TABLE node (
        id INTEGER PRIMARY KEY, parent INTEGER NOT NULL, children TEXT NOT NULL, held INTEGER NOT NULL,
        text INTEGER NOT NULL
    );
    CREATE TABLE branch (id INTEGER PRIMARY KEY, leaf INTEGER NOT NULL, name TEXT NOT NULL);
    CREATE TABLE bookmark (
        id INTEGER PRIMARY KEY, branch INTEGER NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL
    );
    CREATE TABLE step (
        id INTEGER PRIMARY KEY, parent INTEGER NOT NULL, kind TEXT NOT NULL, branch INTEGER NOT NULL,
        changes TEXT NOT NULL
    );
    CREATE TABLE way (parent INTEGER PRIMARY KEY, steps TEXT NOT NULL);
    CREATE TABLE version (id INTEGER PRIMARY KEY, saved REAL NOT NULL, characters INTEGER NOT NULL, text BLOB NOT NULL);
    """,
)
VERSION = len(MIGRATIONS)
# Of every version, append only: the digest of an older file goes over those that it has, in this order.
TABLES = (
    "about",
    "state",
    "buffer",
    "origin",
    "record",
    "knot",
    "node",
    "branch",
    "bookmark",
    "step",
    "way",
    "version",
)
_PAGE_BYTES = 1024  # every table takes one page at least: a short text stays a small file
_LENGTH_LIMIT = 1 << 28  # bytes of one value; the whole file is bounded by its reader


def content_digest(connection: sqlite3.Connection) -> str:
    """SHA-256 of everything that a database holds, in hexadecimal; the row of the digest itself is left out."""
    found = hashlib.sha256()
    present = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for table in filter(present.__contains__, TABLES):
        for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1"):
            if (table, row[0]) != ("about", "digest"):
                found.update(repr((table, *row)).encode("utf-8", "surrogatepass"))
    return found.hexdigest()


def create() -> sqlite3.Connection:
    """An empty database of the present version, in memory."""
    connection = opened(":memory:")
    connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
    migrate(connection, 0)
    return connection


def open_bytes(data: bytes) -> tuple[sqlite3.Connection, bool]:
    """A database in memory out of a file's bytes, checked whole and brought to the present version; and whether its
    rows are other ones than those that were saved, in the version that it was saved in.

    Raises `sqlite3.DatabaseError` (damaged, or not to be brought up to date), `ForeignFileError` or `NewerFileError`.
    """
    connection = open_unchecked(data)
    try:
        version = _known_version(connection)
        demand_whole(connection)
        is_altered = _saved_digest(connection) != content_digest(connection)
        migrate(connection, version)
    except BaseException:
        connection.close()
        raise
    return connection, is_altered


def _saved_digest(connection: sqlite3.Connection) -> str:
    (digest,) = connection.execute("SELECT value FROM about WHERE name = 'digest'").fetchone() or ("",)
    return str(digest)


def open_unchecked(data: bytes) -> sqlite3.Connection:
    """A database in memory that may be damaged; nothing that it holds is run. Raises `sqlite3.DatabaseError`."""
    connection = opened(":memory:")
    connection.text_factory = lenient_text
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LENGTH_LIMIT)
        connection.deserialize(data)
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def migrate(connection: sqlite3.Connection, version: int) -> None:
    """Bring a database of an older version up to date."""
    run_scripts(connection, APPLICATION_ID, MIGRATIONS, version)


def _known_version(connection: sqlite3.Connection) -> int:
    version = version_of(connection, APPLICATION_ID, VERSION)
    if version < 1 or _schema(connection) != _schema_of(version):
        raise ForeignFileError
    return version


def _schema(connection: sqlite3.Connection) -> list[tuple[str, str, str]]:
    """What a database is made of, spaces apart."""
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
    return [(str(kind), str(name), " ".join(str(sql).split())) for kind, name, sql in rows]


def _schema_of(version: int) -> list[tuple[str, str, str]]:
    connection = opened(":memory:")
    try:
        for script in MIGRATIONS[:version]:
            connection.executescript(script)
        return _schema(connection)
    finally:
        connection.close()
