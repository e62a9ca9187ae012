"""The one door to files: every file that the window's process writes goes through `Disk`.

    write_safely    temporary file in the same folder → write → fsync → replace → fsync of the folder → "saved"
    read_with_token a file that lies on a disk: devices, pipes and what the system makes up (/proc) are refused unopened
    until           the same door for a job that may be given up: from then on no call begins

A reader sees the old file or the new one, whole, at any moment and after any crash; a failed step leaves the old file
and removes the temporary one. After a failed fsync the same file is never tried again (the kernel may have dropped the
data and call the second fsync a success): the caller starts over with a new one. Permissions, access list, extended
attributes and symbolic links of an existing target are kept; a further hard link keeps the old text. A temporary file
is locked while it is written, so that the next start can tell a leftover from work in progress.

Knows system calls and their failures; must not know what the bytes mean. `SystemCalls` is the seam where tests inject
faults into every single call.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from desktop_app.document.errors import (
    IS_FOLDER,
    NOT_A_FILE,
    NOT_CONFIRMED,
    READ_ONLY,
    DiskError,
    disk_error,
    disk_error_of_kind,
)
from desktop_app.document.file_lock import FileLock, lock_descriptor
from desktop_app.document.job import Job
from desktop_app.document.made_up_files import is_made_up
from desktop_app.document.stoppable_calls import StoppableCalls
from desktop_app.document.system_calls import SystemCalls

TEMPORARY_PREFIX = ".nextstroke-"
TEMPORARY_SUFFIX = ".tmp"
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
_WRITE_PIECE_BYTES = 1 << 20
_LINKS_BOUND = 40  # as Linux has it
# A folder cannot be synced on some file systems (CIFS, FUSE) and on Windows; there is nothing more to do there.
_NO_FOLDER_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF})
_NO_WAITING = getattr(os, "O_NONBLOCK", 0)  # where a pipe took the place of the file that was looked at


_MOST = 2**63 - 1  # what a store keeps as a number; a date may lie beyond 2262


@dataclass(frozen=True)
class StatToken:
    """What tells two states of a file apart without reading it: nanoseconds of change, bytes, inode."""

    mtime_ns: int
    size: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> StatToken:
        """The token of a stat result."""
        return cls(min(max(status.st_mtime_ns, -_MOST), _MOST), status.st_size, status.st_ino)


class Disk:
    """Files and folders for documents and settings. Every failure is a `DiskError` with one line for the person."""

    def __init__(self, calls: SystemCalls | None = None) -> None:
        self._calls = calls or SystemCalls()

    def read_bytes(self, path: Path, limit_bytes: int | None = None) -> bytes:
        """The whole file."""
        return self.read_with_token(path, limit_bytes)[0]

    def read_with_token(self, path: Path, limit_bytes: int | None = None) -> tuple[bytes, StatToken]:
        """The whole file (at most `limit_bytes` + 1 of it) and the token of exactly this state."""
        try:
            descriptor, token = self._open_to_read(path)
            try:
                return self._read_all(descriptor, limit_bytes), token
            finally:
                self._calls.close(descriptor)
        except (OSError, ValueError) as error:
            raise _error_of(error, "read", path.name) from error

    def read_within(self, path: Path, limit_bytes: int) -> tuple[bytes, StatToken] | None:
        """`read_with_token` of a file of at most so many bytes; None where it is larger, and then it is not read."""
        token = self.token(path)
        is_larger = token is not None and token.size > limit_bytes
        found = self.read_with_token(path, 0 if is_larger else limit_bytes)
        return None if is_larger or len(found[0]) > limit_bytes else found

    def read_part(self, path: Path, start: int, count: int) -> tuple[bytes, StatToken]:
        """`count` bytes from `start`, fewer at the end of the file, and the state of the file that they are of."""
        try:
            descriptor, token = self._open_to_read(path)
            try:
                pieces: list[bytes] = []
                while count > 0 and (piece := self._calls.read_at(descriptor, count, start)):
                    pieces.append(piece)
                    start, count = start + len(piece), count - len(piece)
                return b"".join(pieces), token
            finally:
                self._calls.close(descriptor)
        except (OSError, ValueError) as error:
            raise _error_of(error, "read", path.name) from error

    def write_safely(self, path: Path, data: bytes, private: bool = False) -> StatToken:
        """Replace the file by `data`, whole or not at all, and return when the disk holds it.

        `private`: a new file is readable by its owner only. Raises `DiskError`; the old file is then still whole, but
        for kind "not_confirmed", where the new one is in place and only its survival of a power cut is in doubt.
        """
        try:
            target = _final_target(path)
            old = self._status_to_keep(target, path.name)
        except (OSError, ValueError) as error:
            raise _error_of(error, "save", path.name) from error
        self.remove_leftovers(Path(target).parent)
        temporary = _temporary_name(target)
        try:
            token = self._write_temporary(temporary, data, (target, old), PRIVATE_FILE if private or old else 0o666)
            self._calls.replace(temporary, target)
        except OSError as error:
            self._discard(temporary)
            raise disk_error(error, "save", path.name) from error
        self._sync_folder(Path(target).parent, path.name)
        return token

    def until(self, job: Job[Any]) -> Disk:
        """The same disk for a job: once that is given up, no call begins and nothing is replaced any more."""
        return Disk(StoppableCalls(self._calls, job))

    def exists(self, path: Path) -> bool:
        """Whether something has this name (a link to nothing counts as nothing)."""
        return self.token(path) is not None

    def token(self, path: Path) -> StatToken | None:
        """The state of a file without reading it, or None when there is none or it cannot be seen."""
        try:
            return StatToken.of(self._calls.stat(str(path)))
        except (OSError, ValueError):
            return None

    def is_read_only(self, path: Path) -> bool:
        """Whether a file is there that nobody may write into."""
        try:
            status = self._calls.stat(str(path))
        except OSError:
            return False
        return stat.S_ISREG(status.st_mode) and not status.st_mode & 0o222

    def make_folders(self, folder: Path, private: bool = False) -> None:
        """Create a folder and those above it; on return their names are on the disk too.

        Without that a file in a new folder could be lost with the folder in a power cut, however well it was synced.
        """
        missing = list(takewhile(lambda each: not self.exists(each), (folder, *folder.parents)))
        try:
            folder.mkdir(mode=PRIVATE_FOLDER if private else 0o777, parents=True, exist_ok=True)
        except FileExistsError as error:
            raise DiskError(
                f"cannot make the folder {folder.name}: a file has this name; move or rename that file",
                "file_in_the_way",
                name=folder.name,
            ) from error
        except OSError as error:
            raise disk_error(error, "save", folder.name) from error
        for made in reversed(missing):
            self._sync_folder(made.parent, made.name)

    def remove(self, path: Path) -> None:
        """Remove a file; no complaint when it is already gone."""
        try:
            self._calls.unlink(str(path))
        except FileNotFoundError:
            return
        except OSError as error:
            raise disk_error(error, "save", path.name) from error

    def move(self, source: Path, target: Path) -> None:
        """Rename a file or folder on the same disk, over an existing file."""
        try:
            self._calls.replace(str(source), str(target))
        except OSError as error:
            raise disk_error(error, "save", source.name) from error

    def try_lock(self, path: Path) -> FileLock | None:
        """A lock that ends with this process, or None while another process holds it."""
        try:
            return FileLock.acquire(path)
        except OSError as error:
            raise disk_error(error, "save", path.name) from error

    def remove_leftovers(self, folder: Path) -> int:
        """Remove temporary files that a killed process left in a folder; how many. Never fails."""
        removed = 0
        for name in _temporary_files(folder):
            try:
                if FileLock.is_free(folder / name):
                    self._calls.unlink(str(folder / name))
                    removed += 1
            except OSError:
                pass  # someone else's, or already gone: the next save looks again
        return removed

    def _open_to_read(self, path: Path) -> tuple[int, StatToken]:
        _demand_regular(self._calls.stat(str(path)), "read", path.name)  # opening a device may set it going
        descriptor = self._calls.open(str(path), os.O_RDONLY | _NO_WAITING)
        try:
            status = self._calls.fstat(descriptor)
            _demand_regular(status, "read", path.name)
        except BaseException:
            self._calls.close(descriptor)
            raise
        return descriptor, StatToken.of(status)

    def _status_to_keep(self, target: str, name: str) -> os.stat_result | None:
        try:
            status = self._calls.stat(target)
        except FileNotFoundError:
            return None
        _demand_regular(status, "save", name)
        # Replacing needs the folder's permission only; a file marked read-only is to be respected all the same.
        if not status.st_mode & 0o222 or not os.access(target, os.W_OK):
            raise disk_error_of_kind(READ_ONLY, "save", name)
        return status

    def _write_temporary(
        self, temporary: str, data: bytes, replaced: tuple[str, os.stat_result | None], mode: int
    ) -> StatToken:
        descriptor = self._calls.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        try:
            lock_descriptor(descriptor)
            self._write_all(descriptor, data)
            self._copy_properties(descriptor, *replaced)
            self._calls.fsync(descriptor)
            return StatToken.of(self._calls.fstat(descriptor))
        finally:
            self._calls.close(descriptor)

    def _copy_properties(self, descriptor: int, source: str, status: os.stat_result | None) -> None:
        if status is None:
            return
        self._calls.copy_owner_and_mode(descriptor, status)
        self._calls.copy_attributes(descriptor, source)

    def _write_all(self, descriptor: int, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            taken = self._calls.write(descriptor, rest[:_WRITE_PIECE_BYTES])
            if taken <= 0:
                raise OSError(errno.EIO, "the disk took nothing")
            rest = rest[taken:]

    def _read_all(self, descriptor: int, limit_bytes: int | None) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while limit_bytes is None or size <= limit_bytes:
            piece = self._calls.read(descriptor, _WRITE_PIECE_BYTES)
            if not piece:
                break
            pieces.append(piece)
            size += len(piece)
        data = b"".join(pieces)
        return data if limit_bytes is None else data[: limit_bytes + 1]

    def _sync_folder(self, folder: Path, name: str) -> None:
        if sys.platform == "win32":
            return
        try:
            descriptor = self._calls.open(str(folder), os.O_RDONLY)
            try:
                self._calls.fsync(descriptor)
            finally:
                self._calls.close(descriptor)
        except OSError as error:
            if error.errno not in _NO_FOLDER_SYNC:
                reason = error.strerror or str(error)
                raise disk_error_of_kind(NOT_CONFIRMED, "save", name, reason) from error

    def _discard(self, temporary: str) -> None:
        try:
            self._calls.unlink(temporary)
        except OSError:
            pass  # nothing can be done about it now; `remove_leftovers` finds it


def _demand_regular(status: os.stat_result, doing: str, name: str) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise disk_error_of_kind(IS_FOLDER, doing, name)
    if not stat.S_ISREG(status.st_mode) or is_made_up(status):
        raise disk_error_of_kind(NOT_A_FILE, doing, name)


def _error_of(error: OSError | ValueError, doing: str, name: str) -> DiskError:
    """Words for a refusal. A `ValueError`: the name holds what no name can (NUL)."""
    return disk_error(error if isinstance(error, OSError) else OSError(errno.ENOENT, str(error)), doing, name)


def _final_target(path: Path) -> str:
    """Where the bytes really go: the end of a chain of links, so that the link itself stays.

    Raises `OSError` where the disk does not say what the name is: taking a link for a file would replace the link.
    """
    target = str(path.absolute())  # `..` behind a linked folder is not what a name without it would say
    for _ in range(_LINKS_BOUND):
        try:
            status = os.lstat(target)
        except FileNotFoundError:
            return target
        if not stat.S_ISLNK(status.st_mode):
            return target
        target = os.path.join(os.path.dirname(target), os.readlink(target))
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _temporary_name(target: str) -> str:
    """A hidden name in the same folder. Its length does not depend on the target's, which may be at the limit."""
    folder, name = os.path.split(target)
    mark = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return os.path.join(folder, f"{TEMPORARY_PREFIX}{mark}-{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")


def _temporary_files(folder: Path) -> Iterable[str]:
    try:
        names = os.listdir(folder)
    except OSError:
        return ()
    return [name for name in names if name.startswith(TEMPORARY_PREFIX) and name.endswith(TEMPORARY_SUFFIX)]
