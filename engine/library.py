"""The models on this computer: the bundled ones and those that this person added.

    resources/models/NAME/          bundled, read-only
    <profile>/data/models/NAME/     added: copied into a hidden sibling, hashes checked on the way, then one rename

A model's name is its folder's name, unique over both places. Knows folders and manifests; must not know ONNX Runtime or
what a graph computes.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.atomic_file import sync_folder
from engine.contracts.errors import DiskFullError, ModelFolderError, NextstrokeError, UsageError, file_error
from engine.contracts.manifest import (
    CERTIFICATE_NAME,
    GENAI_CONFIG_NAME,
    MANIFEST_NAME,
    MODEL_CARD_NAME,
    FileEntry,
    Manifest,
)
from engine.folder import ModelFolder, open_folder
from engine.layouts.reading import GRAPH_SUFFIX
from engine.profile import Profile, find_profile

OPTIONAL_FILES = (CERTIFICATE_NAME, MODEL_CARD_NAME, GENAI_CONFIG_NAME)  # copied where the manifest does not list them
CHUNK_BYTES = 4 * 1024 * 1024  # between two looks at "cancel": some milliseconds of disk
RESERVE_BYTES = 64 * 1024 * 1024  # a disk filled to the last byte breaks other programs
STALE_SECONDS = 24 * 3600  # a hidden folder older than this was left by a process that was killed
HIDDEN = "."


@dataclass(frozen=True)
class LibraryModel:
    """One row of the list. A damaged folder is listed too, with `usable` False and its `problem` in words."""

    name: str
    folder: str
    display_name: str
    bytes: int
    precision: str
    usable: bool
    problem: str
    bundled: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


def bundled_models_folder() -> Path:
    """Where the models that come with the program lie, in the source tree and in the packaged program."""
    return Path(__file__).resolve().parents[1] / "resources" / "models"


def open_library(profile: Profile | None = None) -> ModelLibrary:
    """The library of this person."""
    return ModelLibrary(bundled_models_folder(), (profile or find_profile()).models)


class ModelLibrary:
    """List, find, add and remove model folders."""

    def __init__(self, bundled: Path, personal: Path) -> None:
        self._bundled = bundled
        self._personal = personal

    def models(self) -> list[LibraryModel]:
        """All models, the bundled ones first, each group by name."""
        rows = [_describe(folder, bundled=True) for folder in _folders(self._bundled) if _has_manifest(folder)]
        return rows + [_describe(folder, bundled=False) for folder in _folders(self._personal)]

    def find(self, wanted: str | None) -> Path:
        """The folder of a name or a path; without either, the bundled model. Raises `ModelFolderError`."""
        if wanted is None:
            return self._default()
        named = self._named(wanted)
        if named is not None:
            return named
        path = Path(wanted)
        path = _folder_of(path)
        if path.is_dir() or (path.suffix == GRAPH_SUFFIX and path.is_file()):  # a folder, or one variant of it
            return path
        known = ", ".join(model.name for model in self.models()) or "none"
        raise ModelFolderError(
            f"there is no model folder and no model named {wanted!r}; known models: {known}; "
            "`nextstroke models add PATH` adds one"
        )

    def add(
        self,
        path: Path,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> LibraryModel | None:
        """Copy a model folder into the library, every hash checked. None when cancelled: then nothing is kept.

        `on_progress(done, total)` counts bytes. Raises `ModelFolderError` or `FileError`; then nothing is kept either.
        """
        source = open_folder(_folder_of(path))
        names = _names_to_copy(source)
        total = sum((source.path / name).stat().st_size for name in names)
        self._prepare(total)
        hidden = self._personal / f"{HIDDEN}adding-{secrets.token_hex(8)}"
        try:
            copier = _Copier(source.manifest, total, on_progress, is_cancelled)
            if not all(copier.copy(source.path / name, hidden / name, name) for name in names):
                return None
            _write_missing_manifest(source, hidden)
            final = self._personal / self._free_name(source)
            hidden.rename(final)
            sync_folder(self._personal)
        except OSError as error:
            raise file_error(error, f"add {path} to the models in {self._personal}") from error
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
        return _describe(final, bundled=False)

    def remove(self, name: str) -> None:
        """Delete an added model. Raises `UsageError` for a bundled one, `ModelFolderError` for an unknown name."""
        folder = self._named(name)
        if folder is None:
            known = ", ".join(model.name for model in self.models() if not model.bundled) or "none"
            raise ModelFolderError(f"there is no model named {name!r}; those you added: {known}")
        if folder.parent != self._personal:
            raise UsageError(f"{name} is part of the program and stays; only models that you added can be removed")
        # One rename first: a half-deleted model must never be listed.
        hidden = self._personal / f"{HIDDEN}removed-{secrets.token_hex(8)}"
        try:
            folder.rename(hidden)
        except OSError as error:
            raise file_error(error, f"remove {folder}") from error
        shutil.rmtree(hidden, ignore_errors=True)

    def _default(self) -> Path:
        found = [folder for folder in _folders(self._bundled) if _has_manifest(folder)]
        if not found:
            raise ModelFolderError(
                f"no model is bundled with this program (none in {self._bundled}); "
                "name a model folder with --model or add one with `nextstroke models add PATH`"
            )
        return found[0]

    def _named(self, name: str) -> Path | None:
        return next((folder for folder in self._all_folders() if folder.name == name), None)

    def _all_folders(self) -> Iterator[Path]:
        yield from (folder for folder in _folders(self._bundled) if _has_manifest(folder))
        yield from _folders(self._personal)

    def _free_name(self, source: ModelFolder) -> str:
        """The folder's own name, or with a number behind it where that is taken; never a hidden one."""
        # One line of UTF-8, so that lists and scripts can carry it.
        named = source.path.resolve().name.encode("utf-8", "replace").decode("utf-8")
        wanted = " ".join(named.split()).lstrip(HIDDEN) or source.manifest.id
        taken = {folder.name for folder in self._all_folders()}
        candidates = (wanted if number == 1 else f"{wanted} {number}" for number in range(1, len(taken) + 2))
        return next(name for name in candidates if name not in taken)

    def _prepare(self, needed: int) -> None:
        try:
            self._personal.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self._personal).free
            for folder in self._personal.iterdir():
                if folder.name.startswith(HIDDEN) and time.time() - folder.stat().st_mtime > STALE_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)
        except OSError as error:
            raise file_error(error, f"use the models folder {self._personal}") from error
        if free < needed + RESERVE_BYTES:
            raise DiskFullError(
                f"the model needs {_megabytes(needed)} and {self._personal} has {_megabytes(free)} free; "
                "free some space and add it again"
            )


