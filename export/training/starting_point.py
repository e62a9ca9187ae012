"""A checkpoint as something to start from: its network with the weights in memory, and the tokenizer to train with.

For: distillation (the teacher) and fine-tuning (what is tuned).
Knows: the importers' front door, and which tokenizers training can use.
Must not know: recipes, trainers, losses.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from engine.contracts.errors import CheckpointError
from engine.contracts.manifest import MANIFEST_NAME
from engine.tokenizer import SENTENCEPIECE
from export.importers.load import Imported, import_checkpoint
from export.model.architectures import build
from export.model.language_model import LanguageModel
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
    """Read any checkpoint that the importers know, with its own tokenizer or the one given.

    Raises `CheckpointError` or `TokenizerError` in one line.
    """
    if is_model_folder(path):
        raise CheckpointError(
            f"{path} is a model folder: its weights are rounded and laid out for use, so they cannot be trained "
            "further; give the checkpoint that it was exported from"
        )
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


def is_model_folder(path: Path) -> bool:
    """Whether `path` is, or lies in, a folder that the engine opens."""
    folder = path if path.is_dir() else path.parent
    return (folder / MANIFEST_NAME).is_file() or path.suffix == ".onnx"


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
