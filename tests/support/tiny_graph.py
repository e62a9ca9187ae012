"""A tiny decoder as an ONNX graph and the same mathematics in NumPy, both from one seed.

For: tests of the engine without the export side, and an oracle that shares no code with it.
Knows: the graph contract (`engine.contracts.graph_io`), ONNX nodes, and the naive formulas.
Must not know: torch, the export side, files.

    x = embed(ids) [+ position(ids)];  x += Wo attention(norm(x));  x += Wd gelu(Wu norm(x));  logits = E norm(x)
"""

from dataclasses import dataclass

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from engine.contracts import graph_io

EPSILON = 1e-5
Weights = dict[str, np.ndarray]


@dataclass(frozen=True)
class TinyShape:
    """Sizes of a tiny decoder; `cache` is the dtype of its K/V buffers."""

    vocabulary: int = 512
    context: int = 256
    layers: int = 2
    heads: int = 4
    kv_heads: int = 2
    head_size: int = 16  # GroupQueryAttention turns heads of a multiple of 16 only
    learned_positions: bool = False
    cache: str = "float32"

    @property
    def width(self) -> int:
        return self.heads * self.head_size


def tiny_weights(shape: TinyShape, seed: int) -> Weights:
    """Random weights, large enough that the logits of different prompts differ clearly."""
    random = np.random.default_rng(seed)

    def draw(*size: int, deviation: float = 0.3) -> np.ndarray:
        return (random.standard_normal(size) * deviation).astype(np.float32)

    kv_width = shape.kv_heads * shape.head_size
    weights = {"embedding": draw(shape.vocabulary, shape.width, deviation=1.0)}
    if shape.learned_positions:
        weights["positions"] = draw(shape.context, shape.width)
    for layer in range(shape.layers):
        for name, out in (("query", shape.width), ("key", kv_width), ("value", kv_width), ("output", shape.width)):
            weights[f"{layer}.{name}"] = draw(shape.width, out)
        weights[f"{layer}.up"] = draw(shape.width, 2 * shape.width)
        weights[f"{layer}.down"] = draw(2 * shape.width, shape.width)
    for name in [f"{layer}.norm{part}" for layer in range(shape.layers) for part in (1, 2)] + ["norm"]:
        weights[name] = 1 + draw(shape.width, deviation=0.1)
    weights["head"] = np.ascontiguousarray(weights["embedding"].T) * np.float32(0.3)
    return weights


class _Graph:
    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def constant(self, name: str, value: np.ndarray) -> str:
        self.initializers.append(numpy_helper.from_array(value, name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, domain: str = "", **attributes: object) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, domain=domain, **attributes))
        return output


def tiny_graph(shape: TinyShape, weights: Weights) -> onnx.ModelProto:
    """The decoder graph under the contract of `graph_io`."""
    graph = _Graph()
    for name, value in weights.items():
        graph.constant(name, value)
    _lengths(graph)
    x = graph.node("Gather", ["embedding", graph_io.INPUT_IDS], "embedded")
    if shape.learned_positions:
        x = graph.node(
            "Add", [x, graph.node("Gather", ["positions", graph_io.POSITION_IDS], "placed")], "placed_tokens"
        )
    else:
        cosine, sine = rotary_tables(shape)
        graph.constant("cosine", cosine)
        graph.constant("sine", sine)
    for layer in range(shape.layers):
        x = _block(graph, shape, layer, x)
    kept = graph.node("Slice", [x, "kept_from", "far", "axis_one"], "kept")
    normed = graph.node("LayerNormalization", [kept, "norm"], "normed", axis=-1, epsilon=EPSILON)
    graph.node("MatMul", [normed, "head"], graph_io.LOGITS)
    return _model(graph, shape)


def _lengths(graph: _Graph) -> None:
    graph.constant(graph_io.LOGITS_TO_KEEP, np.array(1, np.int64))
    graph.constant("one_i32", np.array(1, np.int32))
    graph.constant("axis_one", np.array([1], np.int64))
    graph.constant("far", np.array([2**62], np.int64))
    graph.node("Shape", [graph_io.ATTENTION_MASK], "mask_shape")
    graph.node("Gather", ["mask_shape", graph.constant("one", np.array(1, np.int64))], "total_i64")
    graph.node("Cast", ["total_i64"], "total", to=TensorProto.INT32)
    graph.node("ReduceSum", [graph_io.ATTENTION_MASK, "axis_one"], "filled_i64", keepdims=0)
    graph.node("Cast", ["filled_i64"], "filled", to=TensorProto.INT32)
    graph.node("Sub", ["filled", "one_i32"], "last_position")
    graph.node("Neg", [graph_io.LOGITS_TO_KEEP], "kept_scalar")
    graph.node("Unsqueeze", ["kept_scalar", graph.constant("axis_zero", np.array([0], np.int64))], "kept_from")


def _block(graph: _Graph, shape: TinyShape, layer: int, x: str) -> str:
    name = f"layer{layer}"
    normed = graph.node("LayerNormalization", [x, f"{layer}.norm1"], f"{name}_n1", axis=-1, epsilon=EPSILON)
    q, k, v = (graph.node("MatMul", [normed, f"{layer}.{p}"], f"{name}_{p}") for p in ("query", "key", "value"))
    mixed = _attention(graph, shape, layer, [q, k, v])
    projected = graph.node("MatMul", [mixed, f"{layer}.output"], f"{name}_projected")
    x = graph.node("Add", [x, projected], f"{name}_x1")
    normed = graph.node("LayerNormalization", [x, f"{layer}.norm2"], f"{name}_n2", axis=-1, epsilon=EPSILON)
    inner = graph.node("Gelu", [graph.node("MatMul", [normed, f"{layer}.up"], f"{name}_up")], f"{name}_gelu")
    outer = graph.node("MatMul", [inner, f"{layer}.down"], f"{name}_down")
    return graph.node("Add", [x, outer], f"{name}_x2")


