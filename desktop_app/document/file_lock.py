"""A lock on a file that the operating system takes back when its holder ends, however it ends.

No process number is compared, so a lock can never be stale. Knows `flock` and its Windows counterpart; must not know
what the locked file is for.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_LOCKED_BYTES = 1


class FileLock:
    """A held lock; `release` or the end of the process gives it back."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._descriptor: int | None = descriptor

    @classmethod
    def acquire(cls, path: Path) -> FileLock | None:
        """The lock, or None while another holder lives. Creates the file; raises `OSError` when it cannot."""
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
            if not lock_descriptor(descriptor):
                os.close(descriptor)
                return None
            if _leads_to(path, descriptor):
                return cls(path, descriptor)
            os.close(descriptor)  # removed by another process between its creation and its lock: nobody would see it

    @staticmethod
    def is_free(path: Path) -> bool:
        """Whether nobody holds the lock of an existing file. Raises `OSError` when the file cannot be opened."""
        descriptor = os.open(path, os.O_RDWR | getattr(os, "O_CLOEXEC", 0))
        is_free = lock_descriptor(descriptor)
        try:
            os.close(descriptor)
        except OSError:
            pass  # it is closed all the same, and nothing was written
        return is_free

    def release(self, remove: bool = False) -> None:
        """Give the lock back; with `remove`, the file goes too. A second call does nothing."""
        if self._descriptor is None:
            return
        if remove and sys.platform != "win32":
            self._remove()  # while it is still held: nobody can take a lock on a removed name
        os.close(self._descriptor)
        self._descriptor = None
        if remove and sys.platform == "win32":
            self._remove()

    def _remove(self) -> None:
        try:
            self.path.unlink(missing_ok=True)
        except OSError:
            pass  # an empty file that nobody holds: the next start clears it away


def _leads_to(path: Path, descriptor: int) -> bool:
    """Whether a name leads to this open file."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def lock_descriptor(descriptor: int) -> bool:
    """Lock an open file until it is closed; False when someone else has it or the file system has no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, _LOCKED_BYTES)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
