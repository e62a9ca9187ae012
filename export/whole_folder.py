"""A folder that appears whole, by one rename, or not at all.

    .NAME.part-4711/       hidden sibling of process 4711, filled, then flushed to the disk
    .NAME.part-4711-old/   what had the name before, aside until the new one has it; comes back if that fails
    NAME/                  appears by one rename

For: model folders and training checkpoints. Knows how folders reach the disk. Must not know what is in them.
A crash leaves at most hidden folders, which the next one who writes the same name removes.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.contracts.errors import file_error

_PART = re.compile(r"\.(?P<name>.+)\.part-(?P<process>\d+)")


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A hidden folder that becomes `target` when the block ends, in the place of an older one, or vanishes.

    Raises `FileError` (`DiskFullError`) when it cannot be written, in the block too.
    """
    hidden = hidden_part(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target)
        hidden.mkdir()
        yield hidden
        _flush(hidden)
        _put_in_place(hidden, target)
    except OSError as error:
        raise file_error(error, f"write {target}") from error
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def hidden_part(target: Path) -> Path:
    """Where this process keeps what is not yet, or no longer, `target`."""
    return target.with_name(f".{target.name}.part-{os.getpid()}")


def _flush(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    _flush_names(folder)


def _flush_names(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _put_in_place(hidden: Path, target: Path) -> None:
    old = hidden.with_name(f"{hidden.name}-old")
    if target.exists():
        target.rename(old)
    try:
        hidden.rename(target)
    except OSError:
        if old.exists():
            old.rename(target)
        raise
    _flush_names(target.parent)
    shutil.rmtree(old, ignore_errors=True)


def _remove_leftovers(target: Path) -> None:
    """Hidden folders for the same target whose process is gone; an old folder that was moved aside comes back."""
    for path in target.parent.glob(f".{glob.escape(target.name)}.part-*-old"):
        if target.exists():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.rename(target)
    for path in target.parent.iterdir():
        found = _PART.fullmatch(path.name)
        if found and found["name"] == target.name:
            remove_if_abandoned(path)


def remove_if_abandoned(path: Path) -> None:
    """Remove a hidden folder of this module's naming if the process that filled it is gone."""
    found = _PART.fullmatch(path.name)
    if found and not is_running(int(found["process"])):
        shutil.rmtree(path, ignore_errors=True)


def is_running(process: int) -> bool:
    """Whether another process of that number lives; True where nobody can tell."""
    if process == os.getpid():
        return False
    if os.name != "posix":
        return True  # there is no harmless way to ask
    with contextlib.suppress(OSError, OverflowError):
        os.kill(process, 0)
        return True
    return False
