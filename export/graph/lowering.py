"""Turn the open matrices of a graph into operators of a precision: the pass between the float graph and the file.

For: `export/convert.py`. One function a kind of matrix, one row a kind in the tables at the end; which kind a tensor
group gets is the plan's business. Knows the CPU's row-invariant operators: a token never depends on its neighbours.
Must not know GPTs or files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from onnx import NodeProto

from export.error_feedback import costs_of, round_with_feedback
from export.graph.builder import FloatArray, GraphBuilder, Linear, Lookup
from export.quantize import BLOCK, quantize_blocks, quantize_columns

_PART_OF = {"value_embedding": "embedding", "mlp_down": "mlp"}
FLOAT, INT8, INT8_BLOCKS, INT4 = "float", "int8", "int8 blocks", "int4"
LAYOUTS: Mapping[str, str] = {
    FLOAT: "floats",
    INT8: "integers with a scale a column",
    INT8_BLOCKS: f"8-bit blocks of {BLOCK}",
    INT4: f"4-bit blocks of {BLOCK}",
}


def no_moment(name: str) -> FloatArray | None:
    """Nothing was measured."""
    return None


@dataclass(frozen=True)
class Plan:
    """The kind of each tensor group, and the second moment (in, in) of a matrix's inputs by its canonical name."""

    kinds: Mapping[str, str]
    moments: Callable[[str], FloatArray | None] = no_moment

    def kind(self, group: str) -> str:
        """Of a group; a part of one that nothing is said of is as the whole."""
        return self.kinds[group if group in self.kinds else _PART_OF[group]]


