"""The nine situations that a file can be in, each made as it really comes, and ended again.

    situation = SITUATIONS["disk full"](ground); situation.begin(target); …; situation.end()

    disk full            a small tmpfs, filled to its last byte
    read-only file       mode 0444 (root is without its right to pass over it: `own_rights`)
    read-only folder     mode 0555
    file vanished        renamed away
    folder vanished      renamed away
    held by another      another window's claim on a text; another connection's transaction on the recovery store
    changed outside      another program's bytes; another window's row in the recovery store
    a folder in its place
    device error         EIO by the calls under `Disk` (open, read, write); for SQLite, which has its own, a file size
                         limit of 0, on which the kernel refuses every write with an error that is none of a full disk

Knows files and system calls. Must not know the window.
"""

import contextlib
import errno
import os
import resource
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import docx

from desktop_app.document.disk import Disk, SystemCalls
from desktop_app.document.file_claims import FileClaims

TMPFS_BYTES = 4 << 20
FILLER = "filler"
FOREIGN = b"of another program\n"


class Ground:
    """What a situation needs: the folder that may be filled, a place beside it, the folder of claims, the calls."""

    def __init__(self, folder: Path, aside: Path, claims: Path) -> None:
        self.folder, self.aside, self.claims = folder, aside, claims
        self.calls = FailingCalls()
        self.disk = Disk(self.calls)
        self._is_mounted = False

    def mount(self) -> None:
        """A small disk of its own in the folder. Raises `CalledProcessError` where this is not allowed."""
        command = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_BYTES},mode=0700", "none", str(self.folder)]
        subprocess.run(command, check=True, capture_output=True)
        self._is_mounted = True

    def close(self) -> None:
        """Take the small disk away."""
        if self._is_mounted:
            subprocess.run(["umount", "-l", str(self.folder)], check=True)


class FailingCalls(SystemCalls):
    """The calls under `Disk`, failing with EIO below a folder for as long as one is named."""

    def __init__(self) -> None:
        self.folder: Path | None = None

    def open(self, path: str, flags: int, mode: int = 0o666) -> int:
        """A descriptor, but of nothing that is to be written."""
        if flags & os.O_ACCMODE != os.O_RDONLY and self._is_hurt(path):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().open(path, flags, mode)

    def read(self, descriptor: int, count: int) -> bytes:
        """The disk gives nothing."""
        if self._is_hurt(os.readlink(f"/proc/self/fd/{descriptor}")):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().read(descriptor, count)

    def _is_hurt(self, path: str) -> bool:
        return self.folder is not None and Path(path).is_relative_to(self.folder)


class Situation:
    """One of the nine. `begin` makes it, `end` puts everything as it was."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.undo: list[Callable[[], object]] = []

    def begin(self, target: Path) -> None:
        """Let it come over the target."""
        raise NotImplementedError

    def end(self) -> None:
        """Let it be over."""
        while self.undo:
            self.undo.pop()()


class DiskFull(Situation):
    def begin(self, target: Path) -> None:
        filler = self.ground.folder / FILLER
        descriptor = os.open(filler, os.O_WRONLY | os.O_CREAT)
        self.undo.append(filler.unlink)
        with contextlib.suppress(OSError):
            while os.write(descriptor, bytes(4096)):
                pass
        os.close(descriptor)


class ReadOnlyFile(Situation):
    def begin(self, target: Path) -> None:
        mode = target.stat().st_mode & 0o777
        target.chmod(0o444)
        self.undo.append(lambda: target.chmod(mode) if target.is_file() else None)


class ReadOnlyFolder(Situation):
    def begin(self, target: Path) -> None:
        mode = target.parent.stat().st_mode & 0o777
        target.parent.chmod(0o555)
        self.undo.append(lambda: target.parent.chmod(mode))


class FileVanished(Situation):
    def begin(self, target: Path) -> None:
        away = self.ground.aside / f"away-{target.name}"
        os.rename(target, away)
        self.undo.append(lambda: None if target.exists() else os.rename(away, target))


class FolderVanished(Situation):
    def begin(self, target: Path) -> None:
        away = self.ground.aside / "away"
        os.rename(target.parent, away)
        self.undo.append(lambda: self._back(away, target.parent))

    @staticmethod
    def _back(away: Path, folder: Path) -> None:
        """The disk is plugged in again; what was made in its place meanwhile stays."""
        if folder.exists():
            for each in away.iterdir():
                if not (folder / each.name).exists():
                    os.rename(each, folder / each.name)
        else:
            os.rename(away, folder)


class HeldByAnother(Situation):
    def begin(self, target: Path) -> None:
        if target.suffix == ".db":
            other = sqlite3.connect(target, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            self.undo.append(other.close)
        else:
            others = FileClaims(self.ground.claims, Disk())
            others.claim(target)
            self.undo.append(others.close)


class ChangedOutside(Situation):
    def begin(self, target: Path) -> None:
        if target.suffix == ".db":
            other = sqlite3.connect(target, isolation_level=None)
            other.execute("INSERT INTO session VALUES ('another', 1)")
            other.close()
        elif target.suffix == ".toml":
            target.write_text('settings_version = 1\nauthor = "another"\n', encoding="utf-8")
        elif target.suffix == ".docx":
            document = docx.Document(str(target))
            document.add_paragraph("of another program")
            document.save(str(target))
        else:
            target.write_bytes(FOREIGN)


class FolderInItsPlace(Situation):
    def begin(self, target: Path) -> None:
        away = self.ground.aside / f"away-{target.name}"
        os.rename(target, away)
        target.mkdir()
        self.undo.append(lambda: (target.rmdir(), os.rename(away, target)) if target.is_dir() else None)


class DeviceError(Situation):
    def begin(self, target: Path) -> None:
        if target.suffix == ".db":
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
            self.undo.append(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard)))
        else:
            self.ground.calls.folder = target.parent
            self.undo.append(self._heal)

    def _heal(self) -> None:
        self.ground.calls.folder = None


SITUATIONS: dict[str, type[Situation]] = {
    "disk full": DiskFull,
    "read-only file": ReadOnlyFile,
    "read-only folder": ReadOnlyFolder,
    "file vanished": FileVanished,
    "folder vanished": FolderVanished,
    "held by another": HeldByAnother,
    "changed outside": ChangedOutside,
    "a folder in its place": FolderInItsPlace,
    "device error": DeviceError,
}
