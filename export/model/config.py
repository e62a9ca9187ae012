"""The shape of a GPT, as plain data.

For: every part that builds, exports, converts or checks a model; the narrow waist between checkpoints and graphs.
Knows: the fields that decide a model's maths, which combinations are impossible, and the canonical tensor names.
Must not know: torch, numpy, files, or any model family's name: behaviour is decided by a field, never by a name.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, cast

from engine.contracts import graph_io
from engine.contracts.errors import CheckpointError
from engine.contracts.manifest import CONTEXT_LIMIT
from engine.contracts.plain_fields import shown

NORMS = ("layer", "rms")
POSITIONS = ("learned", "rotary")
MLPS = ("gelu", "gelu_tanh", "swiglu")

_MOST_LAYERS = 10_000  # a hostile file must not keep the program listing tensors for hours
_MOST = 2**31 - 1  # of everything else: more fits no index of ONNX's operators
_SIZES = (
    "vocabulary_size",
    "context_length",
    "layers",
    "width",
    "heads",
    "kv_heads",
    "head_size",
    "mlp_width",
)
_FLAGS = ("qkv_bias", "projection_bias", "norm_bias", "tied_head")


class Config:
    """What every configuration can do; each kind is a frozen dataclass of numbers and words that decide its maths."""

    context_length: int
    vocabulary_size: int
    layers: int

    kind: ClassVar[str]  # what a person calls it
    precisions: ClassVar[tuple[str, ...]]  # what its graph can be written in; the usual one first
    keeps_a_state: ClassVar[bool]  # cache rows of more than keys and values

    @property
    def parameters(self) -> int:
        """How many numbers the canonical tensors hold together."""
        return sum(math.prod(shape) for shape in self.tensor_shapes().values())

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` gives the same configuration back."""
        return dataclasses.asdict(cast(Any, self))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote; missing and unknown keys are refused, because each one changes the maths."""
        fields = dataclasses.fields(cast(Any, cls))
        known = {field.name for field in fields}
        required = {field.name for field in fields if field.default is dataclasses.MISSING}
        unknown, missing = sorted(set(values) - known), sorted(required - set(values))
        if unknown:
            raise refused(f"unknown key {', '.join(unknown)}; a newer version may have written it")
        if missing:
            raise refused(f"{', '.join(missing)} is missing")
        return cls(**{name: _whole_as_float(name, value) for name, value in values.items()})

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """Canonical tensor names and shapes in PyTorch layout, (out, in)."""
        raise NotImplementedError

    def parts(self) -> list[tuple[str, str]]:
        """Its inside as rows of a table: a part, and what it is like."""
        raise NotImplementedError

    @property
    def cache_rows(self) -> tuple[int, int, int]:
        """Buffers, heads, and numbers a head and position, of the graph's cache."""
        raise NotImplementedError

    @property
    def uses_position_ids(self) -> bool:
        """Whether the graph asks for the positions of its tokens."""
        return False

    def _check_sizes(self, names: Sequence[str]) -> None:
        for name in names:
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise refused(f"{name} is {shown(value)}, but must be a whole number of at least 1")
            most = CONTEXT_LIMIT if name == "context_length" else _MOST
            if value > most:
                raise refused(f"{name} is {shown(value)}, but no model here has more than {most}")


