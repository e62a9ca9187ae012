"""Attention over an int8 cache for many rows at once, out of fast plain operators.

For: the graph that runs prompts. Knows the cache's layout and ONNX Runtime's plain operators. Must not know precisions
of matrices, files, or which graph a run goes through.

GroupQueryAttention is quick for one row over an int8 cache and slow for many: 64 % of a prompt of 512 tokens. Here keys
and values are first rounded into the cache, as it rounds them, and the scores are float matrix products over the cache
itself. So a row sees the same numbers wherever a chunk begins, and its bits do not depend on its neighbours:

    width    keys are read up to the next multiple of 64, so that a sum runs through the vector lanes in the same order
             however long the text is; what lies behind a row weighs nothing
    rows     a product of one row alone is computed by another kernel, and one of fewer rows than columns is cut by
             columns among threads, which changes where its sums are cut: few rows get rows of zeros as company

    query ── x key scale ── + rows of zeros ──> (K, G S, D) ─┐
    key ── / scale ── round ── write ──┬───────────────────── x keysᵀ ── + causal ── softmax ─┐
                        present.key <──┘                                                      ├─ x ── x scale ──> rows
    value ─ / scale ── round ── write ──┬─────────────────────────────────────────────────────┘
                      present.value <───┘
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from engine.contracts import graph_io
from export.graph.blocks import Lengths, Parts, rotary_tables, spread_scales
from export.graph.builder import GraphBuilder

WIDTH = 64  # keys are read in multiples of this many
_MANY_HEADS = 8  # so many products at once leave each to one thread, on processors with no more cores
_SPLIT, _KEY, _VALUE = ("query", "key", "value"), "key", "value"


@dataclass(frozen=True)
class _Run:
    """What all layers share: first new position, numbers of rows without and with company, width mask, places"""

    past: str
    rows: str
    filled: str
    width: str
    mask: str
    places: str


class PromptAttention:
    """A `Mix` for one sequence (batch 1) and an int8 cache; one instance a graph."""

    def __init__(self) -> None:
        self._run: _Run | None = None

    def __call__(self, parts: Parts, layer: int, packed: str, lengths: Lengths) -> str:
        """Emit one layer's attention; the first call also emits what all layers share."""
        assert parts.scales is not None
        if self._run is None:
            self._run = _shared(parts, lengths[1])
        run, name, builder = self._run, f"layers.{layer}.attention", parts.builder
        config, size = parts.config, parts.heads.size
        sizes = [config.heads * size, config.kv_heads * size, config.kv_heads * size]
        pieces = [f"{name}.{part}.new" for part in _SPLIT]
        builder.node("Split", [packed, builder.constant("split.packed", sizes, np.int64)], pieces, axis=-1)
        query, key, value = pieces
        if config.positions == "rotary":
            query = _turned(parts, run, query, config.heads)
            key = _turned(parts, run, key, config.kv_heads)
        key_scale = spread_scales(parts, parts.scales.keys[layer])
        value_scale = spread_scales(parts, parts.scales.values[layer])
        past = graph_io.past_key(layer), graph_io.past_value(layer)
        present = graph_io.present_key(layer), graph_io.present_value(layer)
        keys = _cached(parts, run, f"{name}.{_KEY}", key, key_scale, (past[0], present[0]))
        values = _cached(parts, run, f"{name}.{_VALUE}", value, value_scale, (past[1], present[1]))
        shares = _shares(parts, run, name, query, keys, key_scale)
        return _gathered(parts, run, name, shares, values, value_scale)


def _shared(parts: Parts, total: str) -> _Run:
    """Positions, width, mask and places, from the total length and the number of new rows.

    total, S ── past … total - 1 ─┬─ places (1, S, K, 3) = (0, head, position)
                                  └─ > ── mask (S, width): 0 up to the row itself, minus infinity behind
    total ── up to a multiple of 64, at most the buffer ── width
    """
    builder = parts.builder
    rows = builder.node("Shape", [graph_io.INPUT_IDS], "prompt.rows", start=1, end=2)
    whole = builder.node("Cast", [total], "prompt.whole", to=TensorProto.INT64)
    end = builder.node("Reshape", [whole, builder.constant("shape.1", [1], np.int64)], "prompt.end")
    past = builder.node("Sub", [end, rows], "prompt.past")
    width = _width(builder, end)
    fewest = builder.constant("prompt.fewest", [_fewest_rows(parts)], np.int64)
    filled = builder.node("Max", [rows, fewest], "prompt.filled")
    last = builder.node("Add", [past, filled], "prompt.last")
    positions = _range(builder, past, last, "prompt.positions")
    columns = _range(builder, builder.constant("zeros.1", [0], np.int64), width, "prompt.columns")
    column_of = builder.node("Unsqueeze", [positions, builder.constant("axis.1", [1], np.int64)], "prompt.row_of")
    is_behind = builder.node("Greater", [columns, column_of], "prompt.is_behind")
    nothing = builder.constant("minus.infinity", -np.inf, np.float32)
    mask = builder.node("Where", [is_behind, nothing, builder.constant("zero.float", 0, np.float32)], "prompt.mask")
    return _Run(past, rows, filled, width, mask, _places(parts, rows, _range(builder, past, end, "prompt.new")))


