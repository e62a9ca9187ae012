"""A larger network that computes what a smaller one computed, to go on training from.

For: `python -m export.training.grow CHECKPOINT RECIPE FOLDER`: a model keeps what it learned.
Knows: which numbers may be added to a GPT without changing its function, and still get a gradient at once.
Must not know: the training that follows.

    residual channels   nothing writes to the new ones (zeros), all read them (random); a norm's weights shrink by
                        sqrt(old width / new width), because its mean runs over more channels
    heads, MLP neurons  read at random, write zeros
    key/value heads     copies of those that the same query heads had
    layers              each new one reads as the layer before it does and writes zeros, so it passes its input on
    value embeddings    zeros

Sources: Chen et al. 2016 (Net2Net: function-preserving growth), Gong et al. 2019 (stacking layers), Shen et al. 2022
(staged training). The zeros get a gradient through the random readers, and the readers once the zeros have moved.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from engine.contracts.errors import CheckpointError, NextstrokeError
from export.model.config import ModelConfig
from export.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from export.training.recipe import load_recipe

_MUST_AGREE = (
    "vocabulary_size",
    "head_size",
    "norm",
    "norm_epsilon",
    "positions",
    "mlp",
    "qkv_bias",
    "projection_bias",
    "norm_bias",
    "tied_head",
    "rotary_base",
)
_MAY_GROW = ("layers", "width", "heads", "kv_heads", "mlp_width", "context_length")
_WRITERS = ("attention.output.weight", "mlp.down.weight")
_READERS = (
    "attention.query.weight",
    "attention.key.weight",
    "attention.value.weight",
    "mlp.gate.weight",
    "mlp.up.weight",
)
_DEVIATION = 0.02  # of random readers, as at the start of a training


def grown(tensors: Mapping[str, Tensor], old: ModelConfig, new: ModelConfig, seed: int) -> dict[str, Tensor]:
    """Canonical tensors of `new` that give the same logits as `tensors` of `old`; CheckpointError where none can."""
    _check(old, new)
    generator = torch.Generator().manual_seed(seed)
    sources = _sources(old.layers, new.layers)
    result = {}
    for name, shape in new.tensor_shapes().items():
        layer, rest, is_new = _origin(name, sources)
        if name.startswith("value_embedding."):
            result[name] = torch.zeros(shape)
            continue
        source = tensors[f"layers.{layer}.{rest}" if layer is not None else name]
        if rest.endswith(("attention.key.weight", "attention.value.weight")):
            source = _shared_heads(source, old, new)
        result[name] = _enlarged(rest, source, shape, old, new, generator)
        if is_new and rest in _WRITERS:
            result[name].zero_()
    return result


def _check(old: ModelConfig, new: ModelConfig) -> None:
    for name in _MUST_AGREE:
        if getattr(old, name) != getattr(new, name):
            raise _refused(f"{name} is {getattr(old, name)} here and {getattr(new, name)} there")
    for name in _MAY_GROW:
        if getattr(old, name) > getattr(new, name):
            raise _refused(f"{name} would shrink from {getattr(old, name)} to {getattr(new, name)}")
    if old.norm != "rms" or old.norm_bias or old.qkv_bias or old.projection_bias or old.positions != "rotary":
        raise _refused("only networks with RMS norms, rotary positions and no biases are grown so far")
    if old.value_embedding_every or old.scale != new.scale:
        raise _refused("value embeddings can only be added, and the attention scale must stay")


def _refused(reason: str) -> CheckpointError:
    return CheckpointError(f"the checkpoint cannot grow into the recipe's model: {reason}; change the recipe's [model]")


def _sources(old: int, new: int) -> list[tuple[int, bool]]:
    """For each new layer the old one it is made of, and whether it is an added one; the added ones spread evenly."""
    counts = [(new * (index + 1)) // old - (new * index) // old for index in range(old)]
    return [(index, copy > 0) for index in range(old) for copy in range(counts[index])]


def _origin(name: str, sources: list[tuple[int, bool]]) -> tuple[int | None, str, bool]:
    if not name.startswith("layers."):
        return None, name, False
    _, number, rest = name.split(".", 2)
    layer, is_new = sources[int(number)]
    return layer, rest, is_new


def _shared_heads(source: Tensor, old: ModelConfig, new: ModelConfig) -> Tensor:
    """Rows of key or value, each new head a copy of the one that its query heads had."""
    groups, old_groups = new.heads // new.kv_heads, old.heads // old.kv_heads
    heads = []
    for head in range(new.kv_heads):
        served = {query // old_groups for query in range(head * groups, (head + 1) * groups) if query < old.heads}
        if len(served) > 1:
            raise _refused(f"key/value head {head} would have to be several old ones at once")
        heads.append(served.pop() if served else old.kv_heads - 1)
    by_head = source.unflatten(0, (old.kv_heads, old.head_size))
    return by_head[heads].flatten(0, 1)


def _enlarged(
    rest: str, source: Tensor, shape: tuple[int, ...], old: ModelConfig, new: ModelConfig, generator: torch.Generator
) -> Tensor:
    if rest.endswith("norm.weight"):
        made = torch.ones(shape)
        made[: old.width] = source * math.sqrt(old.width / new.width)
        return made
    if rest in _READERS:
        made = torch.empty(shape).normal_(std=_DEVIATION, generator=generator)
    else:  # writers, the embedding and the head
        made = torch.zeros(shape)
    made[: source.shape[0], : source.shape[1]] = source
    return made


def main(arguments: list[str] | None = None) -> int:
    """Write a grown checkpoint, its progress at zero; 0, or 1 with one line of what is wrong."""
    parser = argparse.ArgumentParser(prog="python -m export.training.grow", description=__doc__.splitlines()[0])
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("recipe", type=Path, help="its [model] is the larger one, its seed draws the random readers")
    parser.add_argument("folder", type=Path, help="the new checkpoint")
    given = parser.parse_args(arguments)
    try:
        checkpoint, recipe = load_checkpoint(given.checkpoint), load_recipe(given.recipe)
        if not isinstance(checkpoint.config, ModelConfig) or not isinstance(recipe.model, ModelConfig):
            raise _refused("only a GPT can")
        model = grown(checkpoint.model, checkpoint.config, recipe.model, recipe.training.seed)
        made = replace(checkpoint, config=recipe.model, model=model, optimizer={}, progress=Progress())
        save_checkpoint(given.folder, made)
    except NextstrokeError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{checkpoint.config.parameters:,} parameters grew to {recipe.model.parameters:,}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
