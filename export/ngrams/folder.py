"""A model folder once more with n-grams in it, written whole or not at all.

For: the command. Knows: the manifest and the card. Must not know: what is in the graphs.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from engine.contracts.errors import ModelFolderError, file_error
from engine.contracts.manifest import FORMAT_VERSION, MANIFEST_NAME, MODEL_CARD_NAME, FileEntry, read_manifest
from export.folder_writer import file_entry, new_folder, write_manifest
from export.ngrams.card import with_section

FILE_NAME = "ngrams.npz"


def write_folder(source: Path, target: Path, ngrams: bytes, section: str, force: bool) -> None:
    """Copy `source`'s listed files to `target` with the n-grams, the card's section and a manifest that names them."""
    try:
        manifest = read_manifest((source / MANIFEST_NAME).read_text(encoding="utf-8"))
        with new_folder(target, force) as folder:
            for entry in manifest.files:
                if entry.name != manifest.ngrams:
                    _copy(source, folder, entry)
            (folder / FILE_NAME).write_bytes(ngrams)
            card = folder / MODEL_CARD_NAME
            text = card.read_text(encoding="utf-8") if card.exists() else f"# {manifest.name}\n"
            card.write_text(with_section(text, section), encoding="utf-8")
            write_manifest(folder, replace(manifest, ngrams=FILE_NAME, format_version=FORMAT_VERSION))
    except OSError as error:
        raise file_error(error, f"copy {source} to {target}") from error


def _copy(source: Path, folder: Path, entry: FileEntry) -> None:
    """One file; another content than the manifest names must not get a hash of its own."""
    shutil.copyfile(source / entry.name, folder / entry.name)
    if file_entry(folder / entry.name) != entry:
        raise ModelFolderError(f"{source / entry.name} is not what its manifest says; fetch the folder again")
