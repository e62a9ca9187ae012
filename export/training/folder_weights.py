"""The network of a model folder, its rounded weights as floats again, to go on training from.

For: a recipe's [start] and fine-tuning, where the checkpoint that the folder was made from is not at hand.
Knows: the manifest, and which folders hold a network that training here can continue.
Must not know: recipes, trainers, what becomes of the weights.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from engine.contracts.errors import CheckpointError, ModelFolderError
from engine.contracts.manifest import MANIFEST_NAME, Manifest, read_manifest
from engine.tokenizer import SENTENCEPIECE
from export.graph.raising import canonical_tensors, read_weights
from export.model.config import ModelConfig
from export.model.recurrent_config import read_config


@dataclass(frozen=True)
class FolderWeights:
    """What a model folder holds that training needs."""

    manifest: Manifest
    config: ModelConfig
    tensors: dict[str, Tensor]  # canonical names, float32
    tokenizer: bytes


def is_model_folder(path: Path) -> bool:
    """Whether `path` is, or lies in, a folder that the engine opens."""
    return (_folder(path) / MANIFEST_NAME).is_file() or path.suffix == ".onnx"


def read_folder_weights(path: Path) -> FolderWeights:
    """Read a folder, or any file in it. Raises `CheckpointError` in one line.

    Integers come back within half a step of what they were rounded from: the network predicts as the folder does.
    """
    folder = _folder(path)
    try:
        manifest = read_manifest((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ModelFolderError) as error:
        raise CheckpointError(f"cannot read the model folder {folder}: {error}; fetch it again") from error
    config, graph = read_config(dict(manifest.config)), manifest.graph("decoder")
    if graph is None or not isinstance(config, ModelConfig):
        raise CheckpointError(f"{folder} holds no GPT, and no other model folder can be trained further; take a GPT's")
    if manifest.tokenizer.kind != SENTENCEPIECE:
        raise CheckpointError(
            f"{folder} comes with a byte-level tokenizer ({manifest.tokenizer.file}), and training here knows "
            "SentencePiece ones only (tokenizer.model); take a model of `nextstroke train`"
        )
    _refuse_damage(folder, manifest)
    tensors = canonical_tensors(read_weights(folder / graph), config)
    return FolderWeights(
        manifest,
        config,
        {name: torch.from_numpy(tensor) for name, tensor in tensors.items()},
        (folder / manifest.tokenizer.file).read_bytes(),
    )


def _folder(path: Path) -> Path:
    return path if path.is_dir() else path.parent


def _refuse_damage(folder: Path, manifest: Manifest) -> None:
    """Training would bury a flipped bit in everything that comes after."""
    for entry in manifest.files:
        try:
            with (folder / entry.name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise CheckpointError(
                f"cannot read {folder / entry.name}: {error.strerror}; fetch the whole folder"
            ) from error
        if found != entry.sha256:
            raise CheckpointError(f"{folder / entry.name} is not what its manifest says; fetch the folder again")
