"""A recipe's [start]: the weights of an earlier run to begin with, grown where the recipe's network is larger.

For: `nextstroke train`.
Knows: our own training checkpoints and model folders, and how a run remembers what it began with.
Must not know: the training that follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from engine.contracts.errors import CheckpointError
from export.model.architectures import build
from export.model.config import ModelConfig
from export.model.language_model import LanguageModel
from export.model.recurrent_config import AnyConfig
from export.training.checkpoint import load_checkpoint, newest_recipe
from export.training.files import write_atomically
from export.training.folder_weights import is_model_folder, read_folder_weights
from export.training.grow import grown
from export.training.recipe import Recipe, StartSettings


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
        return _remembering(recipe, _told_earlier(earlier, folder)), None
    if not recipe.start.checkpoint:
        return recipe, None
    path = Path(recipe.start.checkpoint)
    earlier_run = _read_folder(path, recipe.start.tokens) if is_model_folder(path) else _read_checkpoint(path)
    _lay_out_tokenizer(earlier_run, folder)
    told = StartSettings(name=earlier_run.name, parameters=earlier_run.config.parameters, tokens=earlier_run.tokens)
    return _remembering(recipe, told), _network(recipe, earlier_run)


def _told_earlier(earlier: Mapping[str, Any], folder: Path) -> StartSettings:
    try:
        return StartSettings(**earlier.get("start", {}))
    except TypeError as error:
        raise CheckpointError(
            f"the newest checkpoint in {folder} tells of a start that this program does not know; update the program"
        ) from error


def _read_checkpoint(path: Path) -> _Earlier:
    found = load_checkpoint(path)
    tokens = found.progress.tokens + int(found.recipe.get("start", {}).get("tokens", 0))
    return _Earlier(found.config, found.model, found.tokenizer, str(found.recipe.get("name", "an earlier run")), tokens)


def _read_folder(path: Path, tokens: int) -> _Earlier:
    """A folder does not say how much text its model has read: `tokens` is the recipe's word for it."""
    found = read_folder_weights(path)
    return _Earlier(found.config, found.tensors, found.tokenizer, found.manifest.id, tokens)


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
