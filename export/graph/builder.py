"""Collects a graph: nodes, weights, inputs and outputs, with predictable names.

For: `blocks.py` and `decoder.py`, which write the graph in floats, and `lowering.py`, which turns the matrices into the
operators of a precision. A matrix is not a node yet but a `Linear` (or `Lookup`) item between the nodes: quantizing is
a pass over these items.

    decoder.py -> [node, Lookup, node, Linear, node, ...] -> lowering.py -> [node, node, ...] -> onnx file

Knows onnx's helpers and where weights are spooled. Must not know what a GPT is, nor any precision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper

from engine.contracts import graph_io

FloatArray = NDArray[np.float32]
Shape = Sequence[int | str]

INLINE_BYTES = 1024  # tensors up to this size always lie inside the graph: shapes must be known without a file
ALIGNMENT = 4096  # ONNX Runtime maps external weights by memory page


@dataclass(frozen=True)
class Linear:
    """x (…, in) -> x Wᵀ + bias (…, out); `weight()` is (out, in) in float32 and is called once, when it is needed."""

    name: str
    group: str
    source: str
    output: str
    weight: Callable[[], FloatArray]
    bias: Callable[[], FloatArray] | None = None
    tied_to: str | None = None  # name of the Lookup whose table this matrix is
    reads: str = ""  # canonical matrix whose measured input this one has too; "" = `name`
    # What was measured of the true input channels (in, in), at their places among padded ones.
    spread: Callable[[FloatArray], FloatArray] | None = None


@dataclass(frozen=True)
class Lookup:
    """ids (B, S) -> rows of `weight()` (rows, width)."""

    name: str
    group: str
    source: str
    output: str
    weight: Callable[[], FloatArray]


Item: TypeAlias = Any  # NodeProto | Linear | Lookup; onnx ships no types


class WeightSpool:
    """Weights written to disk as they are made, so that memory never holds them all; small ones are read back."""

    def __init__(self, path: Path, inline_bytes: int = graph_io.EXTERNAL_DATA_BYTES) -> None:
        """`inline_bytes`: up to this much in all goes into the graph; 0 where another graph reads the same file."""
        self.path = path
        self._inline_bytes = inline_bytes
        self._file = path.open("wb")
        self._end = 0

    def add(self, name: str, array: NDArray[Any]) -> TensorProto:
        """A tensor whose bytes lie in the spool, at a page border."""
        start = -(-self._end // ALIGNMENT) * ALIGNMENT
        self._file.write(b"\0" * (start - self._end))
        raw = np.ascontiguousarray(array)
        self._file.write(raw.data)
        self._end = start + raw.nbytes
        tensor = TensorProto(name=name, dims=array.shape, data_type=helper.np_dtype_to_tensor_dtype(array.dtype))
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", self.path.name), ("offset", start), ("length", raw.nbytes)):
            tensor.external_data.add(key=key, value=str(value))
        return tensor

    def finish(self, tensors: Sequence[TensorProto]) -> None:
        """Close the file; small weights move into their tensors and the file disappears."""
        self._file.close()
        if self._end > self._inline_bytes:
            return
        with self.path.open("rb") as file:
            for tensor in tensors:
                places = {entry.key: entry.value for entry in tensor.external_data}
                if places.get("location") == self.path.name:
                    file.seek(int(places["offset"]))
                    tensor.raw_data = file.read(int(places["length"]))
                    del tensor.external_data[:]
                    tensor.data_location = TensorProto.DEFAULT
        self.path.unlink()


@dataclass
class GraphBuilder:
    """The graph under construction. `float_type` is the type of activations: float32, or float16 for GPUs.

    A constant that `shared` has by the same name is taken from there and stored once: a name stands for one content.
    """

    spool: WeightSpool
    float_type: type[np.generic] = np.float32
    items: list[Item] = field(default_factory=list)
    inputs: list[ValueInfoProto] = field(default_factory=list)
    outputs: list[ValueInfoProto] = field(default_factory=list)
    initializers: dict[str, TensorProto] = field(default_factory=dict)
    shared: Mapping[str, TensorProto] = field(default_factory=dict)  # of a finished graph beside this one

    @property
    def onnx_float(self) -> int:
        """`float_type` as ONNX's number for it."""
        return int(helper.np_dtype_to_tensor_dtype(np.dtype(self.float_type)))

    def input(self, name: str, onnx_type: int, shape: Shape | None) -> str:
        """Declare a graph input; without a shape it may have any."""
        self.inputs.append(helper.make_tensor_value_info(name, onnx_type, shape))
        return name

    def output(self, name: str, onnx_type: int, shape: Shape) -> None:
        """Declare a graph output."""
        self.outputs.append(helper.make_tensor_value_info(name, onnx_type, shape))

    def node(
        self,
        operator: str,
        inputs: Sequence[str],
        output: str | Sequence[str],
        *,
        contrib: bool = False,
        **attributes: Any,
    ) -> str:
        """Append one node, named after its first output, and return that output."""
        outputs = [output] if isinstance(output, str) else list(output)
        domain = graph_io.CONTRIB_DOMAIN if contrib else ""
        name = f"/{outputs[0]}"
        self.items.append(helper.make_node(operator, inputs, outputs, name=name, domain=domain, **attributes))
        return outputs[0]

    def add(self, item: Linear | Lookup) -> str:
        """Append a matrix that a precision has not been chosen for."""
        self.items.append(item)
        return item.output

    def constant(self, name: str, value: NDArray[Any] | Sequence[int] | int | float, dtype: Any = None) -> str:
        """A tensor stored once under its name; asking again for the same name is free."""
        if not self.has(name):
            array = np.asarray(value, dtype=dtype)
            if array.nbytes > INLINE_BYTES:
                self.initializers[name] = self.spool.add(name, array)
            else:
                onnx_type = helper.np_dtype_to_tensor_dtype(array.dtype)
                self.initializers[name] = helper.make_tensor(name, onnx_type, array.shape, array.tobytes(), raw=True)
        return name

    def has(self, name: str) -> bool:
        """Whether that constant is stored already, here or in the graph that this one shares with."""
        if name not in self.initializers and name in self.shared:
            self.initializers[name] = self.shared[name]
        return name in self.initializers

    def floats(self, name: str, value: NDArray[Any]) -> str:
        """A constant in the activations' type."""
        return self.constant(name, value, self.float_type)

    def finish(self, nodes: Sequence[NodeProto], graph_name: str) -> ModelProto:
        """The model, its weights inside it or beside it."""
        tensors = list(self.initializers.values())
        self.spool.finish(tensors)
        graph = helper.make_graph(nodes, graph_name, self.inputs, self.outputs, tensors)
        operator_sets = [
            helper.make_opsetid("", graph_io.OPSET),
            helper.make_opsetid(graph_io.CONTRIB_DOMAIN, graph_io.CONTRIB_OPSET),
        ]
        return helper.make_model(
            graph, opset_imports=operator_sets, ir_version=graph_io.IR_VERSION, producer_name="nextstroke"
        )
