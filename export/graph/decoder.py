"""The decoder graph: one graph that serves prefill and decode, in floats, matrices still open.

With another attention (`prompt_attention`) it is the graph for prompts alone, over the same cache.

For: the exporter, which lowers it to a precision afterwards. Knows ModelConfig, the names of `graph_io` and the blocks.
Must not know precisions, files, or model families.
"""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from engine.contracts import graph_io
from export.graph import blocks
from export.graph.blocks import CacheScales, Mix, Parts, Stream, TensorSource
from export.graph.builder import FloatArray, GraphBuilder, Linear, Lookup
from export.graph.heads import HeadLayout
from export.model.config import ModelConfig

EMBEDDING, VALUES, HEAD = "embedding", "value_embedding", "head"


def write_decoder(
    config: ModelConfig,
    tensors: TensorSource,
    builder: GraphBuilder,
    scales: CacheScales | None,
    mix: Mix = blocks.fused_mix,
) -> None:
    """Emit the whole decoder into `builder`; `mix` is the attention between the projections.

    input_ids ── embedding ── [layer 0] ── … ── [layer n-1] ── final norm ── last positions ── head ──> logits
    attention_mask ── lengths ──┘ ^                              num_logits_to_keep ──┘
             past_key_values.0.* ─┘ └─> present.0.*
    """
    parts = Parts(config, tensors, builder, HeadLayout(config), scales, mix)
    sizes = lengths(builder)
    stream = _embedding(parts)
    for layer in range(config.layers):
        _cache_names(parts, layer)
        source, stream = blocks.norm(parts, f"layers.{layer}.attention_norm", stream)
        looked_up = _value_embedding(parts, layer) if config.has_value_embedding(layer) else None
        stream = _continue(stream, blocks.attention(parts, layer, source, sizes, looked_up))
        source, stream = blocks.norm(parts, f"layers.{layer}.mlp_norm", stream)
        stream = _continue(stream, blocks.mlp(parts, layer, source))
    hidden, _ = blocks.norm(parts, "final_norm", stream)
    _head(parts, last_positions(builder, hidden))


def _embedding(parts: Parts) -> Stream:
    """Token rows, and learned positions as the first branch.

    input_ids ── rows ──> residual         position_ids ── rows ──> branch (learned positions only)
    """
    builder, config = parts.builder, parts.config
    ids = builder.input(graph_io.INPUT_IDS, TensorProto.INT64, ("batch", "sequence"))
    name = "token_embedding"
    tokens = Lookup(name, EMBEDDING, ids, "embedding.tokens", lambda: parts.tensors(f"{name}.weight"))
    residual = builder.add(tokens)
    if config.positions != "learned":
        return Stream(residual)
    positions = builder.input(graph_io.POSITION_IDS, TensorProto.INT64, ("batch", "sequence"))
    table = parts.named("position_embedding.weight")
    return Stream(residual, builder.node("Gather", [table, positions], "embedding.positions"))


def _value_embedding(parts: Parts, layer: int) -> str:
    """input_ids ── rows ──> (B, S, K * D), the heads padded as the layer's values are."""
    name = f"value_embedding.{layer}"

    def table() -> FloatArray:
        return parts.heads.columns(parts.tensors(f"{name}.weight"))

    return parts.builder.add(Lookup(name, VALUES, graph_io.INPUT_IDS, f"{name}.rows", table))


def lengths(builder: GraphBuilder) -> tuple[str, str]:
    """What GroupQueryAttention wants to know of the mask.

    attention_mask ─┬─ ReduceSum ── - 1 ── int32 ──> seqlens_k (batch,)
                    └─ Shape[1] ────────── int32 ──> total ()
    """
    mask = builder.input(graph_io.ATTENTION_MASK, TensorProto.INT64, ("batch", "total"))
    axis = builder.constant("axis.1", [1], np.int64)
    filled = builder.node("ReduceSum", [mask, axis], "lengths.filled", keepdims=0)
    last = builder.node("Sub", [filled, builder.constant("one", 1, np.int64)], "lengths.last")
    seqlens = builder.node("Cast", [last], "lengths.seqlens_k", to=TensorProto.INT32)
    size = builder.node("Shape", [mask], "lengths.size", start=1, end=2)
    total = builder.node("Squeeze", [size], "lengths.longest")
    return seqlens, builder.node("Cast", [total], "lengths.total", to=TensorProto.INT32)


def last_positions(builder: GraphBuilder, hidden: str) -> str:
    """Keep the positions that need logits: the last n, or all where n is 0 (a slice from -0 is the whole).

    hidden (B, S, C) ── Slice[-n:] ──> (B, n, C)
    """
    # Of any rank: onnxruntime-genai gives it as [0], transformers.js as 0. And no default: genai does not see an input
    # that has one, and then waits for more logits than come.
    keep = builder.input(graph_io.LOGITS_TO_KEEP, TensorProto.INT64, None)
    negative = builder.node("Neg", [keep], "keep.negative")
    start = builder.node("Reshape", [negative, builder.constant("shape.1", [1], np.int64)], "keep.start")
    end = builder.constant("keep.end", [np.iinfo(np.int64).max], np.int64)
    return builder.node("Slice", [hidden, start, end, builder.constant("axis.1", [1], np.int64)], "keep.hidden")


def _head(parts: Parts, hidden: str) -> None:
    """Logits in float32 whatever the activations are.

    hidden ── head (the embedding's own table when tied) ──> logits (B, kept, V)
    """
    builder, config = parts.builder, parts.config
    name = "token_embedding.weight" if config.tied_head else "head.weight"
    tied_to = "token_embedding" if config.tied_head else None
    half = builder.float_type is not np.float32
    output = "head.half" if half else graph_io.LOGITS
    builder.add(Linear("head", HEAD, hidden, output, lambda: parts.tensors(name), tied_to=tied_to))
    if half:
        builder.node("Cast", [output], graph_io.LOGITS, to=TensorProto.FLOAT)
    builder.output(graph_io.LOGITS, TensorProto.FLOAT, ("batch", "kept", config.vocabulary_size))


def _cache_names(parts: Parts, layer: int) -> None:
    builder = parts.builder
    dtype = builder.onnx_float if parts.scales is None else int(TensorProto.INT8)
    shape = ("batch", parts.config.kv_heads, "buffer", parts.heads.size)
    for name in (graph_io.past_key(layer), graph_io.past_value(layer)):
        builder.input(name, dtype, shape)
    for name in (graph_io.present_key(layer), graph_io.present_value(layer)):
        builder.output(name, dtype, shape)


def _continue(stream: Stream, branch: Stream) -> Stream:
    return Stream(stream.residual, branch.branch, branch.branch_bias)
