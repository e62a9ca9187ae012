"""Write a file so that, whatever happens, its name leads to the whole old content or the whole new one.

    temporary file in the same folder -> write -> fsync -> replace -> fsync of the folder

Knows the operating system's files; must not know what is in them.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from engine.contracts.errors import file_error


def write_atomically(path: Path, content: bytes) -> None:
    """Replace `path` by `content`. Raises `FileError`; then the old file is untouched and nothing is left behind."""
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
        sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):  # a read-only disk refuses this too, and must not be what is reported
            temporary.unlink(missing_ok=True)
        raise file_error(error, f"write {path}") from error


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a power cut, where the system can do that."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
