"""An ONNX file as nodes that can be exchanged: read without its weights, and written with everything else as it stood.

For: `own_graph`. Knows: how protobuf's fields are written, and which of an ONNX file's make a graph. Must not
know: what operators do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import pack, unpack_from
from typing import TypeAlias

from engine import wire

_GRAPHS = (wire.ATTRIBUTE_GRAPH, wire.ATTRIBUTE_GRAPHS)
_IS_FLOAT, _IS_INTEGER, _IS_TEXT = 1, 2, 3  # AttributeProto.AttributeType
_INT32 = 6  # TensorProto.DataType
_MOST_BYTES = 2**31 - 2**20  # of a message, and room for what is not counted

Value: TypeAlias = "int | float | str"


@dataclass
class Node:
    """One node; names of tensors, "" where one is left out."""

    operator: str
    domain: str
    inputs: list[str]
    outputs: list[str]
    options: dict[str, Value]
    name: str = ""
    raw: memoryview | None = None  # as it stood in the file; None where it is a new one
    has_graphs: bool = False

    def input(self, index: int) -> str:
        """The name of an input, "" where there is none."""
        return self.inputs[index] if index < len(self.inputs) else ""

    def whole(self, option: str, default: int = 0) -> int:
        """An attribute that is a whole number."""
        value = self.options.get(option, default)
        return value if isinstance(value, int) else default


@dataclass(frozen=True)
class Weight:
    """A constant: its TensorProto.DataType and its sizes."""

    dtype: int
    shape: tuple[int, ...]


@dataclass
class Graph:
    """Nodes and names of a graph, and everything else as it stands in the file."""

    nodes: list[Node] = field(default_factory=list)
    weights: dict[str, Weight] = field(default_factory=dict)
    inputs: dict[str, tuple[int, tuple[int, ...]]] = field(default_factory=dict)  # type, sizes (0 where not known)
    outputs: set[str] = field(default_factory=set)
    others: list[memoryview] = field(default_factory=list)  # fields that stay as they are, keys included

    def weight(self, name: str, dtype: int) -> tuple[int, ...] | None:
        """The shape of a constant of that type, or None."""
        found = self.weights.get(name)
        return found.shape if found is not None and found.dtype == dtype else None


@dataclass
class ModelFile:
    """A model: its graph, and its other fields as they stand."""

    graph: Graph
    others: list[memoryview]


def read_model(content: memoryview) -> ModelFile:
    """Read a file's bytes. Raises `ValueError`, `IndexError` or `struct.error` where they are no ONNX model."""
    fields = list(_fields(content))
    graphs = [value for number, value, _ in fields if number == wire.MODEL_GRAPH and not isinstance(value, int)]
    if len(graphs) != 1:
        raise ValueError("it holds no graph")
    return ModelFile(_read_graph(graphs[0]), [raw for number, _, raw in fields if number != wire.MODEL_GRAPH])


def written_model(model: ModelFile, domain: str) -> bytes | None:
    """The model as a file's bytes, with operators of `domain`; None where it would be too long for protobuf."""
    opset = _message(1, domain.encode()) + _whole(2, 1)
    inner: list[bytes | memoryview] = [*_written_nodes(model.graph), *model.graph.others]
    size = sum(len(piece) for piece in inner)
    head = _message(wire.MODEL_OPSET, opset) + _key(wire.MODEL_GRAPH, wire.BYTES) + _written_varint(size)
    # The weights may lie in it: all of it is copied once, here.
    pieces: list[bytes | memoryview] = [*model.others, head, *inner]
    return b"".join(pieces) if size < _MOST_BYTES else None


def add_optional_number(graph: Graph, name: str) -> None:
    """A 32-bit whole number that a caller may give; 0 where it is left out."""
    dtype = _whole(wire.TENSOR_TYPE, _INT32)
    weight = dtype + _message(wire.TENSOR_NAME, name.encode()) + _message(wire.TENSOR_RAW, bytes(4))
    kind = _message(1, _whole(1, _INT32) + _message(2, b""))  # tensor_type: its elem_type, and a shape of no sizes
    value = _message(1, name.encode()) + _message(2, kind)
    fields = _message(wire.GRAPH_INITIALIZER, weight), _message(wire.GRAPH_INPUT, value)
    graph.others += [memoryview(found) for found in fields]
    graph.inputs[name] = (_INT32, ())


def _read_graph(content: memoryview) -> Graph:
    graph = Graph()
    for number, value, raw in _fields(content):
        if number == wire.GRAPH_NODE and isinstance(value, memoryview):
            graph.nodes.append(_read_node(value))
            continue
        graph.others.append(raw)
        if not isinstance(value, memoryview):
            continue
        if number == wire.GRAPH_INITIALIZER:
            name, weight = _read_weight(value)
            graph.weights[name] = weight
        elif number == wire.GRAPH_OUTPUT:
            graph.outputs.add(_read_value(value)[0])
        elif number == wire.GRAPH_INPUT:
            name, kind, shape = _read_value(value)
            graph.inputs[name] = (kind, shape)
    for name in graph.inputs:  # an initializer that may be overridden is no constant
        graph.weights.pop(name, None)
    return graph


