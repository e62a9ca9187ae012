"""A recipe's [start]: the weights of an earlier run to begin with, grown where the recipe's network is larger.

For: `nextstroke train`.
Knows: our own training checkpoints and model folders, and how a run remembers what it began with.
Must not know: the training that follows.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from engine.contracts.errors import CheckpointError, ModelFolderError
from engine.contracts.manifest import MANIFEST_NAME, Manifest, read_manifest
from engine.tokenizer import SENTENCEPIECE
from export.graph.raising import canonical_tensors, read_weights
from export.model.architectures import build
from export.model.config import ModelConfig
from export.model.language_model import LanguageModel
from export.model.recurrent_config import AnyConfig, read_config
from export.training.checkpoint import load_checkpoint, newest_recipe
from export.training.files import write_atomically
from export.training.grow import grown
from export.training.recipe import Recipe, StartSettings
from export.training.starting_point import is_model_folder


@dataclass(frozen=True)
class _Earlier:
    """What a run can begin with, wherever it was read from."""

    config: AnyConfig
    tensors: dict[str, Tensor]
    tokenizer: bytes
    name: str
    tokens: int


def started(recipe: Recipe, folder: Path, resume: bool) -> tuple[Recipe, LanguageModel | None]:
    """The recipe that remembers its start, and the network to begin with: None where the run makes its own.

    Raises CheckpointError where the checkpoint's network or tokenizer is not one that the recipe's can grow from.
    """
    earlier = newest_recipe(folder) if resume else None
    if earlier is not None:  # its weights come from its own checkpoint; only the memory is needed
        return _remembering(recipe, StartSettings(**earlier.get("start", {}))), None
    if not recipe.start.checkpoint:
        return recipe, None
    path = Path(recipe.start.checkpoint)
    earlier_run = _read_folder(path, recipe.start.tokens) if is_model_folder(path) else _read_checkpoint(path)
    _lay_out_tokenizer(earlier_run, folder)
    told = StartSettings(name=earlier_run.name, parameters=earlier_run.config.parameters, tokens=earlier_run.tokens)
    return _remembering(recipe, told), _network(recipe, earlier_run)


def _read_checkpoint(path: Path) -> _Earlier:
    found = load_checkpoint(path)
    tokens = found.progress.tokens + int(found.recipe.get("start", {}).get("tokens", 0))
    return _Earlier(found.config, found.model, found.tokenizer, str(found.recipe.get("name", "an earlier run")), tokens)


def _read_folder(path: Path, tokens: int) -> _Earlier:
    """A model folder's weights as its graph has them: rounded once, so within half a step of the checkpoint's.

    A folder does not say how much text it has read: `tokens` is the recipe's word for it.
    """
    folder = path if path.is_dir() else path.parent
    try:
        manifest = read_manifest((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ModelFolderError) as error:
        raise CheckpointError(f"[start] cannot read the model folder {folder}: {error}") from error
    graph, config = manifest.graph("decoder"), read_config(dict(manifest.config))
    if graph is None or not isinstance(config, ModelConfig) or manifest.tokenizer.kind != SENTENCEPIECE:
        raise CheckpointError(f"{folder} is no GPT with a SentencePiece tokenizer; [start] takes only such folders")
    _refuse_damage(folder, manifest)
    tensors = canonical_tensors(read_weights(folder / graph), config)
    tokenizer = (folder / manifest.tokenizer.file).read_bytes()
    return _Earlier(config, {name: torch.from_numpy(t) for name, t in tensors.items()}, tokenizer, manifest.id, tokens)


def _refuse_damage(folder: Path, manifest: Manifest) -> None:
    for entry in manifest.files:
        try:
            with (folder / entry.name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise CheckpointError(f"[start] cannot read {folder / entry.name}: {error.strerror}") from error
        if found != entry.sha256:
            raise CheckpointError(f"{folder / entry.name} is not what its manifest says; fetch the folder again")


def _network(recipe: Recipe, earlier: _Earlier) -> LanguageModel:
    model, tensors = build(recipe.model), earlier.tensors
    if earlier.config != recipe.model:
        if not isinstance(earlier.config, ModelConfig) or not isinstance(recipe.model, ModelConfig):
            raise CheckpointError(
                f"{recipe.start.checkpoint} is of another network than the recipe's; only a GPT grows"
            )
        tensors = grown(earlier.tensors, earlier.config, recipe.model, recipe.training.seed)
    model.load_state_dict(tensors)
    return model


def _lay_out_tokenizer(earlier: _Earlier, folder: Path) -> None:
    kept = folder / "tokenizer.model"
    if kept.exists() and kept.read_bytes() != earlier.tokenizer:
        raise CheckpointError(f"{kept} is another tokenizer than that of [start]; name another --output")
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(kept, earlier.tokenizer)


def _remembering(recipe: Recipe, told: StartSettings) -> Recipe:
    """`source` goes into every checkpoint: what the start was, and no path of this computer."""
    if not told.name:
        return recipe
    table = {name: value for name, value in asdict(told).items() if name != "checkpoint"}
    return replace(recipe, start=told, source={**recipe.source, "start": table})
