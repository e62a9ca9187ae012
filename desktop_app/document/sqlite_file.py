"""What every SQLite file of this program has: a mark of whose it is, a version, and scripts that bring it up to date.

    application_id   whose file · user_version   which schema · scripts[n]   turns version n into n + 1; append only

Knows SQLite. Must not know: tables, documents, where a file lies.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any


class ForeignFileError(Exception):
    """A SQLite file of another program, or one that holds what this program never writes."""


class NewerFileError(Exception):
    """A SQLite file of a newer program; `version` is its schema's."""

    def __init__(self, version: int) -> None:
        super().__init__(str(version))
        self.version = version


class _Cursor(sqlite3.Cursor):
    """Where SQLite names a damaged table in its message, the name may be no text: that is damage too, no defect."""

    def execute(self, sql: str, parameters: Any = (), /) -> _Cursor:
        try:
            super().execute(sql, parameters)
        except UnicodeDecodeError as error:
            raise _damaged() from error
        return self

    def executemany(self, sql: str, rows: Iterable[Any], /) -> _Cursor:
        try:
            super().executemany(sql, rows)
        except UnicodeDecodeError as error:
            raise _damaged() from error
        return self

    def __next__(self) -> Any:
        try:
            return super().__next__()
        except UnicodeDecodeError as error:
            raise _damaged() from error

    def fetchone(self) -> Any:
        try:
            return super().fetchone()
        except UnicodeDecodeError as error:
            raise _damaged() from error

    def fetchall(self) -> list[Any]:
        try:
            return super().fetchall()
        except UnicodeDecodeError as error:
            raise _damaged() from error


class _Connection(sqlite3.Connection):
    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)

    def execute(self, sql: str, parameters: Any = (), /) -> _Cursor:
        result: _Cursor = self.cursor().execute(sql, parameters)
        return result

    def executemany(self, sql: str, rows: Iterable[Any], /) -> _Cursor:
        result: _Cursor = self.cursor().executemany(sql, rows)
        return result


def _damaged() -> sqlite3.DatabaseError:
    return sqlite3.DatabaseError("damaged, and SQLite's words for it are no text")


def opened(where: Path | str, timeout: float = 5.0, check_same_thread: bool = True) -> sqlite3.Connection:
    """A connection without transactions of its own, whose every failure is a `sqlite3.Error`."""
    return sqlite3.connect(
        where, timeout=timeout, isolation_level=None, check_same_thread=check_same_thread, factory=_Connection
    )


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
        for statement in _statements(script):  # executescript() would commit in between
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(scripts)}")


def _statements(script: str) -> Iterator[str]:
    """A semicolon in a text, a remark or a trigger ends nothing."""
    statement = ""
    for piece in script.split(";"):
        statement += f"{piece};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement:
        raise ValueError(f"the script ends inside of {statement!r}")  # a fault of ours


def demand_whole(connection: sqlite3.Connection) -> None:
    """Raise `sqlite3.DatabaseError` where the pages of a file do not fit together."""
    if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise sqlite3.DatabaseError("the integrity check failed")
