"""One holder a file: a tab of this window, or a window of another profile; never two that write over each other.

    claim(path)  ──> a lock for where the path leads to, one for the file that lies there      held until released
                     <lock folder>/<digest>.lock: the system takes it back when its process ends, however it ends

Two names are one file where they lead to the same place (links, other spellings) or to the same file (hard links). The
locks lie in a folder of the person's, not beside the text: a folder of texts stays clean and may be read-only. So they
hold between the windows of one person on one computer; from elsewhere, the check for changes outside protects a file.

Knows paths, identities, locks. Must not know Qt, tabs, or what is in a file.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.document.file_lock import FileLock

HELD_HERE, HELD_ELSEWHERE = "held_here", "held_elsewhere"
_SUFFIX = ".lock"


class FileHeld(DocumentError):
    """Somebody has this file open; `kind` says whether a tab of this window does or another window."""

    def __init__(self, name: str, kind: str) -> None:
        if kind == HELD_HERE:
            message = f"{name} is open in another tab, which would write over it; choose another name"
        else:
            message = f"{name} is open in another window of Nextstroke, which would write over it; close it there first"
        super().__init__(message, kind, name=name)


class FileClaim:
    """A held file. `renew` after it was written; `release` when its text is closed."""

    def __init__(self, claims: FileClaims, path: Path) -> None:
        self.path = path
        self._claims = claims
        self.locks: dict[str, FileLock | None] = {}  # by identity; None where the folder cannot lock

    def is_on(self, path: Path) -> bool:
        """Whether this is the file that a path leads to."""
        return path == self.path or os.path.realpath(path) == os.path.realpath(self.path)

    def is_any_of(self, keys: Sequence[str]) -> bool:
        """Whether this is the file of these `identities`."""
        return any(key in self.locks for key in keys)

    def renew(self) -> None:
        """A save puts a new file in the old one's place: hold that one."""
        self._claims.renew(self)

    def release(self) -> None:
        """Let others have it. A second call does nothing."""
        self._claims.release(self)


class FileClaims:
    """The files that this window holds. `folder` None, or one that is not only this person's: no other window knows."""

    def __init__(self, folder: Path | None, disk: Disk) -> None:
        self._folder, self._disk = folder, disk
        self._is_ready: bool | None = None
        self._held: dict[str, FileClaim] = {}

    def claim(self, path: Path, keys: Sequence[str] = (), beside: FileClaim | None = None) -> FileClaim:
        """Hold a file, also one that is not there yet. Raises `FileHeld`.

        `keys`: its `identities`, found before by somebody who may wait for a disk. `beside`: what the same text holds
        already; another name of that file (a hard link) is free for it.
        """
        claim = FileClaim(self, path)
        try:
            for key in keys or identities(path):
                if beside is None or key not in beside.locks:
                    self._take(claim, key)
        except FileHeld:
            self.release(claim)
            raise
        return claim

    def renew(self, claim: FileClaim) -> None:
        """See `FileClaim.renew`. What somebody else holds by now is left to them."""
        present = identities(claim.path)
        for key in present:
            if key not in claim.locks:
                try:
                    self._take(claim, key)
                except FileHeld:
                    continue
        self._let_go_of_stale(claim, present)

    def release(self, claim: FileClaim) -> None:
        """See `FileClaim.release`."""
        for key in list(claim.locks):
            self._let_go(claim, key)

    def close(self) -> None:
        """Release everything, and remove the locks that killed windows left."""
        for claim in list(self._held.values()):
            self.release(claim)
        if self._folder is None or not self._is_ready:
            return
        for path in _locks_in(self._folder):
            try:
                if FileLock.is_free(path):
                    self._disk.remove(path)
            except (OSError, DocumentError):
                continue  # the next end looks again

    # ---- inside -----------------------------------------------------------------------------------------------

    def _take(self, claim: FileClaim, key: str) -> None:
        if key in self._held and self._held[key] is not claim:
            # A file that another program replaced has left its identity to whatever file comes next.
            self._let_go_of_stale(self._held[key], identities(self._held[key].path))
        if key in self._held:
            raise FileHeld(claim.path.name, HELD_HERE)
        claim.locks[key] = self._lock(claim.path.name, key)
        self._held[key] = claim

    def _let_go_of_stale(self, claim: FileClaim, present: Sequence[str]) -> None:
        for key in [key for key in claim.locks if key not in present]:
            self._let_go(claim, key)

    def _let_go(self, claim: FileClaim, key: str) -> None:
        lock = claim.locks.pop(key)
        del self._held[key]
        if lock is not None:
            lock.release(remove=True)

    def _lock(self, name: str, key: str) -> FileLock | None:
        """The lock of an identity; None where no lock can be made, since a text must open all the same."""
        if self._folder is None or not self._is_private(self._folder):
            return None
        try:
            lock = self._disk.try_lock(self._folder / f"{key}{_SUFFIX}")
        except DocumentError:
            return None
        if lock is None:
            raise FileHeld(name, HELD_ELSEWHERE)
        return lock

    def _is_private(self, folder: Path) -> bool:
        if self._is_ready is None:
            self._is_ready = make_private(folder, self._disk)
        return self._is_ready


def make_private(folder: Path, disk: Disk) -> bool:
    """Make a folder that only this person writes in; False where that is impossible, or somebody else made it."""
    try:
        disk.make_folders(folder, private=True)
        status = os.lstat(folder)
    except (OSError, DocumentError):
        return False
    if not hasattr(os, "getuid"):
        return folder.is_dir()  # elsewhere the folders of a person are closed to others by their place
    is_folder = os.path.isdir(folder) and not os.path.islink(folder)
    return is_folder and status.st_uid == os.getuid() and not status.st_mode & 0o022


def identities(path: Path) -> list[str]:
    """Digests of what makes a file this file: where its path leads to, and which file lies there.

    It asks the disk, which may not answer.
    """
    found = [f"path:{path}"]
    try:
        found = ["path:" + os.path.realpath(path)]
        status = os.stat(path)
        found.append(f"file:{status.st_dev}:{status.st_ino}")
    except (OSError, ValueError):
        pass  # nothing lies there yet
    return [hashlib.sha256(each.encode("utf-8", "surrogateescape")).hexdigest()[:40] for each in found]


def _locks_in(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob(f"*{_SUFFIX}"))
    except OSError:
        return []
