"""The recurrent network as a graph behind the decoder's interface, so that the engine runs it as it runs a GPT.

For: the exporter. Knows RecurrentConfig, the names of `graph_io`, and how a state becomes rows of cache buffers.
Must not know precisions, files, or engines.

A GPT's cache holds one row a position, so going back to an earlier position is dropping rows. Here it is the same:

    buffer 0, key and value    the output h of every position (what attention looks at)
    buffer 1, key              the output h again: row p - 1 is the state before position p
    buffer 1, value            the cell state c of every position

The input half of the gates depends on the token alone, so it is a table with a row a token; what is left runs token by
token in a Scan. No row is ever computed together with another, so chunks, rewinds and restarts cannot change a bit.
"""

from __future__ import annotations

import numpy as np
from onnx import GraphProto, TensorProto, helper

from engine.contracts import graph_io
from export.graph.blocks import TensorSource
from export.graph.builder import FloatArray, GraphBuilder, Linear, Lookup
from export.graph.decoder import EMBEDDING, HEAD, last_positions, lengths
from export.model.recurrent_config import RecurrentConfig


def write_recurrent(config: RecurrentConfig, tensors: TensorSource, builder: GraphBuilder) -> None:
    """Emit the whole network into `builder`.

    input_ids ── gate rows ─┐             ┌──────────────────────────────┐
    state before ───────────┴── Scan ── h ┴── GroupQueryAttention ── a ── [h, a] ── last positions ── head ──> logits
         ^                        └── h, c ── ScatterND ──> present.1.*
         └── past_key_values.1.*, row past - 1
    """
    ids = builder.input(graph_io.INPUT_IDS, TensorProto.INT64, (1, "sequence"))
    seqlens, total = lengths(builder)
    buffers, heads, size = config.cache_rows
    for layer in range(buffers):
        for name in (graph_io.past_key(layer), graph_io.past_value(layer)):
            builder.input(name, TensorProto.FLOAT, (1, heads, "buffer", size))
        for name in (graph_io.present_key(layer), graph_io.present_value(layer)):
            builder.output(name, TensorProto.FLOAT, (1, heads, "buffer", size))
    gates = builder.add(Lookup("gates", EMBEDDING, ids, "gates.rows", lambda: _gate_table(tensors)))
    past, rows = _positions(builder, ids, total)
    output, cell = _state_before(builder, config, past)
    outputs, cells = _scan(builder, config, tensors, gates, output, cell)
    _keep(builder, graph_io.past_key(1), graph_io.present_key(1), outputs, rows)
    _keep(builder, graph_io.past_value(1), graph_io.present_value(1), cells, rows)
    attended = builder.node(
        "GroupQueryAttention",
        [outputs, outputs, outputs, graph_io.past_key(0), graph_io.past_value(0), seqlens, total],
        ["attended", graph_io.present_key(0), graph_io.present_value(0)],
        contrib=True,
        num_heads=1,
        kv_num_heads=1,
        scale=1.0 / float(np.sqrt(config.units)),
    )
    both = builder.node("Concat", [outputs, attended], "hidden", axis=2)
    kept = last_positions(builder, both)
    builder.add(Linear("head", HEAD, kept, graph_io.LOGITS, lambda: tensors("head.weight")))
    builder.output(graph_io.LOGITS, TensorProto.FLOAT, (1, "kept", config.vocabulary_size))


def _gate_table(tensors: TensorSource) -> FloatArray:
    """(V, 4U): what each token alone gives the gates, both biases included."""
    table: FloatArray = tensors("token_embedding.weight") @ tensors("lstm.weight_ih_l0").T
    biased: FloatArray = table + tensors("lstm.bias_ih_l0") + tensors("lstm.bias_hh_l0")
    return biased


def _positions(builder: GraphBuilder, ids: str, total: str) -> tuple[str, str]:
    """(past (), the places of the new rows in a buffer (S, 3)) as int64.

    total ── - S ──> past         past, total ── Range ── (0, 0, position) ──> places
    """
    size = builder.node("Shape", [ids], "sequence.size", start=1, end=2)
    count = builder.node("Squeeze", [size], "sequence.count")
    whole = builder.node("Cast", [total], "total.wide", to=TensorProto.INT64)
    past = builder.node("Sub", [whole, count], "past")
    one = builder.constant("one", 1, np.int64)
    row = builder.node("Range", [past, whole, one], "positions")
    column = builder.node("Unsqueeze", [row, builder.constant("axis.last", [-1], np.int64)], "positions.column")
    pads = builder.constant("positions.pads", [0, 2, 0, 0], np.int64)  # two zeros before: batch and head
    return past, builder.node("Pad", [column, pads], "places")