def _attention(graph: _Graph, shape: TinyShape, layer: int, qkv: list[str]) -> str:
    past = [graph_io.past_key(layer), graph_io.past_value(layer)]
    rotary = ["", ""] if shape.learned_positions else ["cosine", "sine"]
    inputs = [*qkv, *past, "last_position", "total", *rotary]
    attributes: dict[str, object] = {"num_heads": shape.heads, "kv_num_heads": shape.kv_heads}
    if not shape.learned_positions:
        attributes["do_rotary"] = 1
    if shape.cache == "int8":
        scale = graph.constant(f"scale{layer}", np.full(1, 3.0 / 127, np.float32))
        inputs += ["", "", "", scale, scale]
        attributes |= {"kv_cache_bit_width": 8, "k_quant_type": "PER_TENSOR", "v_quant_type": "PER_TENSOR"}
    outputs = [f"layer{layer}_mixed", graph_io.present_key(layer), graph_io.present_value(layer)]
    graph.nodes.append(
        helper.make_node(
            "GroupQueryAttention", inputs, outputs, name=outputs[0], domain=graph_io.CONTRIB_DOMAIN, **attributes
        )
    )
    return outputs[0]


def _model(graph: _Graph, shape: TinyShape) -> onnx.ModelProto:
    cache_type = {"float32": TensorProto.FLOAT, "int8": TensorProto.INT8}[shape.cache]
    cache_shape = ["batch", shape.kv_heads, "buffer", shape.head_size]
    tensor = helper.make_tensor_value_info
    inputs = [
        tensor(graph_io.INPUT_IDS, TensorProto.INT64, ["batch", "sequence"]),
        tensor(graph_io.ATTENTION_MASK, TensorProto.INT64, ["batch", "total"]),
        tensor(graph_io.LOGITS_TO_KEEP, TensorProto.INT64, []),
    ]
    if shape.learned_positions:
        inputs.append(tensor(graph_io.POSITION_IDS, TensorProto.INT64, ["batch", "sequence"]))
    outputs = [tensor(graph_io.LOGITS, TensorProto.FLOAT, ["batch", "kept", shape.vocabulary])]
    for layer in range(shape.layers):
        inputs += [tensor(name(layer), cache_type, cache_shape) for name in (graph_io.past_key, graph_io.past_value)]
        outputs += [
            tensor(name(layer), cache_type, cache_shape) for name in (graph_io.present_key, graph_io.present_value)
        ]
    body = helper.make_graph(graph.nodes, "tiny", inputs, outputs, graph.initializers)
    opsets = [
        helper.make_opsetid("", graph_io.OPSET),
        helper.make_opsetid(graph_io.CONTRIB_DOMAIN, graph_io.CONTRIB_OPSET),
    ]
    return helper.make_model(body, opset_imports=opsets, ir_version=graph_io.IR_VERSION)


def rotary_tables(shape: TinyShape) -> tuple[np.ndarray, np.ndarray]:
    """Cosines and sines, each (context, head_size / 2)."""
    frequencies = 10000.0 ** (-np.arange(0, shape.head_size, 2) / shape.head_size)
    angles = np.outer(np.arange(shape.context), frequencies)
    return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)


def naive_logits(shape: TinyShape, weights: Weights, ids: list[int]) -> np.ndarray:
    """The whole forward in float64, (tokens, vocabulary): the judge of every cached and chunked run."""
    w = {name: value.astype(np.float64) for name, value in weights.items()}
    x = w["embedding"][ids]
    if shape.learned_positions:
        x = x + w["positions"][: len(ids)]
    for layer in range(shape.layers):
        normed = _norm(x, w[f"{layer}.norm1"])
        x = x + _naive_attention(shape, w, layer, normed) @ w[f"{layer}.output"]
        up = _norm(x, w[f"{layer}.norm2"]) @ w[f"{layer}.up"]
        x = x + (up * _normal_cdf(up)) @ w[f"{layer}.down"]
    return _norm(x, w["norm"]) @ w["head"]


def _norm(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + EPSILON) * weight


def _normal_cdf(x: np.ndarray) -> np.ndarray:
    from math import erf

    return 0.5 * (1 + np.vectorize(erf)(x / np.sqrt(2)))


def _naive_attention(shape: TinyShape, w: Weights, layer: int, x: np.ndarray) -> np.ndarray:
    count = len(x)

    def heads(name: str, number: int) -> np.ndarray:
        return (x @ w[f"{layer}.{name}"]).reshape(count, number, shape.head_size).transpose(1, 0, 2)

    q, k, v = heads("query", shape.heads), heads("key", shape.kv_heads), heads("value", shape.kv_heads)
    if not shape.learned_positions:
        q, k = _rotate(shape, q), _rotate(shape, k)
    k, v = (np.repeat(part, shape.heads // shape.kv_heads, axis=0) for part in (k, v))
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(shape.head_size)  # (heads, tokens, tokens)
    scores = np.where(np.tri(count, dtype=bool), scores, -np.inf)
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    return (shares @ v).transpose(1, 0, 2).reshape(count, shape.width)


def _rotate(shape: TinyShape, x: np.ndarray) -> np.ndarray:
    cosine, sine = (table[: x.shape[1]].astype(np.float64) for table in rotary_tables(shape))
    first, second = np.split(x, 2, axis=-1)
    return np.concatenate([first * cosine - second * sine, second * cosine + first * sine], axis=-1)
