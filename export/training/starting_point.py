"""A checkpoint or model folder as something to start from: its network in memory, and the tokenizer to train with.

For: distillation (the teacher) and fine-tuning (what is tuned).
Knows: the importers' front door, the reader of model folders, and which tokenizers training can use.
Must not know: recipes, trainers, losses.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from engine.contracts.errors import CheckpointError
from engine.tokenizer import SENTENCEPIECE
from export.importers.load import Imported, import_checkpoint
from export.model.architectures import build
from export.model.language_model import LanguageModel
from export.training.folder_weights import is_model_folder, read_folder_weights
from export.training.tokenizer import TextTokenizer


@dataclass(frozen=True)
class StartingPoint:
    """A network of one's own to change, and where it came from."""

    model: LanguageModel
    tokenizer: TextTokenizer
    name: str
    sha256: str  # of the lines "SHA-256  name" of all source files, as `sha256sum` prints them
    files: tuple[Mapping[str, Any], ...]  # name, bytes, sha256 each
    licence: str
    languages: tuple[str, ...]
    training: Mapping[str, Any]  # what the checkpoint says of its own training, possibly nothing


def open_starting_point(path: Path, tokenizer_file: Path | None = None) -> StartingPoint:
    """Read any checkpoint that the importers know, with its own tokenizer or the one given, or a model folder.

    Raises `CheckpointError` or `TokenizerError` in one line.
    """
    if is_model_folder(path):
        return _from_model_folder(path)
    with tempfile.TemporaryDirectory(prefix="nextstroke-") as workspace:
        imported = import_checkpoint(path, Path(workspace), tokenizer_file)
        tokenizer = _tokenizer(path, imported)
        model = _network(imported)
    recipe = imported.training.get("recipe") or {}
    return StartingPoint(
        model=model,
        tokenizer=tokenizer,
        name=str(recipe.get("title") or recipe.get("name") or path.resolve().name),
        sha256=_digest(imported.files),
        files=imported.files,
        licence=imported.licence,
        languages=imported.languages,
        training=imported.training,
    )


def _from_model_folder(path: Path) -> StartingPoint:
    """A folder brings its own tokenizer, and tells less of its training than a checkpoint."""
    found = read_folder_weights(path)
    manifest = found.manifest
    model = build(found.config)
    model.load_state_dict(found.tensors)
    files = tuple(asdict(entry) for entry in manifest.files)
    return StartingPoint(
        model=model,
        tokenizer=TextTokenizer(found.tokenizer),
        name=manifest.name,
        sha256=_digest(files),
        files=files,
        licence=manifest.licence,
        languages=manifest.languages,
        training={"recipe": {"title": manifest.name, "tasks": [asdict(task) for task in manifest.tasks]}},
    )


def _tokenizer(path: Path, imported: Imported) -> TextTokenizer:
    if imported.tokenizer_kind != SENTENCEPIECE:
        raise CheckpointError(
            f"{path} comes with a byte-level tokenizer ({imported.tokenizer_file.name}), and training here knows "
            "SentencePiece ones only (tokenizer.model); take a checkpoint of `nextstroke train`"
        )
    return TextTokenizer(imported.tokenizer_file.read_bytes())


def _network(imported: Imported) -> LanguageModel:
    model, tensors = build(imported.config), imported.tensors()
    # Copied: the file that they are mapped from goes away with the workspace.
    model.load_state_dict({name: torch.tensor(tensors(name)) for name in imported.config.tensor_shapes()})
    return model


def _digest(files: tuple[Mapping[str, Any], ...]) -> str:
    lines = sorted(f"{file['sha256']}  {file['name']}\n" for file in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
