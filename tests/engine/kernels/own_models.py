"""Graphs of a few nodes, as the exporter writes them, and sessions over them with and without own operators.

For: the tests of this folder. Knows: onnx, ONNX Runtime, own_graph. Must not know: what the operators should compute.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from engine.kernels.library import own_kernels
from engine.kernels.own_graph import own_graph

needs_kernels = pytest.mark.skipif(own_kernels() is None, reason="the set-up compiled no kernels here (no C compiler)")
CONTRIB = "com.microsoft"
Array = np.ndarray[Any, Any]
Shape = tuple[int | str, ...]


@dataclass
class Model:
    """Nodes and constants so far; `model` closes it."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    inputs: list[onnx.ValueInfoProto] = field(default_factory=list)
    outputs: list[onnx.ValueInfoProto] = field(default_factory=list)

    def input(self, name: str, shape: Shape, dtype: int = TensorProto.FLOAT) -> str:
        self.inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def output(self, name: str, shape: Shape | None = None, dtype: int = TensorProto.FLOAT) -> None:
        self.outputs.append(helper.make_tensor_value_info(name, dtype, shape))

    def constant(self, name: str, value: Array) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, operator: str, inputs: list[str], *outputs: str, domain: str = "", **options: Any) -> str:
        name = next(output for output in outputs if output)
        self.nodes.append(helper.make_node(operator, inputs, outputs, name=f"{name}.node", domain=domain, **options))
        return outputs[0]

    def contrib(self, operator: str, inputs: list[str], *outputs: str, **options: Any) -> str:
        return self.node(operator, inputs, *outputs, domain=CONTRIB, **options)

    def model(self) -> onnx.ModelProto:
        graph = helper.make_graph(self.nodes, "graph", self.inputs, self.outputs, self.constants)
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid(CONTRIB, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def rewritten(model: onnx.ModelProto, folder: Path, fuses: bool = False) -> onnx.ModelProto | None:
    """The model as own_graph makes it, parsed again; None where it leaves the file alone."""
    onnx.save(model, folder / "graph.onnx")
    content = own_graph(folder / "graph.onnx", fuses)
    return None if content is None else onnx.load_from_string(content)


def kinds(model: onnx.ModelProto | None) -> list[str]:
    """Operators in order, own ones with an asterisk; empty where the file was left alone."""
    if model is None:
        return []
    return [node.op_type + "*" * (node.domain == "nextstroke") for node in model.graph.node]


def plain_session(model: onnx.ModelProto, threads: int = 1) -> onnxruntime.InferenceSession:
    """With ONNX Runtime's kernels."""
    return _session(model, threads, None)


def raw_session(model: onnx.ModelProto, threads: int = 1) -> onnxruntime.InferenceSession:
    """Of a graph that names own operators itself."""
    return _session(model, threads, own_kernels())


def own_session(model: onnx.ModelProto, folder: Path, threads: int = 1) -> onnxruntime.InferenceSession:
    """With own operators, put in by own_graph, and fused as the engine has them."""
    made = rewritten(model, folder, fuses=True)
    assert made is not None, "own_graph left the file alone"
    return raw_session(made, threads)


def _session(model: onnx.ModelProto, threads: int, library: Path | None) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 4
    options.enable_cpu_mem_arena = False  # a tensor ends where its memory ends, which a sanitizer watches
    if library is not None:
        options.register_custom_ops_library(str(library))
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


@dataclass(frozen=True)
class Weights:
    """Of a product: as MatMulNBits (bits 4, 8) or MatMulIntegerToFloat (bits 0) reads them, and centred (N, K)."""

    packed: Array
    scales: Array
    centred: Array
    bits: int


def draw_weights(rows: int, width: int, bits: int, seed: int = 1) -> Weights:
    """Random ones that reach both ends of their range."""
    random = np.random.default_rng(seed)
    if bits == 0:
        centred = random.integers(-128, 128, (rows, width))
        scales = random.uniform(0.001, 0.01, rows).astype(np.float32)
        return Weights(np.ascontiguousarray(centred.T.astype(np.int8)), scales, centred, 0)
    stored = random.integers(0, 2**bits, (rows, width // 32, 32))
    packed = stored if bits == 8 else stored[..., ::2] | stored[..., 1::2] << 4
    scales = random.uniform(-0.01, 0.01, (rows, width // 32)).astype(np.float32)
    return Weights(packed.astype(np.uint8), scales, stored.reshape(rows, width) - 2 ** (bits - 1), bits)


def add_product(model: Model, x: str, weights: Weights, output: str, **changes: Any) -> str:
    """One product: MatMulNBits, or the chain that export/graph/lowering.py writes for integer columns."""
    packed = model.constant(f"{output}.weights", weights.packed)
    scales = model.constant(f"{output}.scales", weights.scales)
    rows, width = weights.centred.shape
    if weights.bits:
        options = {"N": rows, "K": width, "bits": weights.bits, "block_size": 32, "accuracy_level": 4} | changes
        return model.contrib("MatMulNBits", [x, packed, scales], output, **options)
    name = f"{output}.{x}"
    step = model.constant(f"{name}.step", np.float32(1 / 127))
    middle = model.constant(f"{name}.middle", np.uint8(128))
    model.node("Abs", [x], f"{name}.abs")
    last = model.constant(f"{name}.last", np.array([-1], np.int64))
    model.node("ReduceMax", [f"{name}.abs", last], f"{name}.max", keepdims=1)
    tiny = model.constant(f"{name}.tiny", np.float32(1e-30))
    model.node("Max", [f"{name}.max", tiny], f"{name}.size")
    model.node("Div", [x, f"{name}.size"], f"{name}.one")
    model.node("QuantizeLinear", [f"{name}.one", step, middle], f"{name}.integers")
    model.contrib("MatMulIntegerToFloat", [f"{name}.integers", packed, step, scales, middle], f"{name}.unit")
    return model.node("Mul", [f"{name}.unit", f"{name}.size"], output)


def product_model(weights: Weights, **changes: Any) -> onnx.ModelProto:
    """x (rows, K) ── product ──> y (rows, N)."""
    model = Model()
    add_product(model, model.input("x", ("m", weights.centred.shape[1])), weights, "y", **changes)
    model.output("y")
    return model.model()


@dataclass(frozen=True)
class Heads:
    """Sizes of an attention; `turned` is how many channels rotate (0: none)."""

    heads: int = 4
    kv_heads: int = 2
    size: int = 16
    turned: int = 0
    context: int = 700


def draw_scales(heads: Heads, seed: int = 2) -> tuple[Array, Array, Array, Array]:
    """Scales of keys and of values (kv_heads, size), cosines and sines (context, turned / 2)."""
    random = np.random.default_rng(seed)
    shape = (heads.kv_heads, heads.size)
    keys, values = (random.uniform(0.005, 0.03, shape).astype(np.float32) for _ in range(2))
    angles = np.outer(np.arange(heads.context), 10.0 ** -np.arange(0, 4, 8 / max(heads.turned, 8))[: heads.turned // 2])
    return keys, values, np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def attention_model(heads: Heads, **changes: Any) -> onnx.ModelProto:
    """GroupQueryAttention over an int8 cache with a scale a channel, as export/graph/blocks.py writes it."""
    model = Model()
    key_scales, value_scales, cosines, sines = draw_scales(heads)
    cache: Shape = ("batch", heads.kv_heads, "capacity", heads.size)
    inputs = [model.input("packed", ("batch", "rows", (heads.heads + 2 * heads.kv_heads) * heads.size)), "", ""]
    inputs += [model.input(name, cache, TensorProto.INT8) for name in ("past_keys", "past_values")]
    inputs += [model.input("lengths", ("batch",), TensorProto.INT32), model.input("total", (), TensorProto.INT32)]
    turning = [model.constant("cosines", cosines), model.constant("sines", sines)] if heads.turned else ["", ""]
    scales = [model.constant("key_scales", key_scales), model.constant("value_scales", value_scales)]
    options: dict[str, Any] = {"num_heads": heads.heads, "kv_num_heads": heads.kv_heads}
    options |= {"kv_cache_bit_width": 8, "k_quant_type": "PER_CHANNEL", "v_quant_type": "PER_CHANNEL"}
    options |= {"do_rotary": 1, "rotary_interleaved": 0} if heads.turned else {}
    inputs += [*turning, "", "", "", *scales]
    model.contrib("GroupQueryAttention", inputs, "mixed", "keys", "values", **options | changes)
    model.output("mixed")
    model.output("keys", None, TensorProto.INT8)
    model.output("values", None, TensorProto.INT8)
    return model.model()