def _fewest_rows(parts: Parts) -> int:
    """Rows that keep every product of shares and values on the same path: see the module's words."""
    config = parts.config
    group = config.heads // config.kv_heads
    return 2 if config.kv_heads >= _MANY_HEADS else parts.heads.size // group + 1


def _width(builder: GraphBuilder, end: str) -> str:
    step = builder.constant("prompt.step", [WIDTH], np.int64)
    more = builder.node("Add", [end, builder.constant("prompt.step_less_1", [WIDTH - 1], np.int64)], "prompt.more")
    steps = builder.node("Div", [more, step], "prompt.steps")
    rounded = builder.node("Mul", [steps, step], "prompt.rounded")
    buffer = builder.node("Shape", [graph_io.past_key(0)], "prompt.buffer", start=2, end=3)
    return builder.node("Min", [rounded, buffer], "prompt.width")


def _range(builder: GraphBuilder, start: str, end: str, name: str) -> str:
    """start (1,), end (1,) -> start … end - 1."""
    bounds = [builder.node("Squeeze", [bound], f"{name}.{which}") for bound, which in ((start, "from"), (end, "to"))]
    return builder.node("Range", [*bounds, builder.constant("one", 1, np.int64)], name)


def _places(parts: Parts, rows: str, positions: str) -> str:
    """Where each new row of each head lies in a buffer: (1, S, K, 3)."""
    builder, kv_heads = parts.builder, parts.config.kv_heads
    one = builder.constant("shape.1", [1], np.int64)
    heads_size = builder.constant("prompt.heads", [kv_heads], np.int64)
    shape = builder.node("Concat", [one, rows, heads_size, one], "prompt.places.shape", axis=0)
    column = builder.constant("prompt.places.rows", [1, -1, 1, 1], np.int64)
    by_row = builder.node("Reshape", [positions, column], "prompt.places.column")
    heads = builder.constant("prompt.places.heads", np.arange(kv_heads).reshape(1, 1, kv_heads, 1), np.int64)
    parts_of_it = [
        builder.node("Expand", [builder.constant("prompt.places.zero", [0], np.int64), shape], "prompt.places.batch"),
        builder.node("Expand", [heads, shape], "prompt.places.head"),
        builder.node("Expand", [by_row, shape], "prompt.places.position"),
    ]
    return builder.node("Concat", parts_of_it, "prompt.places", axis=3)


def _turned(parts: Parts, run: _Run, source: str, heads: int) -> str:
    """Rotary positions from `past` on, over (1, S, heads D)."""
    inputs = [source, run.past, *rotary_tables(parts)]
    return parts.builder.node("RotaryEmbedding", inputs, f"{source}.turned", contrib=True, num_heads=heads)


def _cached(
    parts: Parts, run: _Run, name: str, source: str, scale: NDArray[np.float32], buffers: tuple[str, str]
) -> str:
    """Round (1, S, K D) into a buffer and read it up to the width: (1, K, width, D) as floats, in steps of the scale.

    x ── x 1 / scale ── QuantizeLinear ── ScatterND at the places ──> buffer ── Slice ── Cast ──> floats
    """
    builder, (past, present) = parts.builder, buffers
    # With the scales inside QuantizeLinear, one a channel, that operator runs element by element.
    inverse = builder.constant(f"{name}.steps", (1 / scale).reshape(-1))
    steps = builder.node("Mul", [source, inverse], f"{name}.in_steps")
    unit = builder.constant("one.float", 1, np.float32)
    rounded = builder.node("QuantizeLinear", [steps, unit, builder.constant("zero.int8", 0, np.int8)], f"{name}.int8")
    shape = builder.constant("prompt.kv_shape", [1, -1, parts.config.kv_heads, parts.heads.size], np.int64)
    by_head = builder.node("Reshape", [rounded, shape], f"{name}.by_head")
    builder.node("ScatterND", [past, run.places, by_head], present)
    zeros, axis = builder.constant("zeros.1", [0], np.int64), builder.constant("axis.2", [2], np.int64)
    used = builder.node("Slice", [present, zeros, run.width, axis], f"{name}.used")
    return builder.node("Cast", [used], f"{name}.floats", to=TensorProto.FLOAT)


