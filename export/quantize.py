"""Weights as small integers: the arithmetic, nothing of graphs.

For: `graph/lowering.py`. Three layouts:

    int4 blocks   (out, in) -> 32 weights share a scale; 2 a byte; zero point 8            MatMulNBits, bits 4
    int8 blocks   (out, in) -> 32 weights share a scale; zero point 128                    MatMulNBits, bits 8
    int8 columns  (out, in) -> each output has a scale; signed, transposed to (in, out)    MatMulIntegerToFloat

Every scale is searched, not taken from the largest weight: rounding to the largest spends the few steps on outliers.
Knows numpy. Must not know onnx, files, models.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

BLOCK = 32  # row-invariant on the CPU; 128 is not
COLUMN_LIMIT = 63  # the signed weights of `quantize_columns`: see there

_ROWS_AT_ONCE = 4096  # bounds the memory of a search over a large table


@dataclass(frozen=True)
class Blocks:
    """MatMulNBits' layout: packed (out, blocks, bytes) and scales (out, blocks)."""

    packed: NDArray[np.uint8]
    scales: FloatArray
    bits: int


@dataclass(frozen=True)
class Columns:
    """MatMulIntegerToFloat's layout: integers (in, out) and scales (out,)."""

    integers: NDArray[np.int8]
    scales: FloatArray


def quantize_blocks(weight: FloatArray, bits: int, importance: FloatArray | None = None) -> Blocks:
    """Round (out, in) to `bits`; `importance` (in,) weighs the squared error of each input channel."""
    pieces = [
        _quantize_rows(weight[start : start + _ROWS_AT_ONCE], bits, importance)
        for start in range(0, len(weight), _ROWS_AT_ONCE)
    ]
    return Blocks(np.concatenate([p for p, _ in pieces]), np.concatenate([s for _, s in pieces]), bits)


def dequantize_blocks(blocks: Blocks, width: int) -> FloatArray:
    """The weights that the kernel sees, (out, width)."""
    packed = blocks.packed
    if blocks.bits == 4:
        packed = np.stack([packed & 15, packed >> 4], axis=-1).reshape(*packed.shape[:2], BLOCK)
    centred = packed.astype(np.float32) - 2 ** (blocks.bits - 1)
    return (centred * blocks.scales[:, :, None]).reshape(len(packed), -1)[:, :width]


def quantize_columns(weight: FloatArray, limit: int = COLUMN_LIMIT) -> Columns:
    """Round (out, in) to signed integers within ±limit, one scale an output.

    Processors without VNNI add two products of an unsigned and a signed byte in 16 bits: 2 * 255 * 63 fits,
    2 * 255 * 127 saturates and the result is wrong there. The certificate says what the lost bit costs.
    """
    scales = np.abs(weight).max(axis=1) / limit
    scales[scales == 0] = 1
    integers = np.clip(np.rint(weight / scales[:, None]), -limit, limit).astype(np.int8)
    return Columns(np.ascontiguousarray(integers.T), scales.astype(np.float32))


def _quantize_rows(
    weight: FloatArray, bits: int, importance: FloatArray | None
) -> tuple[NDArray[np.uint8], FloatArray]:
    padding = -weight.shape[1] % BLOCK
    values = np.pad(weight, ((0, 0), (0, padding))).reshape(len(weight), -1, BLOCK)  # (out, blocks, 32)
    cost = np.ones(weight.shape[1], np.float32) if importance is None else importance
    cost = np.pad(cost.astype(np.float32), (0, padding)).reshape(1, -1, BLOCK)
    scales = _search_scales(values, bits, cost)
    half = 2 ** (bits - 1)
    integers = (np.clip(np.rint(values / scales[..., None]), -half, half - 1) + half).astype(np.uint8)
    if bits == 4:
        integers = integers[..., 0::2] | (integers[..., 1::2] << 4)
    return integers, scales


def _search_scales(values: FloatArray, bits: int, cost: FloatArray) -> FloatArray:
    """The scale of each block with the least weighted squared error, (out, blocks).

    Candidates map the extreme weight to steps from a little under to a little over the integer range, with either sign:
    the range is one longer below zero (-8 … 7), so a negative scale gives the extreme weight the longer side.
    """
    half = 2 ** (bits - 1)
    extreme = np.take_along_axis(values, np.abs(values).argmax(-1)[..., None], -1)[..., 0]
    extreme[extreme == 0] = 1e-8
    best_error = np.full(extreme.shape, np.inf, np.float32)
    best = extreme / -half
    steps = np.linspace(-half * 1.1, -half * 0.75, 15) if bits == 4 else np.array([-half, -half + 0.5])
    for step in (*steps, *(-steps[steps > -half] if bits == 4 else ())):
        scale = extreme / np.float32(step)
        integers = np.clip(np.rint(values / scale[..., None]), -half, half - 1)
        # Least squares for these integers: the scale that fits them best.
        fitted = (cost * integers * values).sum(-1) / np.maximum((cost * integers * integers).sum(-1), 1e-30)
        scale = np.where(np.abs(fitted) > 1e-12, fitted, scale).astype(np.float32)
        integers = np.clip(np.rint(values / scale[..., None]), -half, half - 1)
        error = (cost * (integers * scale[..., None] - values) ** 2).sum(-1)
        better = error < best_error
        best = np.where(better, scale, best)
        best_error = np.where(better, error, best_error)
    return best.astype(np.float32)