def _read_node(content: memoryview) -> Node:
    node = Node("", "", [], [], {}, raw=content)
    for number, value, _ in _fields(content):
        if not isinstance(value, memoryview):
            continue
        if number == wire.NODE_ATTRIBUTE:
            _read_attribute(node, value)
        elif number == wire.NODE_INPUT:
            node.inputs.append(_text(value))
        elif number == wire.NODE_OUTPUT:
            node.outputs.append(_text(value))
        elif number == wire.NODE_OPERATOR:
            node.operator = _text(value)
        elif number == wire.NODE_DOMAIN:
            node.domain = _text(value)
        elif number == wire.NODE_NAME:
            node.name = _text(value)
    node.domain = "" if node.domain == "ai.onnx" else node.domain
    return node


def _read_attribute(node: Node, content: memoryview) -> None:
    name, found = "", None
    for number, value, raw in _fields(content):
        if number == wire.ATTRIBUTE_NAME and isinstance(value, memoryview):
            name = _text(value)
        elif number == wire.ATTRIBUTE_FLOAT:
            found = unpack_from("<f", raw, len(raw) - 4)[0]
        elif number == wire.ATTRIBUTE_INTEGER and isinstance(value, int):
            found = value - 2**64 if value >= 2**63 else value
        elif number == wire.ATTRIBUTE_TEXT and isinstance(value, memoryview):
            found = bytes(value).decode("utf-8", "replace")
        node.has_graphs |= number in _GRAPHS
    node.options[name] = "" if found is None else found


def _read_weight(content: memoryview) -> tuple[str, Weight]:
    name, dtype, shape = "", 0, list[int]()
    for number, value, _ in _fields(content):
        if number == wire.TENSOR_NAME and isinstance(value, memoryview):
            name = _text(value)
        elif number == wire.TENSOR_TYPE and isinstance(value, int):
            dtype = value
        elif number == wire.TENSOR_DIMENSION:
            shape += [value] if isinstance(value, int) else list(_varints(value))
    return name, Weight(dtype, tuple(shape))


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


def _written_nodes(graph: Graph) -> Iterator[bytes]:
    return (
        _message(wire.GRAPH_NODE, _written_node(node) if node.raw is None else bytes(node.raw)) for node in graph.nodes
    )


def _written_node(node: Node) -> bytes:
    inputs = list(node.inputs)
    while inputs and not inputs[-1]:
        inputs.pop()
    pieces = [_message(wire.NODE_INPUT, name.encode()) for name in inputs]
    pieces += [_message(wire.NODE_OUTPUT, name.encode()) for name in node.outputs]
    pieces += [_message(wire.NODE_NAME, node.name.encode()), _message(wire.NODE_OPERATOR, node.operator.encode())]
    pieces += [_message(wire.NODE_ATTRIBUTE, _written_attribute(name, value)) for name, value in node.options.items()]
    return b"".join([*pieces, _message(wire.NODE_DOMAIN, node.domain.encode())])


def _written_attribute(name: str, value: Value) -> bytes:
    if isinstance(value, str):
        number, kind = _message(wire.ATTRIBUTE_TEXT, value.encode()), _IS_TEXT
    elif isinstance(value, float):
        number, kind = _key(wire.ATTRIBUTE_FLOAT, wire.FIXED32) + pack("<f", value), _IS_FLOAT
    else:
        number, kind = _whole(wire.ATTRIBUTE_INTEGER, int(value)), _IS_INTEGER
    return _message(wire.ATTRIBUTE_NAME, name.encode()) + number + _whole(wire.ATTRIBUTE_TYPE, kind)


def _messages(content: memoryview, wanted: int) -> Iterator[memoryview]:
    return (value for number, value, _ in _fields(content) if number == wanted and isinstance(value, memoryview))


def _fields(content: memoryview) -> Iterator[tuple[int, int | memoryview, memoryview]]:
    """(field number, integer or content, the whole field as it stands). Raises `ValueError` where it is no message."""
    for number, value, (start, end) in wire.fields(content, (0, len(content))):
        yield number, content[slice(*value)] if isinstance(value, tuple) else value or 0, content[start:end]


def _varints(content: memoryview) -> Iterator[int]:
    at = 0
    while at < len(content):
        value, at = wire.varint(content, at, len(content))
        yield value


def _text(content: memoryview) -> str:
    return bytes(content).decode("utf-8")


def _key(number: int, kind: int) -> bytes:
    return _written_varint(number << 3 | kind)


def _whole(number: int, value: int) -> bytes:
    return _key(number, wire.VARINT) + _written_varint(value % 2**64)


def _message(number: int, content: bytes) -> bytes:
    return _key(number, wire.BYTES) + _written_varint(len(content)) + content


def _written_varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)
