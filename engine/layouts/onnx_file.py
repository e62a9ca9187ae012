"""What an ONNX file says of itself, read without loading it: inputs, outputs, operators, files that it refers to.

For: the readers of foreign model folders, which must know names and sizes before anything is opened or run.
Knows: which fields of an ONNX file answer that. Weights are leapt over, so a file of gigabytes takes milliseconds.
Must not know: ONNX Runtime, folders, or what a model computes.

    file ── ModelProto.graph ──> nodes, inputs, outputs, initializers;  subgraphs (If, Loop) the same way
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine import wire
from engine.contracts.errors import ModelFolderError

ELEMENT_TYPES = {1: "float32", 2: "uint8", 3: "int8", 6: "int32", 7: "int64", 9: "bool", 10: "float16", 16: "bfloat16"}
_DEEPEST = 16  # nested subgraphs; a real model has two
_MOST_NODES = 1_000_000
_EXTERNAL = 1  # TensorProto.DataLocation

Dimension = int | str  # a length, or the name of one that is known only when the graph runs


@dataclass(frozen=True)
class Tensor:
    """An input or output: element type as NumPy names it ("" when it is another one) and its dimensions."""

    dtype: str
    shape: tuple[Dimension, ...]


@dataclass
class OnnxFile:
    """The whole answer."""

    inputs: dict[str, Tensor] = field(default_factory=dict)
    outputs: dict[str, Tensor] = field(default_factory=dict)
    operators: set[str] = field(default_factory=set)  # in subgraphs too
    readers: dict[str, set[str]] = field(default_factory=dict)  # name of a tensor -> operators that take it
    weight_types: set[str] = field(default_factory=set)
    bits: set[int] = field(default_factory=set)  # of the weights of matrices packed in blocks (MatMulNBits)
    external_files: set[str] = field(default_factory=set)  # as written in the file, relative to its folder
    slides: bool = False  # an attention keeps the last positions only (GroupQueryAttention's sliding_window_cache)


def read_onnx_file(path: Path) -> OnnxFile:
    """Read the file. Raises `ModelFolderError` when it is no ONNX model, or damaged."""
    try:
        with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            found = OnnxFile()
            whole = (0, len(content))
            graphs = list(_inner(content, whole, wire.MODEL_GRAPH))
            if len(graphs) != 1:
                raise ValueError("it holds no graph")
            _read_graph(content, graphs[0], found, 0)
            for function in _inner(content, whole, wire.MODEL_FUNCTION):
                for node in _inner(content, function, wire.FUNCTION_NODE):
                    _read_node(content, node, found, 1)
            return found
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise ModelFolderError(
            f"{path} is no ONNX model, or it is damaged ({error}); fetch the model folder again"
        ) from error
    except OSError as error:
        raise ModelFolderError(f"cannot read {path}: {error.strerror}; check permissions and disk") from error


def _read_graph(content: mmap.mmap, span: wire.Span, found: OnnxFile, depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError("its graphs are nested too deeply")
    for number, value in _fields(content, span):
        if not isinstance(value, tuple):
            continue
        if number == wire.GRAPH_NODE:
            _read_node(content, value, found, depth)
        elif number == wire.GRAPH_INITIALIZER:
            _read_weight(content, value, found)
        elif number in (wire.GRAPH_INPUT, wire.GRAPH_OUTPUT) and depth == 0:
            name, tensor = _read_value(content, value)
            (found.inputs if number == wire.GRAPH_INPUT else found.outputs)[name] = tensor


def _read_node(content: mmap.mmap, span: wire.Span, found: OnnxFile, depth: int) -> None:
    inputs: list[str] = []
    attributes: list[wire.Span] = []
    operator = ""
    for number, value in _fields(content, span):
        if not isinstance(value, tuple):
            continue
        if number == wire.NODE_INPUT:
            inputs.append(_text(content, value))
        elif number == wire.NODE_OPERATOR:
            operator = _text(content, value)
        elif number == wire.NODE_ATTRIBUTE:
            attributes.append(value)
    found.operators.add(operator)
    for name in inputs:
        found.readers.setdefault(name, set()).add(operator)
    if len(found.readers) > _MOST_NODES:
        raise ValueError("it has too many nodes")
    for attribute in attributes:
        _read_attribute(content, attribute, operator, found, depth)


def _read_attribute(content: mmap.mmap, span: wire.Span, operator: str, found: OnnxFile, depth: int) -> None:
    name, integer = "", 0
    for number, value in _fields(content, span):
        if isinstance(value, int):
            integer = value if number == wire.ATTRIBUTE_INTEGER else integer
        elif number == wire.ATTRIBUTE_NAME:
            name = _text(content, value)
        elif number in (wire.ATTRIBUTE_TENSOR, wire.ATTRIBUTE_TENSORS):
            _read_weight(content, value, found, counts=False)
        elif number in (wire.ATTRIBUTE_GRAPH, wire.ATTRIBUTE_GRAPHS):
            _read_graph(content, value, found, depth + 1)
    if operator == "MatMulNBits" and name == "bits":
        found.bits.add(integer)
    found.slides |= name == "sliding_window_cache" and integer != 0


def _read_weight(content: mmap.mmap, span: wire.Span, found: OnnxFile, counts: bool = True) -> None:
    """Element type, and the file that it lies in. `counts`: a weight says what a model was quantized to."""
    for number, value in _fields(content, span):
        if number == wire.TENSOR_TYPE and isinstance(value, int) and counts:
            found.weight_types.add(ELEMENT_TYPES.get(value, ""))
        elif number == wire.TENSOR_EXTERNAL and isinstance(value, tuple):
            entry = {key: _text(content, piece) for key, piece in _fields(content, value) if isinstance(piece, tuple)}
            if entry.get(wire.ENTRY_KEY) == "location":
                found.external_files.add(entry.get(wire.ENTRY_VALUE, ""))


def _read_value(content: mmap.mmap, span: wire.Span) -> tuple[str, Tensor]:
    """ValueInfoProto: name, type.tensor_type.{elem_type, shape.dim[].{dim_value, dim_param}}."""
    name, kind, shape = "", 0, list[Dimension]()
    for number, value in _fields(content, span):
        if number == wire.VALUE_NAME and isinstance(value, tuple):
            name = _text(content, value)
        elif number == wire.VALUE_TYPE and isinstance(value, tuple):
            for tensor in _inner(content, value, 1):
                kind = next((item for key, item in _fields(content, tensor) if key == 1 and isinstance(item, int)), 0)
                for dimensions in _inner(content, tensor, 2):
                    shape = [_dimension(content, piece) for piece in _inner(content, dimensions, 1)]
    return name, Tensor(ELEMENT_TYPES.get(kind, ""), tuple(shape))


def _dimension(content: mmap.mmap, span: wire.Span) -> Dimension:
    for number, value in _fields(content, span):
        if number == 1 and isinstance(value, int):
            return value
        if number == 2 and isinstance(value, tuple):
            return _text(content, value)
    return ""


def _inner(content: mmap.mmap, span: wire.Span, wanted: int) -> Iterator[wire.Span]:
    """The messages in field `wanted`."""
    return (value for number, value in _fields(content, span) if number == wanted and isinstance(value, tuple))


def _text(content: mmap.mmap, span: wire.Span) -> str:
    return content[span[0] : span[1]].decode("utf-8")


def _fields(content: mmap.mmap, span: wire.Span) -> Iterator[tuple[int, int | wire.Span]]:
    """(field number, integer or place of its bytes) of a message, floats left out. Raises `ValueError` for none."""
    return ((number, value) for number, value, _ in wire.fields(content, span) if value is not None)
