"""Rounding for what a matrix answers, not for the matrix: each column makes up for the errors of those before it.

For: `graph/lowering.py`. Frantar et al. 2022 (GPTQ), in the form that Chee et al. 2023 (QuIP, "LDLQ") proved equal and
that inverts nothing large. With x the inputs that calibration saw, an error e (in,) of one row of the matrix costs

    mean (e · x)² = e H eᵀ,   H = mean x xᵀ, damped,   H = M Mᵀ with M upper triangular
                  = Σ_j M_jj² (e_j + Σ_{i<j} e_i M_ij / M_jj)²

so what column j should be rounded from is its weight plus what the errors before it ask for, and its own error then
costs M_jj² a square. A block's scale is searched when its turn comes, by these costs, as `quantize.py` does. Blocks
come in the order of how large their inputs are, the largest first: the last ones make up for all, nothing for them.

A row that this made no better than plain rounding is rounded plainly.
Knows numpy, and PyTorch's large products. Must not know onnx, models, or where moments come from.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from export.all_cores import on_all_cores
from export.quantize import BLOCK, Blocks, FloatArray, pack, search_scales

# Share of the mean of H's diagonal that is added to all of it: few texts say nothing of most directions.
DAMPINGS = (0.03, 0.3, 3.0)  # the larger ones where the smaller leaves H singular in float32
_ROWS_AT_ONCE = 4096  # of a matrix: long vectors, and of GPT-2's down projection 40 MB
_COLUMNS_AT_ONCE = 256
_SEARCHED_AT_ONCE = 1024  # rows; a search's arrays should stay in a processor's cache
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
    """Round (out, in) to `bits` so that the costs stay small; never worse, a row, than plainly."""
    padded = np.pad(weight, ((0, 0), (0, len(costs.weights) - weight.shape[1])))
    cuts = [slice(start, start + _ROWS_AT_ONCE) for start in range(0, len(weight), _ROWS_AT_ONCE)]
    parts = [_Rows(padded[cut], bits, costs).blocks() for cut in cuts]
    return Blocks(
        np.concatenate([part.packed for part in parts]), np.concatenate([part.scales for part in parts]), bits
    )


def cost_of_errors(errors: FloatArray, costs: Costs) -> FloatArray:
    """What each row of errors (out, in) costs, (out,)."""
    padded = np.pad(errors, ((0, 0), (0, len(costs.weights) - errors.shape[1])))
    result: FloatArray = np.square(padded[:, costs.columns] @ costs.feedback.T) @ costs.weights
    return result


def _lower_factor(moment: FloatArray, mean: float) -> FloatArray:
    """L (in, in), lower triangular, with Lᵀ L = `moment`, damped: a Cholesky factor of the matrix turned around."""
    turned = torch.from_numpy(np.ascontiguousarray(moment[::-1, ::-1], np.float32))
    diagonal = turned.diagonal()
    undamped = diagonal.clone()
    for damping in DAMPINGS:
        diagonal.copy_(undamped + damping * mean)
        factor, problem = torch.linalg.cholesky_ex(turned)
        if not problem.item():
            return np.ascontiguousarray(factor.numpy().T[::-1, ::-1])
    # No factor: no column knows of another.
    return np.diag(np.sqrt(undamped.numpy()[::-1].clip(0) + np.float32(mean)))


class _Rows:
    """A few rows of a matrix, rounded with feedback and, as a judge, plainly: to each block's largest weight.

    Arrays are (in, rows), so that a column of the matrix is contiguous; `_errors` and `_total` have both roundings side
    by side, (in, 2 rows), because one product then says what both ask of the columns behind.
    """

    def __init__(self, padded: FloatArray, bits: int, costs: Costs) -> None:
        self._bits, self._costs, self._rows = bits, costs, len(padded)
        self._weights = np.ascontiguousarray(padded.T[costs.columns])
        width = len(self._weights)
        self._errors = np.zeros((width, 2 * self._rows), np.float32)
        self._integers = np.zeros((2, width, self._rows), np.int8)
        self._scales = np.empty((2, width // BLOCK, self._rows), np.float32)
        self._total = np.zeros(2 * self._rows, np.float32)

    def blocks(self) -> Blocks:
        """The better rounding of each row."""
        width = len(self._weights)
        for start in range(0, width, _COLUMNS_AT_ONCE):
            self._round_columns(start, min(start + _COLUMNS_AT_ONCE, width))
        is_worse = self._total[self._rows :] <= self._total[: self._rows]
        places = np.argsort(self._costs.blocks)
        integers = np.where(is_worse, self._integers[1], self._integers[0])
        by_row = np.ascontiguousarray(integers.T).reshape(self._rows, -1, BLOCK)[:, places]
        scales = np.where(is_worse, self._scales[1], self._scales[0]).T[:, places]
        return Blocks(pack(by_row, self._bits), np.ascontiguousarray(scales), self._bits)

    def _round_columns(self, start: int, end: int) -> None:
        """Some blocks: what the errors before them ask is one large product, which is faster than one a block."""
        feedback = self._costs.feedback
        by_earlier = _product(feedback[start:end, :start], self._errors[:start])
        for block in range(start, end, BLOCK):
            cut = slice(block, block + BLOCK)
            asked = by_earlier[block - start : block - start + BLOCK]
            asked += _product(feedback[cut, start:block], self._errors[start:block])
            self._round_with_feedback(cut, asked[:, : self._rows])
            self._round_plainly(cut)
            asked += _product(feedback[cut, cut], self._errors[cut])
            self._total += self._costs.weights[cut] @ np.square(asked, out=asked)

    def _round_with_feedback(self, cut: slice, asked: FloatArray) -> None:
        """One block, given what the columns before it ask."""
        weights, errors = self._weights[cut], self._errors[cut, : self._rows]
        within, integers = self._costs.feedback[cut, cut], self._integers[0, cut]
        # Where the block would lie if it were not rounded: each column also answers to those before it in the block.
        unrounded = weights + _product(np.linalg.inv(within), np.ascontiguousarray(asked))
        scale = _searched(unrounded, self._bits, self._costs.weights[cut])
        self._scales[0, cut.start // BLOCK] = scale
        inverse = 1 / scale
        for column in range(BLOCK):
            target = within[column, :column] @ errors[:column]
            target += asked[column]
            target += weights[column]
            target *= inverse
            integers[column] = _to_integers(target, self._bits)
            target *= scale
            np.subtract(weights[column], target, out=errors[column])

    def _round_plainly(self, cut: slice) -> None:
        weights = self._weights[cut]
        scale = np.maximum(np.abs(weights).max(axis=0) / (2 ** (self._bits - 1) - 1), np.float32(_NOTHING))
        rounded = _to_integers(weights * (1 / scale), self._bits)
        self._integers[1, cut], self._scales[1, cut.start // BLOCK] = rounded, scale
        np.subtract(weights, rounded * scale, out=self._errors[cut, self._rows :])


def _searched(values: FloatArray, bits: int, weights: FloatArray) -> FloatArray:
    """Scales (rows,) of a block's values (32, rows) by what errors of its columns cost."""
    by_row = np.ascontiguousarray(values.T)[:, None]
    parts = [by_row[start : start + _SEARCHED_AT_ONCE] for start in range(0, len(by_row), _SEARCHED_AT_ONCE)]
    return np.concatenate(on_all_cores(lambda part: search_scales(part, bits, weights[None, None])[:, 0], parts))


def _to_integers(values: FloatArray, bits: int) -> FloatArray:
    """Round in place to whole numbers that `bits` hold."""
    half = 2 ** (bits - 1)
    np.rint(values, out=values)
    np.maximum(values, -half, out=values)
    return np.minimum(values, half - 1, out=values)


def _product(first: FloatArray, second: FloatArray) -> FloatArray:
    """By PyTorch, whose threads the whole export side shares."""
    return (torch.from_numpy(first) @ torch.from_numpy(second)).numpy()
