"""A model folder once more with n-grams in it, written whole or not at all.

For: the command. Knows: the manifest and the card. Must not know: what is in the graphs.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from engine.contracts.errors import file_error
from engine.contracts.manifest import FORMAT_VERSION, MANIFEST_NAME, MODEL_CARD_NAME, read_manifest
from export.folder_writer import new_folder, write_manifest
from export.ngrams.build import Beside, Figures
from export.ngrams.card import Compared, with_section
from export.ngrams.settings import NgramSettings

FILE_NAME = "ngrams.npz"


def write_folder(
    source: Path,
    target: Path,
    beside: Beside,
    figures: Mapping[str, Figures],
    compared: Compared,
    settings: NgramSettings,
    force: bool,
) -> None:
    """Copy `source`'s listed files to `target` with the n-grams, the card's section and a manifest that names them."""
    try:
        manifest = read_manifest((source / MANIFEST_NAME).read_text(encoding="utf-8"))
        with new_folder(target, force) as folder:
            for entry in manifest.files:
                if entry.name != manifest.ngrams:
                    shutil.copyfile(source / entry.name, folder / entry.name)
            (folder / FILE_NAME).write_bytes(beside.content)
            card = folder / MODEL_CARD_NAME
            text = card.read_text(encoding="utf-8") if card.exists() else f"# {manifest.name}\n"
            card.write_text(with_section(text, beside, figures, compared, settings), encoding="utf-8")
            write_manifest(folder, replace(manifest, ngrams=FILE_NAME, format_version=FORMAT_VERSION))
    except OSError as error:
        raise file_error(error, f"copy {source} to {target}") from error
