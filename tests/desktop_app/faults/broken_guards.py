"""Operations whose guard is broken on purpose: a suite that lets one of them pass looks at nothing.

Knows: operations, and the doors that they go through. Must not know: how a fault is made.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from unittest import mock

from desktop_app.document import disk as door
from desktop_app.document import recovery, recovery_plan
from desktop_app.document.disk import Disk, SystemCalls
from desktop_app.document.kept_document import KeptDocument
from tests.desktop_app.faults.operations import (
    NEW,
    OPERATIONS,
    Operation,
    keep_in_store,
    opened_store,
    save_over,
)
from tests.desktop_app.faults.whole_documents import ABOUT, go_on, keep_changes, kept


def save_in_place(folder: Path) -> None:
    """What most programs do."""
    (folder / "novel.txt").write_text(NEW, encoding="utf-8")


@contextlib.contextmanager
def without_sync() -> Iterator[None]:
    """No fsync of files or folders by `Disk`; SQLite syncs for itself."""
    with mock.patch.object(SystemCalls, "fsync", return_value=None):
        yield


def save_without_sync(folder: Path) -> None:
    with without_sync():
        save_over(folder)


def save_with_a_visible_temporary(folder: Path) -> None:
    """The temporary file has a name that no start clears away."""
    with mock.patch.object(door, "_temporary_name", lambda target: f"{target}.part"):
        save_over(folder)


def first_autosave_without_sync(folder: Path) -> None:
    with without_sync():
        keep_in_store(folder)


@contextlib.contextmanager
def sync_off() -> Iterator[None]:
    """SQLite told not to wait for the disk."""
    connect = recovery.connect

    def careless(path: Path) -> sqlite3.Connection:
        connection = connect(path)
        connection.execute("PRAGMA synchronous = OFF")
        return connection

    with mock.patch.object(recovery, "connect", careless):
        yield


def autosave_without_sync(folder: Path) -> None:
    with sync_off():
        keep_in_store(folder)


def autosave_in_two_transactions(folder: Path) -> None:
    """The old text is dropped before the new one is in."""
    store = opened_store(folder)
    store.take_over()
    store.forget("novel")
    store.keep([KeptDocument.of_text("novel", NEW)])


def all_again_in_two_transactions(folder: Path) -> None:
    """The parts of a document go before the new ones are in."""
    store = opened_store(folder)
    (found,) = store.take_over()
    store._connection.execute("DELETE FROM part")
    with mock.patch.object(recovery_plan, "CHANGES_AT_MOST", 0):
        store.keep([kept(go_on(found.stored.document), ABOUT[1])])


def changes_without_sync(folder: Path) -> None:
    with sync_off():
        keep_changes(folder)


def recover_with_forgetting_first(folder: Path) -> None:
    """A text leaves the store before its copy is there."""
    store = opened_store(folder)
    others = [each for each in store.take_over() if each.key != "novel"]
    for each in others:
        store.forget(each.key)
        Disk().make_folders(folder / "recovered")
        Disk().write_safely(folder / "recovered" / "copy.txt", each.text.encode())


def broken(name: str, run: Callable[[Path], None], of: str) -> Operation:
    return replace(OPERATIONS[of], name=name, run=run)


# By what must find each of them.
BROKEN_FOR_FAULTS = {
    operation.name: operation
    for operation in (
        broken("save in place", save_in_place, "save over"),
        broken("save with a visible temporary", save_with_a_visible_temporary, "save over"),
        broken("autosave in two transactions", autosave_in_two_transactions, "autosave"),
        broken("all again in two transactions", all_again_in_two_transactions, "autosave of all again"),
        broken("recover with forgetting first", recover_with_forgetting_first, "recover"),
    )
}
BROKEN_FOR_POWER_LOSS = {
    operation.name: operation
    for operation in (
        broken("save in place", save_in_place, "save over"),
        broken("save without sync", save_without_sync, "save over"),
        broken("first autosave without sync", first_autosave_without_sync, "first autosave"),
        broken("autosave without sync", autosave_without_sync, "autosave"),
        broken("changes without sync", changes_without_sync, "autosave of changes"),
    )
}
ALL = OPERATIONS | BROKEN_FOR_FAULTS | BROKEN_FOR_POWER_LOSS
