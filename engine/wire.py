"""Protobuf's wire format, read where it lies (protobuf.dev, "Encoding"), and the field numbers of onnx.proto.

For: whoever reads ONNX files, or writes them anew. Nothing is copied: a field is its place in the bytes.
Must not know: what a model computes, files, or ONNX Runtime.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import TypeAlias

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types

# Field numbers of onnx.proto.
MODEL_GRAPH, MODEL_OPSET, MODEL_FUNCTION = 7, 8, 25
FUNCTION_NODE = 7
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT = 1, 5, 11, 12
NODE_INPUT, NODE_OUTPUT, NODE_NAME, NODE_OPERATOR, NODE_ATTRIBUTE, NODE_DOMAIN = 1, 2, 3, 4, 5, 7
ATTRIBUTE_NAME, ATTRIBUTE_FLOAT, ATTRIBUTE_INTEGER, ATTRIBUTE_TEXT, ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH = 1, 2, 3, 4, 5, 6
ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS, ATTRIBUTE_TYPE = 10, 11, 20
TENSOR_DIMENSION, TENSOR_TYPE, TENSOR_NAME, TENSOR_RAW, TENSOR_EXTERNAL, TENSOR_LOCATION = 1, 2, 8, 9, 13, 14
VALUE_NAME, VALUE_TYPE = 1, 2
ENTRY_KEY, ENTRY_VALUE = 1, 2

Span: TypeAlias = tuple[int, int]  # first byte, byte behind the last
Content: TypeAlias = "mmap.mmap | memoryview"


def fields(content: Content, span: Span) -> Iterator[tuple[int, int | Span | None, Span]]:
    """(field number, integer or place of its bytes or None for a float, place of the whole field) of one message.

    Raises `ValueError` where it is none.
    """
    at, end = span
    while at < end:
        start = at
        key, at = varint(content, at, end)
        number, kind = key >> 3, key & 7
        value: int | Span | None = None
        if kind == VARINT:
            value, at = varint(content, at, end)
        elif kind == BYTES:
            size, first = varint(content, at, end)
            at = first + size
            value = (first, at)
        elif kind in (FIXED64, FIXED32):
            at += 8 if kind == FIXED64 else 4
        else:
            raise ValueError("it is not protobuf")
        if at > end:
            raise ValueError("it is cut off")
        yield number, value, (start, at)


def varint(content: Content, at: int, end: int) -> tuple[int, int]:
    """Seven bits a byte, the lowest first; the highest bit says that more follow."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            raise ValueError("it is cut off")
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("it is not protobuf")
