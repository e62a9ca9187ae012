"""The pieces of a decoder, each with the picture of the nodes it emits.

For: `decoder.py`, which stacks them. Knows ModelConfig, the fused operators of ONNX Runtime and their conventions.
Must not know precisions (matrices stay `Linear` items) nor files.

A layer passes on two names: the residual stream and a branch that is not yet added to it, because the next norm adds
it in the same operator (SkipLayerNormalization).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from engine.contracts import graph_io
from export.graph.builder import FloatArray, GraphBuilder, Linear
from export.graph.heads import HeadLayout
from export.model.config import ModelConfig

TensorSource = Callable[[str], FloatArray]  # canonical name -> float32 array
Lengths = tuple[str, str]
Mix: TypeAlias = "Callable[[Parts, int, str, Lengths], str]"

ATTENTION, MLP, MLP_DOWN = "attention", "mlp", "mlp_down"


@dataclass(frozen=True)
class CacheScales:
    """One scale a channel for the int8 cache, (kv_heads, true head size) a layer, calibrated on text."""

    keys: tuple[FloatArray, ...]
    values: tuple[FloatArray, ...]


@dataclass(frozen=True)
class Stream:
    """The residual stream, a branch still to be added, and that branch's bias."""

    residual: str
    branch: str | None = None
    branch_bias: str | None = None


@dataclass(frozen=True)
class Parts:
    """What every block needs: the model, its tensors, the builder, the head layout, the cache's scales, the attention.

    `mix(parts, layer, packed, lengths)`: query+key+value (B, S, (H + 2K) D) to heads' results (B, S, H D), the cache
    written; `lengths` = (seqlens_k, total).
    """

    config: ModelConfig
    tensors: TensorSource
    builder: GraphBuilder
    heads: HeadLayout
    scales: CacheScales | None
    mix: Mix

    def named(self, name: str) -> str:
        """A canonical tensor as a constant in the activations' type."""
        return self.builder.floats(name, self.tensors(name))


def norm(parts: Parts, name: str, stream: Stream) -> tuple[str, Stream]:
    """Normalise the stream, adding the waiting branch first.

    residual ─┬──────────────> (+) ─────────> new residual
    branch  ──┘ (+ bias)        └─> norm ──> output
    """
    config, builder = parts.config, parts.builder
    rms = config.norm == "rms"
    gain = parts.named(f"{name}.weight")
    bias = parts.named(f"{name}.bias") if config.norm_bias else ""
    output = f"{name}.plain" if rms and bias else f"{name}.output"
    gains = [gain] if rms else [gain, bias]
    if stream.branch is None:
        operator = "SimplifiedLayerNormalization" if rms else "LayerNormalization"
        inputs = _trimmed([stream.residual, *gains])
        builder.node(operator, inputs, output, axis=-1, epsilon=config.norm_epsilon, stash_type=1)
        after = stream
    else:
        operator = "SkipSimplifiedLayerNormalization" if rms else "SkipLayerNormalization"
        inputs = [stream.residual, stream.branch, *gains, stream.branch_bias or ""]
        outputs = [output, "", "", f"{name}.residual"]
        builder.node(operator, _trimmed(inputs), outputs, contrib=True, epsilon=config.norm_epsilon)
        after = Stream(outputs[3])
    if rms and bias:
        output = builder.node("Add", [output, bias], f"{name}.output")
    return output, after


def attention(parts: Parts, layer: int, source: str, lengths: Lengths, looked_up: str | None = None) -> Stream:
    """Causal self-attention: projections around whatever mixes the positions.

    x ── query+key+value ── (+ looked_up rows) ── mix ── output ──> branch
    """
    builder, heads, name = parts.builder, parts.heads, f"layers.{layer}.attention"
    packed = builder.add(_query_key_value(parts, name, source))
    if looked_up is not None:
        packed = _with_values(parts, name, packed, looked_up)
    mixed = parts.mix(parts, layer, packed, lengths)
    weight = f"{name}.output.weight"
    project = Linear(
        f"{name}.output",
        ATTENTION,
        mixed,
        f"{name}.branch",
        lambda: heads.columns(parts.tensors(weight)),
        spread=lambda moment: heads.rows(heads.columns(moment)),
    )
    return _branch(parts, project)


