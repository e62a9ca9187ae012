"""The recovery store: every open document, whole, safe against a crash of the program and of the machine.

    state folder/recovery/   recovery.db      SQLite, WAL, synchronous=FULL: a returned `keep` survives a power cut
                             <session>.lock   held by a running window; the system frees it when the window ends

Each running window is a session and writes its own rows only. A start takes over the documents of sessions whose lock
is free, in one transaction, so that no two windows take the same. A damaged store is set aside under another name, what
can still be read of it is taken over, and `notice` says so.

Knows SQLite and locks; must not know Qt, widgets or when to write (that is the autosave's clock).
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from desktop_app.document.disk import Disk
from desktop_app.document.errors import READ_ONLY, DocumentError, StoreError
from desktop_app.document.file_lock import FileLock
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.recovery_format import VERSION, connect, store_error
from desktop_app.document.recovery_parts import Part
from desktop_app.document.recovery_plan import Known, Plan, carry_out, known_of, plan_for
from desktop_app.document.recovery_rows import SELECT, document_of, drop, read_earlier, read_parts
from desktop_app.document.recovery_salvage import salvage
from desktop_app.document.sqlite_file import ForeignFileError, NewerFileError
from desktop_app.document.text_file import Note
from desktop_app.document.versions import EarlierText

FOLDER = "recovery"
STORE_NAME = "recovery.db"
LOCK_SUFFIX = ".lock"
DAMAGED_PREFIX = "recovery-damaged-"
_Row: TypeAlias = tuple[Sequence[Any], Sequence[Part], tuple[EarlierText, ...]]  # columns, parts, earlier texts


class RecoveryStore:
    """The store as one window uses it. May be used from several threads; each call is one transaction."""

    def __init__(self, folder: Path, disk: Disk, clock: Callable[[], float] = time.time) -> None:
        """Open or create the store under the state folder. Raises `DocumentError` when that is impossible."""
        self.folder = folder / FOLDER
        self.notice: Note | None = None
        self.session = secrets.token_hex(8)
        self._disk = disk
        self._clock = clock
        self._mutex = threading.RLock()
        self._identity: tuple[int, int] | None = None  # of the file that is written into
        self._known: dict[str, Known] = {}  # by key: what the rows of this session hold
        disk.make_folders(self.folder, private=True)
        self._lock = self._take_lock()
        try:
            self._begin()
            self._take_back_set_aside()
        except DocumentError:
            self._lock.release(remove=True)
            raise

    def take_over(self) -> tuple[KeptDocument, ...]:
        """The documents of sessions that have ended, now this window's own, those written last first."""
        with self._transaction() as connection:
            ended = [name for (name,) in connection.execute("SELECT id FROM session") if self._has_ended(name)]
            for name in ended:
                # Two sessions may have used one key (a copied profile): the later one gets a new name.
                connection.execute(
                    "UPDATE document SET key = key || '-' || session WHERE session = ?1 AND key IN "
                    "(SELECT key FROM document WHERE session = ?2)",
                    (name, self.session),
                )
                connection.execute("UPDATE document SET session = ? WHERE session = ?", (self.session, name))
                connection.execute("DELETE FROM session WHERE id = ?", (name,))
        self._clear_locks()
        kept = self._read(remembers=True)
        damaged = sum(document.is_damaged for document in kept)
        if damaged and self.notice is None:
            words = f"{damaged} kept texts are damaged; what cannot be read of them is shown as \ufffd"
            self.notice = Note("kept_text_damaged", words, (("count", str(damaged)),))
        return kept

    def kept(self) -> tuple[KeptDocument, ...]:
        """What this window's rows hold now, those written last first."""
        return self._read(remembers=False)

    def keep(self, documents: Sequence[KeptDocument]) -> None:
        """Write what is new of these documents; on return the disk holds all of them. Raises `StoreError`.

        One that cannot be kept, for whatever reason, keeps none of the others out, and is said when they are written.
        The model of each must not change meanwhile: what is handed over is a copy (`Document.copy`).
        """
        with self._mutex:
            self._be_on_the_disk()
            plans, problems = self._plans(documents)
            now, done = self._clock(), {}
            if plans:
                with self._transaction() as connection:
                    for plan in plans:
                        with _apart_from_others(connection, problems):
                            done[plan.kept.key] = carry_out(connection, self.session, plan, now)
            self._known.update(done)
        if problems:
            raise store_error(problems[0]) from problems[0]

    def _plans(self, documents: Sequence[KeptDocument]) -> tuple[list[Plan], list[Exception]]:
        """What to write, and what cannot be written."""
        plans: list[Plan] = []
        problems: list[Exception] = []
        for number, each in enumerate(documents):
            try:
                plan = plan_for(each, number, self._known.get(each.key))
            except Exception as error:  # noqa: BLE001 — see `keep`
                problems.append(error)
            else:
                plans += [plan] if plan is not None else []
        return plans, problems

    def forget(self, key: str) -> None:
        """Drop a document: it was closed, and its text is saved or given up."""
        with self._mutex:
            with self._transaction() as connection:
                rows = connection.execute(
                    "SELECT rowid FROM document WHERE session = ? AND key = ?", (self.session, key)
                ).fetchall()
                for (row,) in rows:
                    drop(connection, row)
            self._known.pop(key, None)

    def close(self) -> None:
        """End this session; its documents wait for the next start. A second call does nothing."""
        with self._mutex:
            self._connection.close()
        self._lock.release()

    def _be_on_the_disk(self) -> None:
        """A store whose file was removed or replaced under it would take texts that no start finds: begin a new one."""
        if self._identity is not None and _identity(self._path) == self._identity:
            return
        self._identity = None  # until it has begun, each write tries again
        self._connection.close()
        self._known.clear()
        self._disk.make_folders(self.folder, private=True)
        self._lock.release()
        self._lock = self._take_lock()
        self._begin()

    def _begin(self) -> None:
        self._connection = self._open()
        self._path = Path(self._connection.execute("PRAGMA database_list").fetchone()[2])
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO session VALUES (?, ?)", (self.session, self._clock()))
        self._identity = _identity(self._path)

    def _take_lock(self) -> FileLock:
        lock = self._disk.try_lock(self._lock_path(self.session))
        if lock is None:
            raise StoreError("the recovery folder cannot lock files; choose another folder with --profile", "no_locks")
        return lock

    def _lock_path(self, session: str) -> Path:
        return self.folder / f"{session}{LOCK_SUFFIX}"

    def _has_ended(self, session: str) -> bool:
        if session == self.session:
            return False
        try:
            return FileLock.is_free(self._lock_path(session))
        except FileNotFoundError:
            return True
        except OSError:
            return False  # not ours to read: leave its text alone

    def _clear_locks(self) -> None:
        """Remove the lock files of ended sessions, those too that ended before they had a row."""
        for path in self._files(f"*{LOCK_SUFFIX}"):
            session = path.name.removesuffix(LOCK_SUFFIX)
            try:
                if self._has_ended(session):
                    self._disk.remove(path)
            except DocumentError:
                pass  # an empty file that the next start looks at again

    def _open(self) -> sqlite3.Connection:
        path = self.folder / STORE_NAME
        if self._disk.is_read_only(path):  # SQLite would make its files beside it read-only too, and for ever
            raise StoreError("unsaved text cannot be kept for recovery: the store is read-only; save it now", READ_ONLY)
        try:
            return connect(path)
        except NewerFileError:
            return connect(self.folder / f"recovery.v{VERSION}.db")  # the newer program's store stays its own
        except sqlite3.OperationalError as error:
            if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_ERROR:  # it says of itself what is not so
                return self._start_over(path)
            raise store_error(error) from error
        except ForeignFileError:
            return self._start_over(path)
        except sqlite3.DatabaseError:
            return self._open_again(path)

    def _open_again(self, path: Path) -> sqlite3.Connection:
        """A store that looks damaged is read once more: a disk that fails for a moment damages nothing."""
        for suffix in ("", "-wal"):
            source = path.with_name(path.name + suffix)
            if self._disk.exists(source):
                self._disk.read_bytes(source)  # raises where it is the disk that does not give it
        try:
            return connect(path)
        except (sqlite3.DatabaseError, NewerFileError, ForeignFileError):
            return self._start_over(path)

    def _start_over(self, path: Path) -> sqlite3.Connection:
        """Set the damaged store aside, and take over what can still be read of it."""
        aside = path.with_name(f"{DAMAGED_PREFIX}{time.strftime('%Y%m%d-%H%M%S')}-{self.session[:4]}.db")
        for suffix in ("-wal", "-shm", ""):
            source = path.with_name(path.name + suffix)
            if self._disk.exists(source):
                self._disk.move(source, aside.with_name(aside.name + suffix))
        saved = salvage(aside)
        words = f"the recovery store was damaged; {len(saved)} texts were saved from it, and it is kept as {aside.name}"
        self.notice = Note("store_set_aside", words, (("count", str(len(saved))), ("name", aside.name)))
        try:
            connection = connect(path)
            connection.execute("BEGIN IMMEDIATE")
            for position, document in enumerate(_apart(saved)):
                plan = plan_for(document, position, None)
                if plan is not None:
                    carry_out(connection, self.session, plan, document.changed_at)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise store_error(error) from error
        return connection

    def _take_back_set_aside(self) -> None:
        """Texts of stores that were set aside as damaged and are whole: it was the disk that failed for a while."""
        for aside in self._files(f"{DAMAGED_PREFIX}*.db"):
            try:
                with closing(connect(aside)) as connection:
                    sessions = [str(name) for (name,) in connection.execute("SELECT id FROM session")]
                    if not all(map(self._has_ended, sessions)):
                        continue  # a window writes into it still
                    rows = _rows(connection, SELECT, ())
                self.keep(_apart([document for _, document, _ in _readable(rows)]))
                for suffix in ("-wal", "-shm", ""):
                    self._disk.remove(aside.with_name(aside.name + suffix))
            except (sqlite3.Error, NewerFileError, ForeignFileError, DocumentError):
                continue  # damaged indeed, or another program's: it stays where it is

    def _read(self, remembers: bool) -> tuple[KeptDocument, ...]:
        """The documents of this session. `remembers`: they are opened now, and what comes is added to them."""
        select = f"{SELECT} WHERE session = ? ORDER BY changed DESC, position"
        with self._mutex:
            with self._transaction() as connection:
                rows = _rows(connection, select, (self.session,))
            found = tuple(_readable(rows))
            if remembers:
                whole = [each for each in found if not (each[1].is_text_only or each[1].is_damaged)]
                self._known.update((kept.key, known_of(kept, row, parts)) for row, kept, parts in whole)
        return tuple(kept for _, kept, _ in found)

    def _files(self, pattern: str) -> list[Path]:
        try:
            return sorted(self.folder.glob(pattern))
        except OSError:
            return []  # the next start looks again

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._mutex:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield self._connection
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:  # a full disk has already rolled it back
                        self._connection.execute("ROLLBACK")
                    raise
            except sqlite3.Error as error:
                raise store_error(error) from error


