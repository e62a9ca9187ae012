"""Guards of the window, each broken on purpose: the matrix of situations must find every one of them.

Knows the doors that the window's operations go through. Must not know how a situation is made.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from desktop_app.document import disk as door
from desktop_app.document import nextstroke_file
from desktop_app.document.disk import Disk
from desktop_app.document.file_claims import FileClaim, FileClaims
from desktop_app.document.recovery import RecoveryStore
from desktop_app.open_texts.open_document import OpenDocument
from desktop_app.open_texts.saving import Saving

Guard = Callable[[], contextlib.AbstractContextManager[Any]]


@dataclass(frozen=True)
class BrokenGuard:
    """Where it must be found, and what is then said."""

    guard: Guard
    situation: str
    operation: str
    found: str


def _in_place(_disk: Disk, path: Path, data: bytes, private: bool = False) -> Any:
    """What most programs do: the old file is gone before the new one is there."""
    try:
        with path.open("wb") as file:
            file.write(data)
    except OSError as error:
        raise door.disk_error(error, "save", path.name) from error
    return door.StatToken.of(path.stat())


@contextlib.contextmanager
def _page_taken_away() -> Iterator[None]:
    """A failed save gives the text up."""
    write = OpenDocument._write

    def careless(self: OpenDocument, *given: Any, **named: Any) -> bool:
        if write(self, *given, **named):
            return True
        self._view.load_text("")
        return False

    with mock.patch.object(OpenDocument, "_write", careless):
        yield


@contextlib.contextmanager
def _said_twice() -> Iterator[None]:
    tell = Saving._tell

    def twice(self: Saving, error: Any) -> None:
        tell(self, error)
        tell(self, error)

    with mock.patch.object(Saving, "_tell", twice):
        yield


@contextlib.contextmanager
def _everyone_may_write() -> Iterator[None]:
    """No look at who holds a file."""
    with mock.patch.object(FileClaims, "claim", lambda self, path: FileClaim(self, path)):
        yield


def _patched(owner: Any, name: str, what: Any) -> Guard:
    return lambda: mock.patch.object(owner, name, what)


# By the look that must find each of them.
BROKEN = {
    "save in place": BrokenGuard(
        _patched(Disk, "write_safely", _in_place), "disk full", "save as", "a file was touched"
    ),
    "leave the temporary file": BrokenGuard(
        _patched(Disk, "_discard", lambda _self, _path: None), "disk full", "save as", "lies about"
    ),
    "take the page away": BrokenGuard(_page_taken_away, "disk full", "save as", "the page has changed"),
    "say nothing": BrokenGuard(
        _patched(Saving, "_tell", lambda _self, _error: None), "read-only file", "save as", "one message was expected"
    ),
    "say it twice": BrokenGuard(_said_twice, "read-only file", "save as", "one message was expected"),
    "write over another's change": BrokenGuard(
        _patched(nextstroke_file, "demand_unchanged", lambda *_given: None), "changed outside", "save", "one message"
    ),
    "export over another's file": BrokenGuard(
        _everyone_may_write, "held by another", "export", "one message was expected"
    ),
    "keep on writing into a removed store": BrokenGuard(
        _patched(RecoveryStore, "_be_on_the_disk", lambda _self: None), "file vanished", "autosave", "nobody said so"
    ),
    "open a read-only store": BrokenGuard(
        _patched(Disk, "is_read_only", lambda _self, _path: False), "read-only file", "recover", "after all"
    ),
}
