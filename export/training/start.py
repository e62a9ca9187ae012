"""A recipe's [start]: the weights of an earlier run to begin with, grown where the recipe's network is larger.

For: `nextstroke train`.
Knows: our own training checkpoints, and how a run remembers what it began with.
Must not know: the training that follows.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

from engine.contracts.errors import CheckpointError
from export.model.architectures import build
from export.model.config import ModelConfig
from export.model.language_model import LanguageModel
from export.training.checkpoint import Checkpoint, load_checkpoint, newest_recipe
from export.training.files import write_atomically
from export.training.grow import grown
from export.training.recipe import Recipe, StartSettings


def started(recipe: Recipe, folder: Path, resume: bool) -> tuple[Recipe, LanguageModel | None]:
    """The recipe that remembers its start, and the network to begin with: None where the run makes its own.

    Raises CheckpointError where the checkpoint's network or tokenizer is not one that the recipe's can grow from.
    """
    earlier = newest_recipe(folder) if resume else None
    if earlier is not None:  # its weights come from its own checkpoint; only the memory is needed
        return _remembering(recipe, StartSettings(**earlier.get("start", {}))), None
    if not recipe.start.checkpoint:
        return recipe, None
    checkpoint = load_checkpoint(Path(recipe.start.checkpoint))
    _lay_out_tokenizer(checkpoint, folder)
    told = StartSettings(
        name=str(checkpoint.recipe.get("name", "an earlier run")),
        parameters=checkpoint.config.parameters,
        tokens=checkpoint.progress.tokens + int(checkpoint.recipe.get("start", {}).get("tokens", 0)),
    )
    return _remembering(recipe, told), _network(recipe, checkpoint)


def _network(recipe: Recipe, checkpoint: Checkpoint) -> LanguageModel:
    model, tensors = build(recipe.model), checkpoint.model
    if checkpoint.config != recipe.model:
        if not isinstance(checkpoint.config, ModelConfig) or not isinstance(recipe.model, ModelConfig):
            raise CheckpointError(
                f"{recipe.start.checkpoint} is of another network than the recipe's; only a GPT grows"
            )
        tensors = grown(checkpoint.model, checkpoint.config, recipe.model, recipe.training.seed)
    model.load_state_dict(tensors)
    return model


def _lay_out_tokenizer(checkpoint: Checkpoint, folder: Path) -> None:
    kept = folder / "tokenizer.model"
    if kept.exists() and kept.read_bytes() != checkpoint.tokenizer:
        raise CheckpointError(f"{kept} is another tokenizer than that of [start]; name another --output")
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(kept, checkpoint.tokenizer)


def _remembering(recipe: Recipe, told: StartSettings) -> Recipe:
    """`source` goes into every checkpoint: what the start was, and no path of this computer."""
    if not told.name:
        return recipe
    table = {name: value for name, value in asdict(told).items() if name != "checkpoint"}
    return replace(recipe, start=told, source={**recipe.source, "start": table})
