"""The way back from a graph to canonical tensors: what `decoder.py` packed and `lowering.py` rounded, as floats again.

For: going on training from a model folder where the checkpoint it was made from is lost.
Knows: the names and layouts that those two give to weights. Must not know folders, training, or how a graph runs.

What rounding took away is gone: an int8 weight comes back within half a step, so a model read this way predicts as the
graph does, and its next training begins there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from engine.contracts.errors import CheckpointError
from export.graph.heads import HeadLayout
from export.model.config import ModelConfig
from export.quantize import Blocks, Columns, FloatArray, dequantize_blocks, dequantize_columns

Stored = Mapping[str, NDArray[np.generic]]

_PACKED = ("query", "key", "value")  # rows of one matrix, in this order


def read_weights(graph: Path) -> Stored:
    """Every stored tensor of an ONNX file by name, external data included."""
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in onnx.load(str(graph)).graph.initializer}


def canonical_tensors(stored: Stored, config: ModelConfig) -> dict[str, FloatArray]:
    """Float32 tensors of exactly `config.tensor_shapes()`. Raises `CheckpointError` naming one that is missing."""
    heads = HeadLayout(config)
    return {
        name: _checked(name, _tensor(stored, heads, config, name, len(shape)), shape)
        for name, shape in config.tensor_shapes().items()
    }


def _tensor(stored: Stored, heads: HeadLayout, config: ModelConfig, name: str, axes: int) -> FloatArray:
    module, _, kind = name.rpartition(".")
    owner, _, part = module.rpartition(".")
    if part in _PACKED:
        packed = _matrix(stored, f"{owner}.qkv") if kind == "weight" else _floats(_found(stored, f"{owner}.qkv.bias"))
        return _true_rows(_part_of(packed, config, heads, part), heads)
    if axes == 1 or module == "position_embedding":  # stored under their own names, never rounded
        return _floats(_found(stored, name))
    if module.endswith("attention.output") or module.startswith("value_embedding."):
        return np.ascontiguousarray(_true_rows(_matrix(stored, module).T, heads).T)
    return _matrix(stored, module)


def _matrix(stored: Stored, module: str) -> FloatArray:
    """(out, in) whatever it was rounded to; a padded last block is cut where the shape is known, in `_checked`."""
    for suffix, read in _LAYOUTS.items():
        if f"{module}.{suffix}" in stored:
            return read(stored, module)
    raise _missing(module)


def _float_matrix(stored: Stored, module: str) -> FloatArray:
    return np.ascontiguousarray(_floats(stored[f"{module}.weight"]).T)  # lowered as (in, out)


def _columns(stored: Stored, module: str) -> FloatArray:
    scales = _floats(_found(stored, f"{module}.scales"))
    return dequantize_columns(Columns(stored[f"{module}.integers"].astype(np.int8), scales))


def _blocks(bits: int) -> Callable[[Stored, str], FloatArray]:
    def read(stored: Stored, module: str) -> FloatArray:
        packed = stored[f"{module}.blocks{bits}"].astype(np.uint8)
        scales = _floats(_found(stored, f"{module}.scales{bits}"))
        return dequantize_blocks(Blocks(packed, scales, bits), packed.shape[1] * packed.shape[2] * 8 // bits)

    return read


_LAYOUTS: Mapping[str, Callable[[Stored, str], FloatArray]] = {
    "blocks8": _blocks(8),
    "blocks4": _blocks(4),
    "integers": _columns,
    "table": lambda stored, module: _floats(stored[f"{module}.table"]),
    "weight": _float_matrix,
}


def _part_of(packed: FloatArray, config: ModelConfig, heads: HeadLayout, part: str) -> FloatArray:
    borders = [config.heads * heads.size, (config.heads + config.kv_heads) * heads.size]
    return np.split(packed, borders)[_PACKED.index(part)]


def _true_rows(matrix: FloatArray, heads: HeadLayout) -> FloatArray:
    """The inverse of `HeadLayout.rows`."""
    by_head = matrix.reshape(-1, heads.size, *matrix.shape[1:])[:, heads.places]
    return by_head.reshape(-1, *matrix.shape[1:])


def _checked(name: str, tensor: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    if tensor.ndim == len(shape) == 2 and tensor.shape[0] == shape[0] and tensor.shape[1] > shape[1]:
        tensor = np.ascontiguousarray(tensor[:, : shape[1]])  # the last block's padding
    if tensor.shape != shape:
        raise CheckpointError(f"{name} has shape {tensor.shape} in the graph, not {shape}; export the model again")
    return tensor


def _found(stored: Stored, name: str) -> NDArray[np.generic]:
    if name not in stored:
        raise _missing(name)
    return stored[name]


def _missing(name: str) -> CheckpointError:
    return CheckpointError(f"the graph holds no weights of {name} that can be read back; give its checkpoint instead")


def _floats(array: NDArray[np.generic]) -> FloatArray:
    return array.astype(np.float32)
