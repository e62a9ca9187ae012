"""The shape of the recurrent network, as plain data, and the one reader of every configuration.

For: what builds, trains, exports or checks a model of either kind.
Knows: the sizes of the recurrent network and how its configuration is told from a GPT's.
Must not know: torch, numpy, files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from engine.contracts.plain_fields import shown
from export.model.config import Config, ModelConfig, refused

ARCHITECTURE = "recurrent"
_SIZES = ("vocabulary_size", "context_length", "width", "units")
_UNITS_MULTIPLE = 8  # the fused attention operator's head size


@dataclass(frozen=True)
class RecurrentConfig(Config):
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
        self._check_sizes(_SIZES)
        if self.architecture != ARCHITECTURE:
            raise refused(f"architecture is {shown(self.architecture)}, but must be {ARCHITECTURE!r}")
        if self.units % _UNITS_MULTIPLE:
            raise refused(f"units is {self.units}, but must be a multiple of {_UNITS_MULTIPLE}")

    kind = "recurrent network"
    precisions = ("fp32",)
    keeps_a_state = True
    layers = 1

    def parts(self) -> list[tuple[str, str]]:
        """Its inside as rows of a table."""
        return [
            ("embedding", f"{self.width}"),
            ("LSTM", f"one layer, {self.units} units"),
            ("attention", f"one head over its own outputs, context {self.context_length:,} tokens"),
            ("head", f"its own matrix, over output and attention, {2 * self.units} wide"),
        ]

    @property
    def cache_rows(self) -> tuple[int, int, int]:
        """Two buffers of one head: what attention looks at, and the output and cell state of every position."""
        return 2, 1, self.units

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
    named = values.get("architecture", ARCHITECTURE)
    if named != ARCHITECTURE:
        raise refused(f"architecture is {shown(named)}, but must be {ARCHITECTURE!r}, or left out for a GPT")
    kind: type[AnyConfig] = RecurrentConfig if "architecture" in values else ModelConfig
    return kind.from_dict(values)
