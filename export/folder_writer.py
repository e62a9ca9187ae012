"""Write a model folder whole or not at all.

    .tiny-zh-en.part-4711/   hidden sibling, filled and verified
        work/                what only the conversion needs, removed before the end
    tiny-zh-en/              appears by one rename

For: `convert.py`. Knows the manifest, hashes, and how files reach the disk. Must not know checkpoints or graphs.
A crash leaves at most the hidden folder, which the next conversion beside it removes.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from engine.contracts.errors import FileError, file_error
from engine.contracts.manifest import MANIFEST_NAME, FileEntry, Manifest

WORK = "work"
_PART = re.compile(r"\.(?P<name>.+)\.part-(?P<process>\d+)")


@contextmanager
def new_folder(target: Path, force: bool) -> Iterator[Path]:
    """A hidden folder that becomes `target` when the block ends, and vanishes when it fails.

    Raises `FileError` when `target` exists and `force` is not set, and when it cannot be written.
    """
    check_target(target, force)
    hidden = target.parent / f".{target.name}.part-{os.getpid()}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target)
        hidden.mkdir()
        (hidden / WORK).mkdir()
    except OSError as error:
        raise file_error(error, f"write {target}") from error
    try:
        yield hidden
        shutil.rmtree(hidden / WORK)
        _sync(hidden)
        _put_in_place(hidden, target, force)
    except OSError as error:
        raise file_error(error, f"write {target}") from error
    finally:
        shutil.rmtree(hidden, ignore_errors=True)


def check_target(target: Path, force: bool) -> None:
    """Refuse early what could not be written at the end."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise FileError(f"{target} is a file or a link, so no folder can be written there; choose another name")
    if target.exists() and not force and any(target.iterdir()):
        raise FileError(f"{target} exists already; choose another name, or replace it with --force")
    if target.exists() and force and any(target.iterdir()) and not (target / MANIFEST_NAME).is_file():
        raise FileError(f"{target} is no model folder, so --force does not replace it; choose another name")


def write_manifest(folder: Path, manifest: Manifest) -> Manifest:
    """Complete the manifest with size and SHA-256 of every file in `folder`, and write it."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file() and path.name != MANIFEST_NAME)
    complete = replace(manifest, files=tuple(file_entry(folder / name) for name in names))
    (folder / MANIFEST_NAME).write_text(complete.to_json(), encoding="utf-8")
    return complete


def file_entry(path: Path) -> FileEntry:
    """Name, size and SHA-256 of one file."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileEntry(path.name, path.stat().st_size, digest)


def _put_in_place(hidden: Path, target: Path, force: bool) -> None:
    old = None
    if target.exists():
        if any(target.iterdir()) and not force:
            raise FileError(f"{target} appeared while the model was being converted; choose another name")
        old = target.parent / f".{target.name}.part-{os.getpid()}-old"
        target.rename(old)
    try:
        hidden.rename(target)
    except OSError:
        if old is not None:
            old.rename(target)
        raise
    _sync_folder(target.parent)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


def _sync(folder: Path) -> None:
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove_leftovers(target: Path) -> None:
    """Hidden folders for the same target whose process is gone; an old model that was moved aside comes back."""
    for path in target.parent.glob(f".{glob.escape(target.name)}.part-*-old"):
        if target.exists():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.rename(target)
    for path in target.parent.iterdir():
        found = _PART.fullmatch(path.name)
        if found and found["name"] == target.name and not _is_running(int(found["process"])):
            shutil.rmtree(path, ignore_errors=True)


def _is_running(process: int) -> bool:
    if process == os.getpid():
        return False
    if os.name != "posix":
        return True  # there is no harmless way to ask
    with contextlib.suppress(OSError, OverflowError):
        os.kill(process, 0)
        return True
    return False