class Lowering:
    """One pass over a builder's items; remembers what several matrices share (quantized activations, tied tables)."""

    def __init__(self, builder: GraphBuilder, plan: Plan) -> None:
        self.builder = builder
        self.plan = plan
        self._rows: dict[str, tuple[str, str]] = {}  # activation -> its quantized form and its row scales

    def nodes(self, progress: Callable[[float], None] = lambda fraction: None) -> list[NodeProto]:
        """The items in order, every matrix replaced."""
        items, self.builder.items = self.builder.items, []
        for index, item in enumerate(items):
            if isinstance(item, Linear):
                _LINEAR[self.plan.kind(item.group)](self, item)
            elif isinstance(item, Lookup):
                _LOOKUP[self.plan.kind(item.group)](self, item)
            else:
                self.builder.items.append(item)
            progress((index + 1) / len(items))
        return [item for item in self.builder.items if isinstance(item, NodeProto)]

    def float_linear(self, item: Linear) -> None:
        """x ── MatMul ── (+ bias) ──> y; a tied head multiplies by the embedding's own table, transposed on the way."""
        product = item.output if item.bias is None else f"{item.name}.product"
        if item.tied_to is not None:
            table = self.builder.floats(f"{item.tied_to}.table", item.weight())
            self.builder.node("FusedMatMul", [item.source, table], product, contrib=True, transB=1)
        else:
            weight = self.builder.floats(f"{item.name}.weight", np.ascontiguousarray(item.weight().T))
            self.builder.node("MatMul", [item.source, weight], product)
        self._add_bias(item, product)

    def float_lookup(self, item: Lookup) -> None:
        """ids ── Gather ──> rows."""
        table = self.builder.floats(f"{item.name}.table", item.weight())
        self.builder.node("Gather", [table, item.source], item.output)

    def int8_linear(self, item: Linear) -> None:
        """One scale a row of activations and one a column of weights, so that no row sees another.

        x ── |x| ── max of row ── m
        x ── / m ── QuantizeLinear (unsigned, 128 = 0) ── MatMulIntegerToFloat ── x m ── (+ bias) ──> y
        """
        integers, size = self._quantized_rows(item.source)
        builder, name = self.builder, item.name
        weights, scales = f"{name}.integers", f"{name}.scales"
        if not (builder.has(weights) and builder.has(scales)):
            columns = quantize_columns(item.weight())
            builder.constant(weights, columns.integers)
            builder.constant(scales, columns.scales)
        step, middle = (
            builder.constant("int8.step", 1 / 127, np.float32),
            builder.constant("int8.middle", 128, np.uint8),
        )
        inputs = [integers, weights, step, scales, middle]
        product = builder.node("MatMulIntegerToFloat", inputs, f"{name}.unit", contrib=True)
        scaled = item.output if item.bias is None else f"{name}.product"
        builder.node("Mul", [product, size], scaled)
        self._add_bias(item, scaled)

    def int8_blocks_linear(self, item: Linear) -> None:
        """x ── MatMulNBits (8 bits, 32 weights a scale) ── (+ bias) ──> y."""
        self._blocks(item, 8)

    def int4_linear(self, item: Linear) -> None:
        """x ── MatMulNBits (4 bits, 32 weights a scale) ── (+ bias) ──> y."""
        self._blocks(item, 4)

    def int8_blocks_lookup(self, item: Lookup) -> None:
        """Rows of 8-bit blocks, see `_blocks_lookup`."""
        self._blocks_lookup(item, 8)

    def int4_lookup(self, item: Lookup) -> None:
        """Rows of 4-bit blocks, see `_blocks_lookup`."""
        self._blocks_lookup(item, 4)

    def _blocks_lookup(self, item: Lookup, bits: int) -> None:
        """ids ── GatherBlockQuantized ── (cut the last block's padding) ──> rows; a tied head reads the same tensor."""
        builder = self.builder
        weight = item.weight()
        width = weight.shape[1]
        packed, scales = self._block_tensors(item.name, weight, bits, lambda: None)
        blocks = -(-width // BLOCK)
        shape = builder.constant(f"{item.name}.shape", [len(weight), blocks * BLOCK * bits // 8], np.int64)
        flat = builder.node("Reshape", [packed, shape], f"{item.name}.flat")
        rows = item.output if width % BLOCK == 0 else f"{item.name}.padded"
        options = {"bits": bits, "block_size": BLOCK, "gather_axis": 0, "quantize_axis": 1}
        builder.node("GatherBlockQuantized", [flat, item.source, scales], rows, contrib=True, **options)
        if width % BLOCK:
            bounds = (("from", 0), ("to", width), ("axis", 2))
            ends = [builder.constant(f"{item.name}.{name}", [value], np.int64) for name, value in bounds]
            builder.node("Slice", [rows, *ends], item.output)

    def _blocks(self, item: Linear, bits: int) -> None:
        weight = item.weight()
        packed, scales = self._block_tensors(item.tied_to or item.name, weight, bits, lambda: self._moment(item))
        product = item.output if item.bias is None else f"{item.name}.product"
        rows, width = weight.shape
        options = {"K": width, "N": rows, "bits": bits, "block_size": BLOCK, "accuracy_level": 4}
        self.builder.node("MatMulNBits", [item.source, packed, scales], product, contrib=True, **options)
        self._add_bias(item, product)

    def _moment(self, item: Linear) -> FloatArray | None:
        moment = self.plan.moments(item.reads or item.name)
        return moment if moment is None or item.spread is None else item.spread(moment)

    def _block_tensors(
        self, name: str, weight: FloatArray, bits: int, moment: Callable[[], FloatArray | None]
    ) -> tuple[str, str]:
        packed, scales = f"{name}.blocks{bits}", f"{name}.scales{bits}"
        if not (self.builder.has(packed) and self.builder.has(scales)):
            measured = moment()
            if measured is None:
                blocks = quantize_blocks(weight, bits)
            else:
                blocks = round_with_feedback(weight, bits, costs_of(measured))
            self.builder.constant(packed, blocks.packed)
            self.builder.constant(scales, blocks.scales)
        return packed, scales

    def _quantized_rows(self, source: str) -> tuple[str, str]:
        if source in self._rows:
            return self._rows[source]
        builder = self.builder
        magnitude = builder.node("Abs", [source], f"{source}.abs")
        last = builder.constant("axis.last", [-1], np.int64)
        largest = builder.node("ReduceMax", [magnitude, last], f"{source}.max", keepdims=1)
        # A row of zeros must stay zeros, not become 0 / 0.
        size = builder.node("Max", [largest, builder.constant("int8.tiny", 1e-30, np.float32)], f"{source}.size")
        unit = builder.node("Div", [source, size], f"{source}.unit")
        step = builder.constant("int8.step", 1 / 127, np.float32)
        middle = builder.constant("int8.middle", 128, np.uint8)
        integers = builder.node("QuantizeLinear", [unit, step, middle], f"{source}.integers")
        self._rows[source] = (integers, size)
        return self._rows[source]

    def _add_bias(self, item: Linear, product: str) -> None:
        if item.bias is not None:
            bias = self.builder.floats(f"{item.name}.bias", item.bias())
            self.builder.node("Add", [product, bias], item.output)


_LINEAR: dict[str, Callable[[Lowering, Linear], None]] = {
    FLOAT: Lowering.float_linear,
    INT8: Lowering.int8_linear,
    INT8_BLOCKS: Lowering.int8_blocks_linear,
    INT4: Lowering.int4_linear,
}
_LOOKUP: dict[str, Callable[[Lowering, Lookup], None]] = {
    FLOAT: Lowering.float_lookup,
    INT8_BLOCKS: Lowering.int8_blocks_lookup,
    INT4: Lowering.int4_lookup,
}