def fused_mix(parts: Parts, layer: int, packed: str, lengths: Lengths) -> str:
    """Everything in one operator, rotary positions inside: the fastest for single tokens.

    query+key+value ──> GroupQueryAttention ──> (B, S, H D)
                          │  ^
        past buffers ─────┘  └── seqlens_k, total, cos, sin, cache scales
        (the same memory as the present ones)
    """
    config, builder = parts.config, parts.builder
    inputs = [packed, "", "", graph_io.past_key(layer), graph_io.past_value(layer), *lengths]
    options: dict[str, int | float | str] = {"scale": config.scale}
    if config.positions == "rotary":
        inputs += rotary_tables(parts)
        options |= {"do_rotary": 1, "rotary_interleaved": 0}
    if parts.scales is not None:
        inputs += [""] * (12 - len(inputs))
        inputs += _cache_scales(parts, parts.scales, layer)
        options |= {"kv_cache_bit_width": 8, "k_quant_type": "PER_CHANNEL", "v_quant_type": "PER_CHANNEL"}
    outputs = [f"layers.{layer}.attention.mixed", graph_io.present_key(layer), graph_io.present_value(layer)]
    options |= {"num_heads": config.heads, "kv_num_heads": config.kv_heads}
    return builder.node("GroupQueryAttention", inputs, outputs, contrib=True, **options)


def rotary_tables(parts: Parts) -> list[str]:
    """The names of the cosines and sines (context, padded head / 2)."""
    cosines, sines = parts.heads.rotary_tables(parts.config)
    return [parts.builder.floats("rotary.cos", cosines), parts.builder.floats("rotary.sin", sines)]


def spread_scales(parts: Parts, values: FloatArray) -> FloatArray:
    """Scales (K, true head size) at the places of the padded channels, (K, D); a padded channel holds zeros only."""
    spread = np.ones((parts.config.kv_heads, parts.heads.size), np.float32)
    spread[:, parts.heads.places] = values
    return spread


def mlp(parts: Parts, layer: int, source: str) -> Stream:
    """The feed-forward branch.

    x ── up (+ bias) ── GELU ── down ──> branch             gelu, gelu_tanh
    x ── gate ── SiLU ─┐
    x ── up ────────── × ── down ──> branch                 swiglu
    """
    builder, name = parts.builder, f"layers.{layer}.mlp"
    up = builder.add(_linear(parts, f"{name}.up", MLP, source))
    if parts.config.mlp == "swiglu":
        gate = builder.add(replace(_linear(parts, f"{name}.gate", MLP, source), reads=f"{name}.up"))
        # QuickGelu is x * sigmoid(alpha * x): with alpha 1 exactly SiLU, in one pass over memory.
        silu = builder.node("QuickGelu", [gate], f"{name}.silu", contrib=True, alpha=1.0)
        inner = builder.node("Mul", [silu, up], f"{name}.inner")
    elif parts.config.mlp == "gelu_tanh":
        inner = builder.node("FastGelu", [up], f"{name}.inner", contrib=True)
    else:
        inner = builder.node("Gelu", [up], f"{name}.inner", contrib=True)
    down = _linear(parts, f"{name}.down", MLP_DOWN, inner)
    return _branch(parts, replace(down, output=f"{name}.branch", bias=None))


def _query_key_value(parts: Parts, name: str, source: str) -> Linear:
    def packed(kind: str) -> FloatArray:
        pieces = [parts.heads.rows(parts.tensors(f"{name}.{part}.{kind}")) for part in ("query", "key", "value")]
        return np.concatenate(pieces)

    bias = (lambda: packed("bias")) if parts.config.qkv_bias else None
    output, reads = f"{name}.qkv.output", f"{name}.query"
    return Linear(f"{name}.qkv", ATTENTION, source, output, lambda: packed("weight"), bias, reads=reads)


def _with_values(parts: Parts, name: str, packed: str, looked_up: str) -> str:
    """Query+key+value, `looked_up` (B, S, K * D) added to the values: split, add, joined again."""
    builder, config, size = parts.builder, parts.config, parts.heads.size
    sizes = [(config.heads + config.kv_heads) * size, config.kv_heads * size]
    pieces = [f"{name}.query_key", f"{name}.value.projected"]
    builder.node("Split", [packed, builder.constant("split.values", sizes, np.int64)], pieces, axis=-1)
    values = builder.node("Add", [pieces[1], looked_up], f"{name}.value.with_embedding")
    return builder.node("Concat", [pieces[0], values], f"{name}.qkv.with_embedding", axis=-1)


def _cache_scales(parts: Parts, scales: CacheScales, layer: int) -> list[str]:
    names = []
    for kind, values in (("key", scales.keys[layer]), ("value", scales.values[layer])):
        spread = spread_scales(parts, values)[None, :, None, :]
        names.append(parts.builder.constant(f"layers.{layer}.cache.{kind}_scale", spread))
    return names


def _linear(parts: Parts, name: str, group: str, source: str) -> Linear:
    bias = (lambda: parts.tensors(f"{name}.bias")) if parts.config.projection_bias else None
    return Linear(name, group, source, f"{name}.output", lambda: parts.tensors(f"{name}.weight"), bias)


def _branch(parts: Parts, project: Linear) -> Stream:
    # The bias waits: the next norm adds it together with the branch.
    bias = parts.named(f"{project.name}.bias") if parts.config.projection_bias else None
    return Stream("", parts.builder.add(project), bias)


def _trimmed(names: list[str]) -> list[str]:
    while names and not names[-1]:
        names = names[:-1]
    return names
