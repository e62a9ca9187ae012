"""Remember which large model folders were hashed, so that they are hashed again only when a file has changed.

For: loading a model above `HASH_ALWAYS_BYTES`, where reading everything at every start would take seconds.
Knows: sizes, times and inodes of the listed files. Must not know: what the files mean.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from engine.atomic_file import write_atomically
from engine.contracts.errors import NextstrokeError
from engine.folder import HASH_ALWAYS_BYTES, ModelFolder, hash_folder


def hash_if_changed(folder: ModelFolder, memory: Path) -> bool:
    """Hash a large folder unless `memory` says that these very files were hashed; answers whether it did.

    Raises `ModelFolderError` naming the file that differs. Smaller folders are hashed by `open_folder` already.
    """
    if folder.total_bytes <= HASH_ALWAYS_BYTES:
        return False
    stamp = _stamp(folder)
    note = memory / hashlib.sha256(str(folder.path.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    with contextlib.suppress(OSError):
        if note.read_text(encoding="ascii", errors="replace") == stamp:
            return False
    hash_folder(folder)
    with contextlib.suppress(OSError, NextstrokeError):  # a read-only home costs the hashing at every start, no more
        memory.mkdir(parents=True, exist_ok=True)
        write_atomically(note, stamp.encode("ascii"))
    return True


def _stamp(folder: ModelFolder) -> str:
    """Changes when the manifest, or a file's size, time or inode does."""
    lines = [folder.manifest.digest()]
    for entry in folder.manifest.files:
        status = (folder.path / entry.name).stat()
        lines.append(f"{entry.name} {status.st_size} {status.st_mtime_ns} {status.st_ino} {status.st_dev}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
