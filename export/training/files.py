"""Files that are either whole or not there.

For: packed corpora, checkpoints, logs and reports of a training run.
Knows: write to a hidden sibling, flush, rename; what a full disk, a read-only folder or a file in the way means in
words.
Must not know: what the bytes are.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.contracts.errors import FileError, file_error
from export.whole_folder import is_running, whole_folder


def write_atomically(path: Path, data: bytes) -> None:
    """Replace `path` by `data`, or leave it as it was."""
    hidden = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        _remove_leftovers(path)
        with hidden.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):  # a read-only disk refuses this too, and must not be what is reported
            hidden.unlink(missing_ok=True)
        raise file_error(error, f"write {path}") from error


def make_folder(folder: Path, what: str) -> None:
    """Make `folder` and those above it; `what` it is stands in the line that says why it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        file = next((path for path in (folder, *folder.parents) if path.exists() and not path.is_dir()), None)
        if file is None:
            raise file_error(error, f"make {what} {folder}") from error
        raise FileError(f"cannot make {what} {folder}: {file} is a file, not a folder; name another place") from error


def _remove_leftovers(path: Path) -> None:
    """What a killed process left of the same file."""
    for old in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        process = old.name.split(".")[-2]
        if process.isdecimal() and not is_running(int(process)):
            old.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """`value` as readable JSON, Chinese as characters."""
    write_atomically(path, (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode())


def write_folder_atomically(folder: Path, fill: Callable[[Path], None]) -> None:
    """Let `fill` write into a hidden sibling, then give it its name; an older folder of that name is replaced."""
    with whole_folder(folder) as hidden:
        fill(hidden)
