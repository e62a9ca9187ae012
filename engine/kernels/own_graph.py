"""A graph whose operators are exchanged for the project's own, node by node, as bytes for ONNX Runtime.

For: the runtime, where the library of own operators is there. Knows: protobuf's wire format, the field numbers of
onnx.proto, and which nodes own operators compute; weights are never read, only names, types and sizes. Must not know:
ONNX Runtime, or how anything is computed.

    MatMulNBits ── (Add) ── (FastGelu | QuickGelu | Mul by another product) ──> one node
    Abs … QuantizeLinear ── MatMulIntegerToFloat ── Mul ── (Add) ── … ───────> one node
    GroupQueryAttention over an int8 cache, SkipLayerNormalization and its simplified form ──> the same, by own code

A node that own operators cannot stand for stays as it is. Other programs read the same file, which is not touched.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from struct import error as StructError
from struct import pack, unpack_from
from typing import TypeAlias

DOMAIN = "nextstroke"
_CONTRIB = "com.microsoft"
_FLOAT, _UINT8, _INT8 = 1, 2, 3  # TensorProto.DataType
_BLOCK = 32
_LANES = 16
_HEADS = (16, 32, 64, 80, 96, 128, 256)  # sizes that have a kernel (operators.c)
_MOST_SHARE = 32  # query heads of one key-value head
_TANH_GELU, _SIGMOID_GELU = 1, 2  # tasks.h
_MOST_BYTES = 2**31 - 2**20  # of a message, and room for what is not counted

# Field numbers of onnx.proto.
_MODEL_GRAPH, _MODEL_OPSET = 7, 8
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT = 1, 5, 11, 12
_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME, _NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 1, 2, 3, 4, 5, 7
_ATTRIBUTE_NAME, _ATTRIBUTE_FLOAT, _ATTRIBUTE_INTEGER, _ATTRIBUTE_TEXT, _ATTRIBUTE_TYPE = 1, 2, 3, 4, 20
_ATTRIBUTE_GRAPHS = (6, 11)
_IS_FLOAT, _IS_INTEGER = 1, 2  # AttributeProto.AttributeType
_TENSOR_DIMENSION, _TENSOR_TYPE, _TENSOR_NAME = 1, 2, 8
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types

Value: TypeAlias = "int | float | str"


@dataclass
class _Node:
    operator: str
    domain: str
    inputs: list[str]
    outputs: list[str]
    options: dict[str, Value]
    name: str = ""
    raw: memoryview | None = None  # as it stood in the file; None where it is a new one
    has_graphs: bool = False

    def input(self, index: int) -> str:
        return self.inputs[index] if index < len(self.inputs) else ""

    def whole(self, option: str, default: int = 0) -> int:
        value = self.options.get(option, default)
        return value if isinstance(value, int) else default


@dataclass(frozen=True)
class _Weight:
    dtype: int
    shape: tuple[int, ...]


@dataclass
class _Graph:
    nodes: list[_Node] = field(default_factory=list)
    weights: dict[str, _Weight] = field(default_factory=dict)
    inputs: dict[str, tuple[int, tuple[int, ...]]] = field(default_factory=dict)  # type, sizes (0 where not known)
    outputs: set[str] = field(default_factory=set)
    others: list[memoryview] = field(default_factory=list)  # fields that stay as they are, keys included

    def weight(self, name: str, dtype: int) -> tuple[int, ...] | None:
        """The shape of a constant of that type, or None."""
        found = self.weights.get(name)
        return found.shape if found is not None and found.dtype == dtype else None


def own_graph(path: Path) -> bytes | None:
    """The file's model with own operators; None where none of its nodes can be exchanged, or it is no ONNX model."""
    try:
        with path.open("rb") as stream:
            # Never closed by hand: a piece of it that an exception's frames still hold would forbid that.
            mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        return _rewritten(memoryview(mapped))
    except (OSError, ValueError, IndexError, StructError):
        return None  # ONNX Runtime says better what is wrong with it