def _shares(parts: Parts, run: _Run, name: str, query: str, keys: str, key_scale: NDArray[np.float32]) -> str:
    """Softmax of the scores, (1, K, G S, width), with G = H / K queries a key head."""
    builder, config, size = parts.builder, parts.config, parts.heads.size
    group = config.heads // config.kv_heads
    factors = (np.repeat(key_scale, group, axis=0) * np.float32(config.scale)).reshape(-1)
    scaled = builder.node("Mul", [query, builder.constant(f"{name}.query.factors", factors)], f"{name}.query.scaled")
    scaled = _with_company(builder, run, scaled)
    by_head = builder.constant("prompt.query_shape", [1, -1, config.heads, size], np.int64)
    split = builder.node("Reshape", [scaled, by_head], f"{name}.query.by_head")
    turned = builder.node("Transpose", [split], f"{name}.query.heads", perm=[0, 2, 1, 3])
    grouped = builder.constant("prompt.group_shape", [1, config.kv_heads, -1, size], np.int64)
    rows = builder.node("Reshape", [turned, grouped], f"{name}.query.groups")
    scores = builder.node("FusedMatMul", [rows, keys], f"{name}.scores", contrib=True, transB=1)
    heads = builder.constant("prompt.all_heads", [config.heads], np.int64)
    one = builder.constant("shape.1", [1], np.int64)
    shape = builder.node("Concat", [one, heads, run.filled, run.width], f"{name}.scores.shape", axis=0)
    by_row = builder.node("Reshape", [scores, shape], f"{name}.scores.by_head")
    causal = builder.node("Add", [by_row, run.mask], f"{name}.scores.causal")
    shares = builder.node("Softmax", [causal], f"{name}.shares.by_head", axis=-1)
    kv_heads, rest = (
        builder.constant("prompt.heads", [config.kv_heads], np.int64),
        builder.constant("rest", [-1], np.int64),
    )
    again = builder.node("Concat", [one, kv_heads, rest, run.width], f"{name}.shares.shape", axis=0)
    return builder.node("Reshape", [shares, again], f"{name}.shares")


def _gathered(parts: Parts, run: _Run, name: str, shares: str, values: str, value_scale: NDArray[np.float32]) -> str:
    """The values by their shares, back in the order of the rows: (1, S, H D)."""
    builder, config, size = parts.builder, parts.config, parts.heads.size
    group = config.heads // config.kv_heads
    sums = builder.node("MatMul", [shares, values], f"{name}.sums")
    one, heads = (
        builder.constant("shape.1", [1], np.int64),
        builder.constant("prompt.all_heads", [config.heads], np.int64),
    )
    width = builder.constant("prompt.head_size", [size], np.int64)
    shape = builder.node("Concat", [one, heads, run.filled, width], f"{name}.sums.shape", axis=0)
    by_head = builder.node("Reshape", [sums, shape], f"{name}.sums.by_head")
    by_row = builder.node("Transpose", [by_head], f"{name}.sums.by_row", perm=[0, 2, 1, 3])
    flat = builder.constant("prompt.flat", [1, -1, config.heads * size], np.int64)
    joined = builder.node("Reshape", [by_row, flat], f"{name}.sums.joined")
    zeros, axis = builder.constant("zeros.1", [0], np.int64), builder.constant("axis.1", [1], np.int64)
    own = builder.node("Slice", [joined, zeros, run.rows, axis], f"{name}.sums.own")
    factors = builder.constant(f"{name}.value.factors", np.repeat(value_scale, group, axis=0).reshape(-1))
    return builder.node("Mul", [own, factors], f"{name}.mixed")


def _with_company(builder: GraphBuilder, run: _Run, rows: str) -> str:
    """(1, S, n) -> (1, filled, n), zeros behind."""
    more = builder.node("Sub", [run.filled, run.rows], f"{rows}.more")
    zeros, axis = builder.constant("zeros.1", [0], np.int64), builder.constant("axis.1", [1], np.int64)
    pads = builder.node("Concat", [zeros, more], f"{rows}.pads", axis=0)
    nothing = builder.constant("zero.float", 0, np.float32)
    return builder.node("Pad", [rows, pads, nothing, axis], f"{rows}.filled")
