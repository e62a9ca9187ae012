"""Write a model folder whole or not at all.

    .tiny-zh-en.part-4711/   hidden sibling, filled and verified
        work/                what only the conversion needs, removed before the end
    tiny-zh-en/              appears by one rename

For: `convert.py`. Knows the manifest, hashes, and what a model folder may replace. Must not know checkpoints or graphs.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from engine.contracts.errors import FileError
from engine.contracts.manifest import MANIFEST_NAME, FileEntry, Manifest
from export.whole_folder import whole_folder

WORK = "work"


@contextmanager
def new_folder(target: Path, force: bool) -> Iterator[Path]:
    """A hidden folder that becomes `target` when the block ends, and vanishes when it fails.

    Raises `FileError` when `target` exists and `force` is not set, and when it cannot be written.
    """
    check_target(target, force)
    with whole_folder(target) as hidden:
        (hidden / WORK).mkdir()
        yield hidden
        shutil.rmtree(hidden / WORK)
        if _is_filled(target) and not force:
            raise FileError(f"{target} appeared while the model was being converted; choose another name")


def check_target(target: Path, force: bool) -> None:
    """Refuse early what could not be written at the end."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise FileError(f"{target} is a file or a link, so no folder can be written there; choose another name")
    if _is_filled(target) and not force:
        raise FileError(f"{target} exists already; choose another name, or replace it with --force")
    if _is_filled(target) and force and not (target / MANIFEST_NAME).is_file():
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


def _is_filled(folder: Path) -> bool:
    return folder.exists() and any(folder.iterdir())
