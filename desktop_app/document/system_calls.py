"""The system calls that `Disk` makes, one method each: the seam where tests inject faults into every single one.

Knows the operating system; must not know what the bytes mean.
"""

from __future__ import annotations

import os
import stat

from desktop_app.document.extended_attributes import copy_attributes

_BINARY = getattr(os, "O_BINARY", 0)
_CLOSE_ON_EXEC = getattr(os, "O_CLOEXEC", 0)


class SystemCalls:
    """The calls that `Disk` makes, one method each: a test replaces this object to let any of them fail."""

    def open(self, path: str, flags: int, mode: int = 0o666) -> int:
        """A descriptor."""
        return os.open(path, flags | _BINARY | _CLOSE_ON_EXEC, mode)

    def read(self, descriptor: int, count: int) -> bytes:
        """At most `count` bytes."""
        return os.read(descriptor, count)

    def read_at(self, descriptor: int, count: int, start: int) -> bytes:
        """At most `count` bytes from `start`."""
        os.lseek(descriptor, start, os.SEEK_SET)
        return os.read(descriptor, count)

    def write(self, descriptor: int, data: memoryview) -> int:
        """How many bytes were taken."""
        return os.write(descriptor, data)

    def fsync(self, descriptor: int) -> None:
        """Return when the bytes are on the disk."""
        os.fsync(descriptor)

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)

    def stat(self, path: str) -> os.stat_result:
        """Status of the file that a path leads to."""
        return os.stat(path)

    def fstat(self, descriptor: int) -> os.stat_result:
        """Status of an open file."""
        return os.fstat(descriptor)

    def copy_owner_and_mode(self, descriptor: int, status: os.stat_result) -> None:
        """Give an open file the mode and, where permitted, the owner of another."""
        if hasattr(os, "fchmod"):
            os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
            mine = os.fstat(descriptor)
            if (mine.st_uid, mine.st_gid) != (status.st_uid, status.st_gid):
                try:
                    os.fchown(descriptor, status.st_uid, status.st_gid)
                except PermissionError:
                    pass  # the file is then ours, with the same mode: the text counts more than the owner

    def copy_attributes(self, descriptor: int, source: str) -> None:
        """See `extended_attributes.copy_attributes`."""
        copy_attributes(source, descriptor)

    def replace(self, source: str, target: str) -> None:
        """Rename over an existing file, atomically."""
        os.replace(source, target)

    def unlink(self, path: str) -> None:
        """Remove a name."""
        os.unlink(path)
