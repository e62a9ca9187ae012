"""The shape of the recurrent network, as plain data, and the one reader of every configuration.

For: what builds, trains, exports or checks a model of either kind.
Knows: the sizes of the recurrent network and how its configuration is told from a GPT's.
Must not know: torch, numpy, files.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from engine.contracts.errors import CheckpointError
from engine.contracts.manifest import CONTEXT_LIMIT
from engine.contracts.plain_fields import shown
from export.model.config import MOST, ModelConfig

ARCHITECTURE = "recurrent"
_SIZES = ("vocabulary_size", "context_length", "width", "units")
_UNITS_MULTIPLE = 8  # the fused attention operator's head size


@dataclass(frozen=True)
class RecurrentConfig:
    """Embedding, one LSTM layer, causal dot-product attention over its own outputs, one dense layer.

        tokens (B, T) -> token_embedding (width) -> LSTM (units) = h -> [h, attention(h, h, h)] -> head -> logits

    The network of the article this project started from, made causal so that it can generate. `context_length` is how
    many outputs the attention looks back on, and so the longest text.
    """

    vocabulary_size: int
    context_length: int
    width: int
    units: int
    architecture: str = ARCHITECTURE

    def __post_init__(self) -> None:
        for name in _SIZES:
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise _refused(f"{name} is {shown(value)}, but must be a whole number of at least 1")
            most = CONTEXT_LIMIT if name == "context_length" else MOST
            if value > most:
                raise _refused(f"{name} is {shown(value)}, but no model here has more than {most}")
        if self.architecture != ARCHITECTURE:
            raise _refused(f"architecture is {shown(self.architecture)}, but must be {ARCHITECTURE!r}")
        if self.units % _UNITS_MULTIPLE:
            raise _refused(f"units is {self.units}, but must be a multiple of {_UNITS_MULTIPLE}")

    @property
    def parameters(self) -> int:
        """How many numbers the tensors hold together."""
        return sum(math.prod(shape) for shape in self.tensor_shapes().values())

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `read_config` gives the same configuration back."""
        return dataclasses.asdict(self)

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """Tensor names and shapes in PyTorch layout; gates in PyTorch's order: input, forget, cell, output."""
        gates = 4 * self.units
        return {
            "token_embedding.weight": (self.vocabulary_size, self.width),
            "lstm.weight_ih_l0": (gates, self.width),
            "lstm.weight_hh_l0": (gates, self.units),
            "lstm.bias_ih_l0": (gates,),
            "lstm.bias_hh_l0": (gates,),
            "head.weight": (self.vocabulary_size, 2 * self.units),
        }


AnyConfig: TypeAlias = ModelConfig | RecurrentConfig


def read_config(values: Mapping[str, Any]) -> AnyConfig:
    """The configuration that `to_dict` of either kind wrote; only the recurrent one names its architecture."""
    if "architecture" not in values:
        return ModelConfig.from_dict(values)
    known = {field.name for field in dataclasses.fields(RecurrentConfig)}
    unknown, missing = sorted(set(values) - known), sorted(known - set(values))
    if unknown:
        raise _refused(f"unknown key {', '.join(unknown)}; a newer version may have written it")
    if missing:
        raise _refused(f"{', '.join(missing)} is missing")
    return RecurrentConfig(**values)


def _refused(reason: str) -> CheckpointError:
    return CheckpointError(f"impossible model configuration: {reason}; correct the recipe or the checkpoint's config")