def _rewritten(content: memoryview) -> bytes | None:
    model = list(_fields(content))
    graphs = [value for number, value, _ in model if number == _MODEL_GRAPH and not isinstance(value, int)]
    graph = _read_graph(graphs[0]) if len(graphs) == 1 else _Graph()
    if any(node.has_graphs for node in graph.nodes):  # they may read names of the outer graph
        return None
    if not _exchange(graph):
        return None
    opset = _message(1, DOMAIN.encode()) + _whole(2, 1)
    inner: list[bytes | memoryview] = [*_written_nodes(graph), *graph.others]
    size = sum(len(piece) for piece in inner)
    head = _message(_MODEL_OPSET, opset) + _key(_MODEL_GRAPH, _BYTES) + _written_varint(size)
    others = [raw for number, _, raw in model if number != _MODEL_GRAPH]
    # The weights may lie in it: all of it is copied once, here.
    pieces: list[bytes | memoryview] = [*others, head, *inner]
    return b"".join(pieces) if size < _MOST_BYTES else None


def _exchange(graph: _Graph) -> bool:
    """Exchange what can be; whether anything was that is worth a copy of the file (norms alone are not)."""
    worthy = False
    for node in list(graph.nodes):
        own = _own_node(graph, node)
        if own is not None:
            graph.nodes[_place(graph.nodes, node)] = own
            worthy |= own.operator in (*_PRODUCTS, _ATTENTION)
    _fuse(graph)
    _drop_unread(graph)
    return worthy


def _own_node(graph: _Graph, node: _Node) -> _Node | None:
    if node.domain != _CONTRIB:
        return None
    maker = _MAKERS.get(node.operator)
    return maker(graph, node) if maker is not None else None


