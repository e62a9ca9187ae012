"""Rounding for what a matrix answers, not for the matrix: each column makes up for the errors of those before it.

For: `graph/lowering.py`. Frantar et al. 2022 (GPTQ), in the form that Chee et al. 2023 (QuIP, "LDLQ") proved equal and
that inverts nothing large. With x the inputs that calibration saw, an error e (in,) of one row of the matrix costs

    mean (e · x)² = e H eᵀ,   H = mean x xᵀ, damped,   H = M Mᵀ with M upper triangular
                  = Σ_j M_jj² (e_j + Σ_{i<j} e_i M_ij / M_jj)²

so what column j should be rounded from is its weight plus what the errors before it ask for, and its own error then
costs M_jj² a square. A block's scale is searched when its turn comes, by these costs, as `quantize.py` does. Blocks
come in the order of how large their inputs are, the largest first: the last ones make up for all, nothing for them.

A row that the feedback made no better than rounding it as it stands is rounded as it stands.
Knows numpy. Must not know onnx, models, or where moments come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.quantize import BLOCK, Blocks, FloatArray, dequantize_blocks, pack, quantize_blocks, search_scales

# Share of the mean of H's diagonal that is added to all of it: few texts say nothing of most directions.
DAMPINGS = (0.03, 0.3, 3.0)  # the larger ones where the smaller leaves H singular in float32
_ROWS_AT_ONCE = 512  # of a matrix: enough for two processors, and few enough for their caches
_NOTHING = 1e-12


@dataclass(frozen=True)
class Costs:
    """Of whole blocks, padded to a multiple of 32, in the order in which they are rounded.

    `columns` (in,): the column of the matrix at each place. `feedback` (in, in): row j says what the errors of the
    columns before j ask of it; its diagonal is 1, above are zeros. `weights` (in,): what a squared error costs then.
    """

    columns: NDArray[np.int64]
    feedback: FloatArray
    weights: FloatArray

    @property
    def blocks(self) -> NDArray[np.int64]:
        """The block of the matrix at each place."""
        return self.columns[::BLOCK] // BLOCK

    @property
    def importance(self) -> FloatArray:
        """`weights` in the order of the matrix's columns: the costs where no column makes up for another."""
        found = np.empty_like(self.weights)
        found[self.columns] = self.weights
        return found


def costs_of(moment: FloatArray) -> Costs:
    """Factor a second moment (in, in) of a matrix's inputs."""
    size = len(moment)
    padding = -size % BLOCK
    padded = np.pad(moment, ((0, padding), (0, padding)))
    by_size = np.argsort(-np.diagonal(padded).reshape(-1, BLOCK).sum(axis=1), kind="stable")
    columns = (by_size[:, None] * BLOCK + np.arange(BLOCK)).reshape(-1)
    lower = _lower_factor(padded[np.ix_(columns, columns)], float(np.trace(moment)) / size + _NOTHING)
    diagonal = np.diagonal(lower).copy()
    lower /= diagonal[:, None]
    return Costs(columns, lower, np.square(diagonal))


def round_with_feedback(weight: FloatArray, bits: int, costs: Costs) -> Blocks:
    """Round (out, in) to `bits` so that the costs stay small; never worse, a row, than `quantize_blocks`."""
    plain = quantize_blocks(weight, bits, costs.importance[: weight.shape[1]])
    cuts = [slice(start, start + _ROWS_AT_ONCE) for start in range(0, len(weight), _ROWS_AT_ONCE)]
    with ThreadPoolExecutor() as pool:  # numpy lets other threads run while it computes
        parts = list(pool.map(lambda cut: _better_rows(weight[cut], _rows_of(plain, cut), costs), cuts))
    return _joined(parts)


def cost_of_errors(errors: FloatArray, costs: Costs) -> FloatArray:
    """What each row of errors (out, in) costs, (out,)."""
    padded = np.pad(errors, ((0, 0), (0, len(costs.weights) - errors.shape[1])))
    result: FloatArray = np.square(padded[:, costs.columns] @ costs.feedback.T) @ costs.weights
    return result


def _lower_factor(moment: FloatArray, mean: float) -> FloatArray:
    """L (in, in), lower triangular, with Lᵀ L = `moment`, damped: a Cholesky factor of the matrix turned around."""
    turned = np.ascontiguousarray(moment[::-1, ::-1], np.float32)
    places = np.arange(len(turned))
    undamped = turned[places, places].copy()
    for damping in DAMPINGS:
        turned[places, places] = undamped + np.float32(damping * mean)
        try:
            return np.ascontiguousarray(np.linalg.cholesky(turned).T[::-1, ::-1])
        except np.linalg.LinAlgError:
            continue
    return np.diag(np.sqrt(undamped[::-1] + np.float32(mean)))  # no factor: no column knows of another


def _better_rows(weight: FloatArray, plain: Blocks, costs: Costs) -> Blocks:
    found, cost = _rounded(weight, plain.bits, costs)
    is_worse = cost_of_errors(weight - dequantize_blocks(plain, weight.shape[1]), costs) <= cost
    packed = np.where(is_worse[:, None, None], plain.packed, found.packed)
    return Blocks(packed, np.where(is_worse[:, None], plain.scales, found.scales), plain.bits)


def _rounded(weight: FloatArray, bits: int, costs: Costs) -> tuple[Blocks, FloatArray]:
    """A few rows with feedback, and what each costs. Arrays are (in, rows): a column of the matrix is contiguous."""
    width, half = len(costs.weights), 2 ** (bits - 1)
    weights = np.ascontiguousarray(np.pad(weight, ((0, 0), (0, width - weight.shape[1]))).T[costs.columns])
    errors, integers = np.zeros_like(weights), np.zeros_like(weights)
    scales = np.empty((width // BLOCK, len(weight)), np.float32)
    total = np.zeros(len(weight), np.float32)
    for block in range(width // BLOCK):
        start, end = block * BLOCK, (block + 1) * BLOCK
        within, own = costs.feedback[start:end, start:end], costs.weights[start:end]
        asked = costs.feedback[start:end, :start] @ errors[:start]  # of these columns, by those before the block
        # Where the block would lie if it were not rounded: each column also answers to those before it in the block.
        unrounded = weights[start:end] + np.linalg.inv(within) @ asked
        scales[block] = search_scales(np.ascontiguousarray(unrounded.T)[:, None], bits, own[None, None])[:, 0]
        inverse = 1 / scales[block]
        for column in range(start, end):
            place = column - start
            target = weights[column] + asked[place] + within[place, :place] @ errors[start:column]
            np.clip(np.rint(target * inverse), -half, half - 1, out=integers[column])
            rounded = integers[column] * scales[block]
            np.subtract(weights[column], rounded, out=errors[column])
            total += own[place] * np.square(target - rounded)
    places = np.argsort(costs.blocks)
    by_row = np.ascontiguousarray(integers.T).reshape(len(weight), -1, BLOCK)[:, places]
    return Blocks(pack(by_row, bits), np.ascontiguousarray(scales.T[:, places]), bits), total


def _rows_of(blocks: Blocks, cut: slice) -> Blocks:
    return Blocks(blocks.packed[cut], blocks.scales[cut], blocks.bits)


def _joined(parts: Sequence[Blocks]) -> Blocks:
    packed = np.concatenate([part.packed for part in parts])
    return Blocks(packed, np.concatenate([part.scales for part in parts]), parts[0].bits)