def _state_before(builder: GraphBuilder, config: RecurrentConfig, past: str) -> tuple[str, str]:
    """Output and cell state (1, U) before the first new token: row past - 1, or zeros at the start of a text.

    past ── > 0 ── Where(row past - 1, zeros) ──> state
    """
    zero = builder.constant("zero", 0, np.int64)
    begun = builder.node("Greater", [past, zero], "begun")
    previous = builder.node("Sub", [past, builder.constant("one", 1, np.int64)], "previous")
    row = builder.node("Max", [previous, zero], "previous.row")
    shape = builder.constant("state.shape", [1, config.units], np.int64)
    nothing = builder.floats("state.zeros", np.zeros((1, config.units), np.float32))
    states = []
    for name, source in (("output", graph_io.past_key(1)), ("cell", graph_io.past_value(1))):
        taken = builder.node("Gather", [source, row], f"before.{name}.row", axis=2)
        flat = builder.node("Reshape", [taken, shape], f"before.{name}.flat")
        states.append(builder.node("Where", [begun, flat, nothing], f"before.{name}"))
    return states[0], states[1]


def _scan(
    builder: GraphBuilder, config: RecurrentConfig, tensors: TensorSource, gates: str, output: str, cell: str
) -> tuple[str, str]:
    """Outputs and cell states of all new tokens, each (1, S, U)."""
    weight = builder.floats("lstm.state", np.ascontiguousarray(tensors("lstm.weight_hh_l0").T))
    names = ["after.output", "after.cell", "outputs", "cells"]
    builder.node(
        "Scan",
        [output, cell, gates],
        names,
        body=_cell(config, weight),
        num_scan_inputs=1,
        scan_input_axes=[1],
        scan_output_axes=[1, 1],
    )
    return names[2], names[3]


def _cell(config: RecurrentConfig, weight: str) -> GraphProto:
    """One step of the LSTM; gates in PyTorch's order, input, forget, candidate, output.

    row (1, 4U) ── + h Rᵀ ── i, f, g, o          c' = σ(f) c + σ(i) tanh(g)          h' = σ(o) tanh(c')
    """
    units = config.units
    steps = (
        ("MatMul", ["h", weight], ["turned"]),
        ("Add", ["row", "turned"], ["sum"]),
        ("Split", ["sum"], ["enter", "forget", "candidate", "leave"]),
        ("Sigmoid", ["enter"], ["entering"]),
        ("Sigmoid", ["forget"], ["keeping"]),
        ("Tanh", ["candidate"], ["new"]),
        ("Sigmoid", ["leave"], ["leaving"]),
        ("Mul", ["keeping", "c"], ["kept"]),
        ("Mul", ["entering", "new"], ["added"]),
        ("Add", ["kept", "added"], ["c_after"]),
        ("Tanh", ["c_after"], ["seen"]),
        ("Mul", ["leaving", "seen"], ["h_after"]),
        ("Identity", ["h_after"], ["h_kept"]),
        ("Identity", ["c_after"], ["c_kept"]),
    )
    options = {"Split": {"axis": 1, "num_outputs": 4}}
    nodes = [helper.make_node(op, a, b, name=f"/cell/{b[0]}", **options.get(op, {})) for op, a, b in steps]
    row = helper.make_tensor_value_info("row", TensorProto.FLOAT, (1, 4 * units))
    states = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, units)) for name in ("h", "c")]
    after = ("h_after", "c_after", "h_kept", "c_kept")
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, units)) for name in after]
    return helper.make_graph(nodes, "lstm_cell", [*states, row], outputs)


def _keep(builder: GraphBuilder, past: str, present: str, rows: str, positions: str) -> None:
    """Write rows (1, S, U) into a buffer (1, 1, N, U) at their positions; past and present are the same memory.

    buffer ── ScatterND at (0, 0, position) ──> buffer
    """
    flat = builder.node("Squeeze", [rows, builder.constant("axis.0", [0], np.int64)], f"{present}.rows")
    builder.node("ScatterND", [past, positions, flat], present)