@contextmanager
def _apart_from_others(connection: sqlite3.Connection, problems: list[Exception]) -> Iterator[None]:
    """What goes wrong inside is undone and noted, and the rest of the transaction goes on; a disk's fault ends it."""
    connection.execute("SAVEPOINT one")
    try:
        yield
    except sqlite3.OperationalError:
        raise
    except Exception as error:
        if not connection.in_transaction:
            raise
        problems.append(error)
        connection.execute("ROLLBACK TO one")
    connection.execute("RELEASE one")


def _apart(documents: Sequence[KeptDocument]) -> list[KeptDocument]:
    """The documents with a key each: those of several sessions may have used one."""
    found: dict[str, KeptDocument] = {}
    for document in documents:
        key, number = document.key, 1
        while key in found:
            number += 1
            key = f"{document.key}-{number}"
        found[key] = replace(document, key=key)
    return list(found.values())


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file has this name now."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _rows(connection: sqlite3.Connection, select: str, values: Sequence[object]) -> list[_Row]:
    found = connection.execute(select, values).fetchall()
    return [(row, read_parts(connection, int(row[0])), read_earlier(connection, int(row[0]))) for row in found]


def _readable(rows: Sequence[_Row]) -> Iterator[tuple[int, KeptDocument, Sequence[Part]]]:
    """Number, document and parts of each row that makes sense; any other stays in the store and hides none."""
    for row, parts, earlier in rows:
        try:
            yield int(row[0]), document_of(row, parts, earlier), parts
        except StoreError:
            continue
