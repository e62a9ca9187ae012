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

from export.all_cores import on_all_cores

FloatArray = NDArray[np.float32]

BLOCK = 32  # row-invariant on the CPU; 128 is not
COLUMN_LIMIT = 63  # the signed weights of `quantize_columns`: see there

# The extreme weight of a block is tried at these integers (found to be as good as thirty evenly spread ones).
_STEPS = {4: (-9.2, -8.6, -8.0, -7.4, -6.8, 7.8, 7.2, 6.6), 8: (-128.0, 127.0)}
_SMALLEST, _LARGEST = 2.0**-14, 65504.0  # that 16 bits hold with all their digits
_NUMBERS_AT_ONCE = 1 << 17  # a search's arrays should stay in a processor's cache


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
    rows = max(_NUMBERS_AT_ONCE // weight.shape[1], 1)
    parts = [weight[start : start + rows] for start in range(0, len(weight), rows)]
    pieces = on_all_cores(lambda part: _quantize_rows(part, bits, importance), parts)
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


def dequantize_columns(columns: Columns) -> FloatArray:
    """The weights that the kernel sees, (out, in)."""
    result: FloatArray = np.ascontiguousarray((columns.integers * columns.scales).T.astype(np.float32))
    return result


def pack(integers: FloatArray | NDArray[np.int8], bits: int) -> NDArray[np.uint8]:
    """Whole numbers (out, blocks, 32) from -half to half - 1 as the layout's bytes (out, blocks, bytes)."""
    raised = (integers.astype(np.int16) + 2 ** (bits - 1)).astype(np.uint8)
    return raised if bits == 8 else raised[..., 0::2] | (raised[..., 1::2] << 4)


def search_scales(values: FloatArray, bits: int, cost: FloatArray) -> FloatArray:
    """The scale of each block with the least weighted squared error, (out, blocks).

    Candidates map the extreme weight a little inside or outside the integer range, with either sign: the range is one
    longer below zero (-8 … 7), so a negative scale gives the extreme weight the longer side. For the integers q of a
    candidate the best scale is Σcqv / Σcq², and its error Σcv² - (Σcqv)² / Σcq²: only the last term need be compared.
    """
    half = 2 ** (bits - 1)
    extreme = np.take_along_axis(values, np.abs(values).argmax(-1)[..., None], -1)  # (out, blocks, 1)
    inverse = 1 / np.where(extreme == 0, 1e-8, extreme)
    weighted = cost * values
    best = (extreme[..., 0] / -half).astype(np.float32)
    best_gain = np.full(best.shape, -1.0, np.float32)
    for step in _STEPS[bits]:
        integers = values * (inverse * np.float32(step))
        np.clip(np.rint(integers, out=integers), -half, half - 1, out=integers)
        fit = np.einsum("obk,obk->ob", integers, weighted)
        size = np.maximum(np.einsum("obk,obk->ob", integers * cost, integers), 1e-30)
        gain = fit * fit / size
        better = gain > best_gain
        best = np.where(better, fit / size, best)
        best_gain = np.where(better, gain, best_gain)
    return _in_16_bits(np.where(np.abs(best) > 1e-12, best, _SMALLEST))


def _in_16_bits(scales: FloatArray) -> FloatArray:
    """Scales that 16 bits hold exactly, so that the engine reads half as many bytes; the others stay as they are."""
    has_room = (np.abs(scales) >= _SMALLEST) & (np.abs(scales) <= _LARGEST)
    short = np.where(has_room, scales, 0).astype(np.float16).astype(np.float32)
    return np.where(has_room, short, scales).astype(np.float32)


def _quantize_rows(
    weight: FloatArray, bits: int, importance: FloatArray | None
) -> tuple[NDArray[np.uint8], FloatArray]:
    padding = -weight.shape[1] % BLOCK
    values = np.pad(weight, ((0, 0), (0, padding))).reshape(len(weight), -1, BLOCK)  # (out, blocks, 32)
    cost = np.ones(weight.shape[1], np.float32) if importance is None else importance
    cost = np.pad(cost.astype(np.float32), (0, padding)).reshape(1, -1, BLOCK)
    scales = search_scales(values, bits, cost)
    half = 2 ** (bits - 1)
    return pack(np.clip(np.rint(values / scales[..., None]), -half, half - 1), bits), scales