class _Copier:
    """Copies files and hashes what it writes, counting bytes over all of them."""

    def __init__(
        self,
        manifest: Manifest,
        total: int,
        on_progress: Callable[[int, int], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        self._expected: dict[str, FileEntry] = {entry.name: entry for entry in manifest.files}
        self._total = total
        self._done = 0
        self._on_progress = on_progress
        self._is_cancelled = is_cancelled

    def copy(self, source: Path, target: Path, name: str) -> bool:
        """Copy the file `name`; False when cancelled. Raises `ModelFolderError` when it is not the manifest's."""
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with source.open("rb") as reader, target.open("xb") as writer:
            while piece := reader.read(CHUNK_BYTES):
                if self._is_cancelled():
                    return False
                writer.write(piece)
                digest.update(piece)
                self._done += len(piece)
                self._on_progress(self._done, self._total)
            writer.flush()
            os.fsync(writer.fileno())
        entry = self._expected.get(name)
        if entry is not None and digest.hexdigest() != entry.sha256:
            raise ModelFolderError(
                f"{source} is damaged (its SHA-256 is not the manifest's); fetch or export the model folder again"
            )
        return True


def _folder_of(path: Path) -> Path:
    """The folder of a file that lies beside a manifest; any other path itself."""
    return path.parent if path.is_file() and (path.parent / MANIFEST_NAME).is_file() else path


def _names_to_copy(source: ModelFolder) -> list[str]:
    listed = [entry.name for entry in source.manifest.files]
    optional = [
        name
        for name in OPTIONAL_FILES
        if name not in listed and (source.path / name).is_file() and not (source.path / name).is_symlink()
    ]
    own = [MANIFEST_NAME] if (source.path / MANIFEST_NAME).is_file() else []
    return [*own, *listed, *optional]


def _write_missing_manifest(source: ModelFolder, copy: Path) -> None:
    """Keep what was found in another program's folder, so that the copy is checked against it from now on."""
    manifest = copy / MANIFEST_NAME
    if manifest.exists():
        return
    with manifest.open("x", encoding="utf-8") as stream:
        stream.write(source.manifest.to_json())
        stream.flush()
        os.fsync(stream.fileno())


def _describe(folder: Path, bundled: bool) -> LibraryModel:
    try:
        manifest = open_folder(folder).manifest
    except NextstrokeError as error:
        return LibraryModel(folder.name, str(folder), folder.name, 0, "", False, str(error), bundled)
    size = sum(entry.bytes for entry in manifest.files)
    return LibraryModel(folder.name, str(folder), manifest.name, size, precision_words(manifest), True, "", bundled)


def precision_words(manifest: Manifest) -> str:
    """The precisions of a model's weights in one word, as "int8" or "fp32/int4"."""
    return "/".join(sorted({precision for group, precision in manifest.precision.items() if group != "cache"}))


def _folders(parent: Path) -> list[Path]:
    try:
        return sorted(entry for entry in parent.iterdir() if entry.is_dir() and not entry.name.startswith(HIDDEN))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise file_error(error, f"read the models folder {parent}") from error


def _has_manifest(folder: Path) -> bool:
    return (folder / MANIFEST_NAME).is_file()


def _megabytes(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