def _blocks_product(graph: _Graph, node: _Node) -> _Node | None:
    """Weights in blocks: 4 or 8 bits, 32 weights a scale, no zero points, activations rounded to 8 bits."""
    rows, width, bits = node.whole("N"), node.whole("K"), node.whole("bits", 4)
    plain = node.whole("block_size") == _BLOCK and node.whole("accuracy_level") == 4 and not any(node.inputs[3:])
    weights, scales = graph.weight(node.input(1), _UINT8), graph.weight(node.input(2), _FLOAT)
    if not plain or bits not in (4, 8) or width % _BLOCK or min(rows, width) < 1 or weights is None or scales is None:
        return None
    blocks = rows * (width // _BLOCK)
    if (_count(weights), _count(scales)) != (blocks * _BLOCK * bits // 8, blocks):
        return None
    options: dict[str, Value] = {"N": rows, "K": width, "bits": bits}
    return _Node("BlocksProduct", DOMAIN, node.inputs[:3], node.outputs[:1], options, node.name)


def _columns_product(graph: _Graph, node: _Node) -> _Node | None:
    """One scale a column: rows of activations divided by their largest value, rounded, and multiplied by it again.

    x ── Div (by its size) ── QuantizeLinear ── [this node] ── Mul (by the size) ──> product
    """
    shape, scale = graph.weight(node.input(1), _INT8), graph.weight(node.input(3), _FLOAT)
    rounded = _producer(graph, node.input(0), "QuantizeLinear", "")
    unit = None if rounded is None else _producer(graph, rounded.input(0), "Div", "")
    scaled = _only_reader(graph, node.outputs[0], "Mul", "")
    if shape is None or len(shape) != 2 or scale is None or unit is None or scaled is None or any(node.inputs[5:]):
        return None
    if shape[0] % _BLOCK or min(shape) < 1 or scale != (shape[1],):
        return None
    if set(scaled.inputs) != {node.outputs[0], unit.input(1)}:
        return None
    if rounded is None or rounded.inputs[1:] != [node.input(2), node.input(4)]:  # rounded and read with the same step
        return None
    size = _producer(graph, unit.input(1), "Max", "")
    largest = None if size is None else _producer(graph, size.input(0), "ReduceMax", "")
    magnitude = None if largest is None else _producer(graph, largest.input(0), "Abs", "")
    if magnitude is None or magnitude.input(0) != unit.input(0):
        return None
    graph.nodes.remove(scaled)
    options: dict[str, Value] = {"N": shape[1], "K": shape[0]}
    return _Node(
        "ColumnsProduct", DOMAIN, [unit.input(0), node.input(1), node.input(3)], scaled.outputs[:1], options, node.name
    )


def _attention(graph: _Graph, node: _Node) -> _Node | None:
    """Packed queries, keys and values over an int8 cache with a scale a channel; no window, no cap, no extra inputs."""
    heads, kv_heads = node.whole("num_heads"), node.whole("kv_num_heads")
    kind, shape = graph.inputs.get(node.input(3), (0, ()))
    known = {"num_heads", "kv_num_heads", "scale", "do_rotary", "rotary_interleaved"}
    known |= {"kv_cache_bit_width", "k_quant_type", "v_quant_type"}
    quantized = node.whole("kv_cache_bit_width") == 8 and all(
        node.options.get(option) == "PER_CHANNEL" for option in ("k_quant_type", "v_quant_type")
    )
    tables = [graph.weight(node.input(index), _FLOAT) for index in ((7, 8) if node.whole("do_rotary") else ())]
    unwanted = [node.input(index) for index in (1, 2, *range(9, 12), *range(14, len(node.inputs)))]
    if not quantized or set(node.options) - known or node.whole("rotary_interleaved") or any(unwanted):
        return None
    if kind != _INT8 or len(shape) != 4 or shape[3] not in _HEADS or min(heads, kv_heads) < 1 or heads % kv_heads:
        return None
    size = kv_heads * shape[3]
    scales = [graph.weight(node.input(index), _FLOAT) for index in (12, 13)]
    if any(found is None or _count(found) != size for found in scales) or heads // kv_heads > _MOST_SHARE:
        return None
    if any(table is None or len(table) != 2 or 2 * table[1] > shape[3] for table in tables) or len(set(tables)) > 1:
        return None
    if len(node.outputs) != 3:
        return None
    options: dict[str, Value] = {"num_heads": heads, "kv_num_heads": kv_heads}
    if node.options.get("scale"):
        options["scale"] = node.options["scale"]
    wanted = [0, 3, 4, 5, 6, 12, 13, *((7, 8) if tables else ())]
    return _Node(_ATTENTION, DOMAIN, [node.input(index) for index in wanted], node.outputs, options, node.name)


def _norm(graph: _Graph, node: _Node) -> _Node | None:
    """The sum of two streams and its norm; gains in floats, whole vectors wide."""
    gains = node.inputs[2:]
    shape = graph.weight(node.input(2), _FLOAT)
    if shape is None or len(shape) != 1 or shape[0] % _LANES or len(node.outputs) != 4 or any(node.outputs[1:3]):
        return None
    if (
        not node.outputs[0]
        or not node.outputs[3]
        or any(name and graph.weight(name, _FLOAT) != shape for name in gains)
    ):
        return None
    options = {name: node.options[name] for name in ("epsilon",) if name in node.options}
    return _Node(node.operator, DOMAIN, node.inputs, node.outputs, options, node.name)


_MAKERS = {
    "MatMulNBits": _blocks_product,
    "MatMulIntegerToFloat": _columns_product,
    "GroupQueryAttention": _attention,
    "SkipLayerNormalization": _norm,
    "SkipSimplifiedLayerNormalization": _norm,
}
_PRODUCTS, _ATTENTION = ("BlocksProduct", "ColumnsProduct"), "CacheAttention"


def _fuse(graph: _Graph) -> None:
    """Take the bias, then the activation, then the factor that alone read a product into it."""
    for product in [node for node in graph.nodes if node.operator in _PRODUCTS and node.domain == DOMAIN]:
        product.inputs += [""] * (5 - len(product.inputs))
        shape = (product.whole("N"),)
        reader = _only_reader(graph, product.outputs[0], "Add", "")
        bias = None if reader is None else _other(reader, product.outputs[0])
        if reader is not None and bias is not None and graph.weight(bias, _FLOAT) == shape:
            product.inputs[3] = bias
            _take_over(graph, product, reader)
        for operator, kind in (("FastGelu", _TANH_GELU), ("QuickGelu", _SIGMOID_GELU)):
            reader = _only_reader(graph, product.outputs[0], operator, _CONTRIB)
            if reader is not None and not any(reader.inputs[1:]):
                product.options |= {"activation": kind, "alpha": float(reader.options.get("alpha", 1.702))}
                _take_over(graph, product, reader)
                break  # one activation
    # A gate that multiplies another product is known only when all have their activations.
    for product in [node for node in graph.nodes if node.operator in _PRODUCTS and node.domain == DOMAIN]:
        reader = _only_reader(graph, product.outputs[0], "Mul", "")
        factor = None if reader is None else _other(reader, product.outputs[0])
        other = None if factor is None else _producer(graph, factor, "", DOMAIN)
        if reader is None or other is None or other.operator not in _PRODUCTS or "activation" in product.options:
            continue
        # Products of the same rows; others might be spread over each other.
        alike = other.whole("N") == product.whole("N") and other.inputs[0] == product.inputs[0]
        if "activation" in other.options and alike:
            product.inputs[4] = factor or ""
            _take_over(graph, product, reader)


def _take_over(graph: _Graph, product: _Node, reader: _Node) -> None:
    """The product writes what its reader wrote, from the reader's place on."""
    product.outputs = reader.outputs[:1]
    graph.nodes.remove(product)
    graph.nodes[_place(graph.nodes, reader)] = product


def _drop_unread(graph: _Graph) -> None:
    """Nodes whose results nobody reads any more, until none is left."""
    while True:
        read = {name for node in graph.nodes for name in node.inputs if name} | graph.outputs
        kept = [node for node in graph.nodes if any(name in read for name in node.outputs)]
        if len(kept) == len(graph.nodes):
            return
        graph.nodes = kept


def _place(nodes: list[_Node], wanted: _Node) -> int:
    return next(place for place, node in enumerate(nodes) if node is wanted)


def _producer(graph: _Graph, name: str, operator: str, domain: str) -> _Node | None:
    """The node that makes `name`, if it is of that kind (any operator where none is named)."""
    for node in graph.nodes:
        if name in node.outputs:
            return node if node.domain == domain and operator in ("", node.operator) else None
    return None


def _only_reader(graph: _Graph, name: str, operator: str, domain: str) -> _Node | None:
    """The node that alone reads `name`, if it is of that kind and nothing outside reads it."""
    readers = [node for node in graph.nodes if name in node.inputs]
    if name in graph.outputs or len(readers) != 1:
        return None
    return readers[0] if readers[0].operator == operator and readers[0].domain == domain else None


def _other(node: _Node, name: str) -> str | None:
    """The other one of two inputs."""
    if len(node.inputs) != 2 or node.inputs[0] == node.inputs[1]:
        return None
    return node.inputs[1] if node.inputs[0] == name else node.inputs[0]


def _count(shape: tuple[int, ...]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


# ---------------------------------------------------------------- protobuf


def _read_graph(content: memoryview) -> _Graph:
    graph = _Graph()
    for number, value, raw in _fields(content):
        if number == _GRAPH_NODE and isinstance(value, memoryview):
            graph.nodes.append(_read_node(value))
            continue
        graph.others.append(raw)
        if not isinstance(value, memoryview):
            continue
        if number == _GRAPH_INITIALIZER:
            name, weight = _read_weight(value)
            graph.weights[name] = weight
        elif number == _GRAPH_OUTPUT:
            graph.outputs.add(_read_value(value)[0])
        elif number == _GRAPH_INPUT:
            name, kind, shape = _read_value(value)
            graph.inputs[name] = (kind, shape)
    for name in graph.inputs:  # an initializer that may be overridden is no constant
        graph.weights.pop(name, None)
    return graph


def _read_node(content: memoryview) -> _Node:
    node = _Node("", "", [], [], {}, raw=content)
    for number, value, _ in _fields(content):
        if not isinstance(value, memoryview):
            continue
        if number == _NODE_ATTRIBUTE:
            _read_attribute(node, value)
        elif number == _NODE_INPUT:
            node.inputs.append(_text(value))
        elif number == _NODE_OUTPUT:
            node.outputs.append(_text(value))
        elif number == _NODE_OPERATOR:
            node.operator = _text(value)
        elif number == _NODE_DOMAIN:
            node.domain = _text(value)
        elif number == _NODE_NAME:
            node.name = _text(value)
    node.domain = "" if node.domain == "ai.onnx" else node.domain
    return node


def _read_attribute(node: _Node, content: memoryview) -> None:
    name, found = "", None
    for number, value, raw in _fields(content):
        if number == _ATTRIBUTE_NAME and isinstance(value, memoryview):
            name = _text(value)
        elif number == _ATTRIBUTE_FLOAT:
            found = unpack_from("<f", raw, len(raw) - 4)[0]
        elif number == _ATTRIBUTE_INTEGER and isinstance(value, int):
            found = value - 2**64 if value >= 2**63 else value
        elif number == _ATTRIBUTE_TEXT and isinstance(value, memoryview):
            found = bytes(value).decode("utf-8", "replace")
        node.has_graphs |= number in _ATTRIBUTE_GRAPHS
    node.options[name] = "" if found is None else found


def _read_weight(content: memoryview) -> tuple[str, _Weight]:
    name, dtype, shape = "", 0, list[int]()
    for number, value, _ in _fields(content):
        if number == _TENSOR_NAME and isinstance(value, memoryview):
            name = _text(value)
        elif number == _TENSOR_TYPE and isinstance(value, int):
            dtype = value
        elif number == _TENSOR_DIMENSION:
            shape += [value] if isinstance(value, int) else list(_varints(value))
    return name, _Weight(dtype, tuple(shape))


def _read_value(content: memoryview) -> tuple[str, int, tuple[int, ...]]:
    """ValueInfoProto: name, type.tensor_type.{elem_type, shape.dim[].dim_value}; 0 for what is not a number."""
    name, kind, shape = "", 0, list[int]()
    for number, value, _ in _fields(content):
        if number == 1 and isinstance(value, memoryview):
            name = _text(value)
        elif number == 2 and isinstance(value, memoryview):
            for tensor in _messages(value, 1):
                kind = next((item for key, item, _ in _fields(tensor) if key == 1 and isinstance(item, int)), 0)
                for sizes in _messages(tensor, 2):
                    shape = [
                        next((item for key, item, _ in _fields(size) if key == 1 and isinstance(item, int)), 0)
                        for size in _messages(sizes, 1)
                    ]
    return name, kind, tuple(shape)


def _written_nodes(graph: _Graph) -> Iterator[bytes]:
    return (_message(_GRAPH_NODE, _written_node(node) if node.raw is None else bytes(node.raw)) for node in graph.nodes)


def _written_node(node: _Node) -> bytes:
    inputs = list(node.inputs)
    while inputs and not inputs[-1]:
        inputs.pop()
    pieces = [_message(_NODE_INPUT, name.encode()) for name in inputs]
    pieces += [_message(_NODE_OUTPUT, name.encode()) for name in node.outputs]
    pieces += [_message(_NODE_NAME, node.name.encode()), _message(_NODE_OPERATOR, node.operator.encode())]
    pieces += [_message(_NODE_ATTRIBUTE, _written_attribute(name, value)) for name, value in node.options.items()]
    return b"".join([*pieces, _message(_NODE_DOMAIN, node.domain.encode())])


def _written_attribute(name: str, value: Value) -> bytes:
    if isinstance(value, float):
        number, kind = _key(_ATTRIBUTE_FLOAT, _FIXED32) + pack("<f", value), _IS_FLOAT
    else:
        number, kind = _whole(_ATTRIBUTE_INTEGER, int(value)), _IS_INTEGER
    return _message(_ATTRIBUTE_NAME, name.encode()) + number + _whole(_ATTRIBUTE_TYPE, kind)


def _messages(content: memoryview, wanted: int) -> Iterator[memoryview]:
    return (value for number, value, _ in _fields(content) if number == wanted and isinstance(value, memoryview))


def _fields(content: memoryview) -> Iterator[tuple[int, int | memoryview, memoryview]]:
    """(field number, integer or content, the whole field as it stands). Raises `ValueError` where it is no message."""
    at, end = 0, len(content)
    while at < end:
        start = at
        key, at = _varint(content, at)
        number, kind = key >> 3, key & 7
        value: int | memoryview = 0
        if kind == _VARINT:
            value, at = _varint(content, at)
        elif kind == _BYTES:
            size, at = _varint(content, at)
            value, at = content[at : at + size], at + size
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError("it is not protobuf")
        if at > end:
            raise ValueError("it is cut off")
        yield number, value, content[start:at]


def _varints(content: memoryview) -> Iterator[int]:
    at = 0
    while at < len(content):
        value, at = _varint(content, at)
        yield value


def _varint(content: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("it is not protobuf")


def _text(content: memoryview) -> str:
    return bytes(content).decode("utf-8")


def _key(number: int, kind: int) -> bytes:
    return _written_varint(number << 3 | kind)


def _whole(number: int, value: int) -> bytes:
    return _key(number, _VARINT) + _written_varint(value % 2**64)


def _message(number: int, content: bytes) -> bytes:
    return _key(number, _BYTES) + _written_varint(len(content)) + content


def _written_varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)
