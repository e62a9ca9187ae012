"""Open and check a model folder.

For: everything that runs or lists a model; a folder that is missing, damaged or hostile is refused here, by name.
Knows: the manifest, file sizes and SHA-256; that nothing outside the folder may be reached from it.
Must not know: ONNX Runtime, tokenizers, or what the files mean.

A folder of another program (`engine.layouts`) gets a manifest of what is found in it: its hashes name that content, and
prove nothing. In the engine's own, sizes are checked at every opening, hashes at every opening up to
`HASH_ALWAYS_BYTES` and above that when asked (loading asks when something changed: `engine.verified`). A file with a
second hard link is always hashed: its content could change, or come from, outside the folder.
"""

from __future__ import annotations

import functools
import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from engine.contracts.errors import ModelFolderError
from engine.contracts.manifest import MANIFEST_NAME, FileEntry, Manifest, read_manifest
from engine.layouts.foreign import Foreign
from engine.layouts.reading import read_foreign
from engine.ordinary_file import status_inside

HASH_ALWAYS_BYTES = 500 * 1000 * 1000  # a third of a second of reading
MANIFEST_LIMIT_BYTES = 16 * 1024 * 1024
_BLOCK_BYTES = 1024 * 1024

Progress = Callable[[int, int], None]  # bytes done, bytes in all


@dataclass(frozen=True)
class ModelFolder:
    """A folder whose manifest and files were checked."""

    path: Path
    manifest: Manifest

    def file(self, name: str) -> Path:
        """Where the listed file `name` lies. Raises `ModelFolderError` for a name that the manifest does not list."""
        if all(entry.name != name for entry in self.manifest.files):
            raise ModelFolderError(
                f"{self.path} lists no file {name}; export the model again or fetch the whole folder"
            )
        return self.path / name

    @property
    def total_bytes(self) -> int:
        """Size of all listed files."""
        return sum(entry.bytes for entry in self.manifest.files)


def open_folder(path: Path, *, check_hashes: bool = False) -> ModelFolder:
    """The checked folder. Raises `ModelFolderError` naming the first thing that is wrong.

    A graph in a folder of another program stands for that folder with that variant.
    """
    foreign = None if (path / MANIFEST_NAME).exists() else read_foreign(path)
    if foreign is not None:
        return _with_manifest(foreign)
    manifest = read_manifest(_manifest_text(path))
    folder = ModelFolder(path, manifest)
    linked = [entry for entry in manifest.files if _check_file(path, entry) > 1]
    wanted = manifest.files if check_hashes or folder.total_bytes <= HASH_ALWAYS_BYTES else tuple(linked)
    _check_hashes(folder, wanted, None)
    return folder


def hash_folder(folder: ModelFolder, progress: Progress | None = None) -> None:
    """Compare every file's SHA-256 with the manifest. Raises `ModelFolderError` naming the first that differs."""
    _check_hashes(folder, folder.manifest.files, progress)


def sha256_of(path: Path, progress: Callable[[int], None] | None = None) -> str:
    """SHA-256 of a file in hexadecimal; `progress` is told the bytes of each block."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
            if progress is not None:
                progress(len(block))
    return digest.hexdigest()


def _with_manifest(foreign: Foreign) -> ModelFolder:
    """What was found in another program's folder, under the manifest's own checks."""
    entries = tuple(_entry(foreign.place.file(name), name) for name in foreign.files)
    manifest = replace(foreign.manifest, files=entries)
    try:
        return ModelFolder(foreign.place.root, read_manifest(manifest.to_json()))
    except ModelFolderError as error:
        raise ModelFolderError(
            f"what {foreign.place.root} says of itself cannot be true ({error}); fetch the model folder again"
        ) from error


def _entry(path: Path, name: str) -> FileEntry:
    try:
        status = path.stat()
        stamp = (status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev)
        return FileEntry(name, status.st_size, _known_sha256(path, stamp))
    except OSError as error:
        raise ModelFolderError(f"cannot read {path}: {error.strerror}; check permissions and disk") from error


@functools.lru_cache(maxsize=64)
def _known_sha256(path: Path, stamp: tuple[int, ...]) -> str:
    """One command opens a folder several times; its gigabytes are hashed once."""
    return sha256_of(path)


def _manifest_text(path: Path) -> str:
    if not path.exists():
        raise ModelFolderError(f"there is no model folder {path}; check the path, or see `nextstroke models`")
    if not path.is_dir():
        raise ModelFolderError(f"{path} is a file, not a model folder; convert a checkpoint with `nextstroke export`")
    manifest = path / MANIFEST_NAME
    try:
        status = manifest.stat()
        if not manifest.resolve().is_relative_to(path.resolve()):
            raise ModelFolderError(f"{manifest} is a link out of the folder; do not use this folder")
        if not stat.S_ISREG(status.st_mode) or status.st_size > MANIFEST_LIMIT_BYTES:
            raise ModelFolderError(f"{manifest} is no ordinary manifest file; fetch or export the model folder again")
        return manifest.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ModelFolderError(
            f"{path} has no {MANIFEST_NAME}, so it is no model folder of this program; "
            "convert a checkpoint with `nextstroke export`"
        ) from error
    except UnicodeDecodeError as error:
        raise ModelFolderError(f"{manifest} is not UTF-8 text; fetch or export the model folder again") from error
    except OSError as error:
        raise ModelFolderError(f"cannot read {manifest}: {error.strerror}; check permissions and disk") from error


def _check_file(path: Path, entry: FileEntry) -> int:
    """Demand an ordinary file of the right size inside the folder; answers how many hard links it has."""
    status = status_inside(path, entry.name)
    if status.st_size != entry.bytes:
        raise ModelFolderError(
            f"{entry.name} in {path} has {status.st_size} bytes instead of {entry.bytes}, so it is cut off or damaged; "
            "fetch or export the folder again"
        )
    return status.st_nlink if os.name == "posix" else 1


def _check_hashes(folder: ModelFolder, entries: tuple[FileEntry, ...], progress: Progress | None) -> None:
    total, done = sum(entry.bytes for entry in entries), 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        if progress is not None:
            progress(done, total)

    for entry in entries:
        try:
            found = sha256_of(folder.path / entry.name, advance)
        except OSError as error:
            raise ModelFolderError(
                f"cannot read {folder.path / entry.name}: {error.strerror}; check permissions and disk"
            ) from error
        if found != entry.sha256:
            raise ModelFolderError(
                f"{entry.name} in {folder.path} differs from its SHA-256, so it is damaged or was changed; "
                "fetch or export the folder again"
            )