@dataclass(frozen=True)
class ModelConfig(Config):
    """One decoder-only Transformer.

        tokens (B, T) -> token_embedding [+ position_embedding] -> layers x [ x + attention(norm(x)); x + mlp(norm(x)) ]
                      -> final_norm -> head (the embedding itself when tied) -> logits (B, T, V)

    Rotary positions use the half-split convention (GPT-NeoX, Llama): element i is paired with i + head_size / 2, over
    the full head. qkv_bias covers query, key and value; projection_bias covers attention.output and the MLP.
    Value embeddings (value residuals by token, as in the NanoGPT speedruns of 2024-2025) add capacity, and next to no
    arithmetic: a row is looked up.
    """

    vocabulary_size: int
    context_length: int
    layers: int
    width: int
    heads: int
    kv_heads: int
    head_size: int
    mlp_width: int
    norm: str
    norm_epsilon: float
    positions: str
    mlp: str
    qkv_bias: bool
    projection_bias: bool
    norm_bias: bool
    tied_head: bool
    rotary_base: float = 10000.0
    attention_scale: float | None = None  # None = 1 / sqrt(head_size)
    value_embedding_every: int = 0  # each how many layers, counted from the last, the values also look up the token

    def __post_init__(self) -> None:
        self._check_sizes(_SIZES)
        if self.layers > _MOST_LAYERS:
            raise refused(f"layers is {self.layers}, but no model here has more than {_MOST_LAYERS}")
        for name in _FLAGS:
            if type(getattr(self, name)) is not bool:
                raise refused(f"{name} is {shown(getattr(self, name))}, but must be true or false")
        for name, allowed in (("norm", NORMS), ("positions", POSITIONS), ("mlp", MLPS)):
            if getattr(self, name) not in allowed:
                raise refused(f"{name} is {shown(getattr(self, name))}, but must be one of {', '.join(allowed)}")
        for name in ("norm_epsilon", "rotary_base"):
            _positive_number(name, getattr(self, name))
        if self.attention_scale is not None:
            _positive_number("attention_scale", self.attention_scale)
        if self.heads % self.kv_heads:
            raise refused(f"{self.heads} heads cannot share {self.kv_heads} key/value heads evenly")
        every = self.value_embedding_every
        if type(every) is not int or every < 0:
            raise refused(f"value_embedding_every is {shown(every)}, but must be a whole number of at least 0")
        if self.positions == "rotary" and self.head_size % 2:
            raise refused(f"rotary positions turn pairs of elements, so head_size {self.head_size} must be even")

    kind = "GPT"
    precisions = ("int8", "int4", "fp16", "fp32")
    keeps_a_state = False

    def parts(self) -> list[tuple[str, str]]:
        """Its inside as rows of a table."""
        rows = [
            ("layers × width", f"{self.layers} × {self.width}"),
            ("attention heads / key-value heads × head size", f"{self.heads} / {self.kv_heads} × {self.head_size}"),
            ("MLP", f"{self.mlp}, width {self.mlp_width}"),
            ("norm", f"{self.norm}, ε = {self.norm_epsilon:g}"),
            ("positions", f"{self.positions}, context {self.context_length:,} tokens"),
            ("head", "tied to the embedding" if self.tied_head else "its own matrix"),
        ]
        every = self.value_embedding_every
        return [*rows, ("values", f"every {every} layers also look up the token")] if every else rows

    @property
    def cache_rows(self) -> tuple[int, int, int]:
        """Buffers, heads, and numbers a head and position, of the graph's cache."""
        head_size = graph_io.padded_head_size(self.head_size, rotary=self.positions == "rotary")
        return self.layers, self.kv_heads, head_size

    @property
    def uses_position_ids(self) -> bool:
        """Learned positions are looked up; rotary ones are counted by the attention operator itself."""
        return self.positions == "learned"

    @property
    def scale(self) -> float:
        """The factor on QKᵀ before the softmax."""
        return 1.0 / math.sqrt(self.head_size) if self.attention_scale is None else self.attention_scale

    def has_value_embedding(self, layer: int) -> bool:
        """Whether this layer's values get a row of a table of their own added, chosen by the token."""
        every = self.value_embedding_every
        return every > 0 and (self.layers - 1 - layer) % every == 0

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """Canonical tensor names and shapes in PyTorch layout, (out, in); the state_dict of `GPT` has exactly these."""
        shapes: dict[str, tuple[int, ...]] = {"token_embedding.weight": (self.vocabulary_size, self.width)}
        if self.positions == "learned":
            shapes["position_embedding.weight"] = (self.context_length, self.width)
        for layer in filter(self.has_value_embedding, range(self.layers)):
            shapes[f"value_embedding.{layer}.weight"] = (self.vocabulary_size, self.kv_heads * self.head_size)
        for layer in range(self.layers):
            shapes.update(self._layer_shapes(f"layers.{layer}"))
        shapes.update(self._norm_shapes("final_norm"))
        if not self.tied_head:
            shapes["head.weight"] = (self.vocabulary_size, self.width)
        return shapes

    def _layer_shapes(self, layer: str) -> dict[str, tuple[int, ...]]:
        query, kv = self.heads * self.head_size, self.kv_heads * self.head_size
        shapes = self._norm_shapes(f"{layer}.attention_norm")
        for name, out in (("query", query), ("key", kv), ("value", kv)):
            shapes.update(_linear(f"{layer}.attention.{name}", out, self.width, self.qkv_bias))
        shapes.update(_linear(f"{layer}.attention.output", self.width, query, self.projection_bias))
        shapes.update(self._norm_shapes(f"{layer}.mlp_norm"))
        if self.mlp == "swiglu":
            shapes.update(_linear(f"{layer}.mlp.gate", self.mlp_width, self.width, self.projection_bias))
        shapes.update(_linear(f"{layer}.mlp.up", self.mlp_width, self.width, self.projection_bias))
        shapes.update(_linear(f"{layer}.mlp.down", self.width, self.mlp_width, self.projection_bias))
        return shapes

    def _norm_shapes(self, name: str) -> dict[str, tuple[int, ...]]:
        shapes: dict[str, tuple[int, ...]] = {f"{name}.weight": (self.width,)}
        if self.norm_bias:
            shapes[f"{name}.bias"] = (self.width,)
        return shapes


def gpt2_config(
    vocabulary_size: int = 50257,
    context_length: int = 1024,
    layers: int = 12,
    width: int = 768,
    heads: int = 12,
    norm_epsilon: float = 1e-5,
) -> ModelConfig:
    """GPT-2's maths; the defaults are its smallest published size (124M)."""
    return ModelConfig(
        vocabulary_size=vocabulary_size,
        context_length=context_length,
        layers=layers,
        width=width,
        heads=heads,
        kv_heads=heads,
        head_size=width // heads,
        mlp_width=4 * width,
        norm="layer",
        norm_epsilon=norm_epsilon,
        positions="learned",
        mlp="gelu_tanh",
        qkv_bias=True,
        projection_bias=True,
        norm_bias=True,
        tied_head=True,
    )


def _linear(name: str, out: int, inner: int, bias: bool) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {f"{name}.weight": (out, inner)}
    if bias:
        shapes[f"{name}.bias"] = (out,)
    return shapes


def _whole_as_float(name: str, value: Any) -> Any:
    # JSON and TOML write 10000 for 10000.0; only the fields that are real numbers may be widened.
    is_real = name in ("norm_epsilon", "rotary_base", "attention_scale")
    is_whole = is_real and type(value) is int and abs(value) <= _MOST
    return float(value) if is_whole else value


def _positive_number(name: str, value: object) -> None:
    if not isinstance(value, float) or not math.isfinite(value) or value <= 0:
        raise refused(f"{name} is {shown(value)}, but must be a positive number")


def refused(reason: str) -> CheckpointError:
    """The error of a configuration that cannot be."""
    return CheckpointError(f"impossible model configuration: {reason}; correct the recipe or the checkpoint's config")
