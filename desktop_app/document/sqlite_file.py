"""What every SQLite file of this program has: a mark of whose it is, a version, and scripts that bring it up to date.

    application_id   whose file · user_version   which schema · scripts[n]   turns version n into n + 1; append only

Knows SQLite. Must not know: tables, documents, where a file lies.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence


class ForeignFileError(Exception):
    """A SQLite file of another program, or one that holds what this program never writes."""


class NewerFileError(Exception):
    """A SQLite file of a newer program; `version` is its schema's."""

    def __init__(self, version: int) -> None:
        super().__init__(str(version))
        self.version = version


def lenient_text(written: bytes) -> str:
    """Text of a column; one wrong byte must not hide every other row, which is what sqlite3 makes of it."""
    return written.decode("utf-8", "replace")


def version_of(connection: sqlite3.Connection, application_id: int, newest: int) -> int:
    """The version of a file of ours; 0 for one that holds nothing yet.

    Raises `ForeignFileError`, `NewerFileError` (it is above `newest`) or `sqlite3.DatabaseError`.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != application_id and (application or tables):
        raise ForeignFileError
    if version > newest:
        raise NewerFileError(int(version))
    return int(version)


def migrate(connection: sqlite3.Connection, application_id: int, scripts: Sequence[str], version: int) -> None:
    """Bring a file of an older version up to date, inside the caller's transaction if there is one."""
    connection.execute(f"PRAGMA application_id = {application_id}")
    for script in scripts[version:]:
        for statement in script.split(";"):  # executescript() would commit in between
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(scripts)}")


def demand_whole(connection: sqlite3.Connection) -> None:
    """Raise `sqlite3.DatabaseError` where the pages of a file do not fit together."""
    if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise sqlite3.DatabaseError("the integrity check failed")
