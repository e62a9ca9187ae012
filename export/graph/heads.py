"""Where a head's channels lie once they are padded to a size that GroupQueryAttention accepts.

    learned positions, 20 -> 24:      | 0 … 19 | 0 0 0 0 |
    rotary, 20 -> 32:                 | 0 … 9 | 0 0 0 0 0 0 | 10 … 19 | 0 0 0 0 0 0 |     pairs stay half a head apart

The added channels are zeros in query, key and value, so no score and no result changes; the scale stays the true one.
Knows array layout. Must not know graphs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.contracts.graph_io import padded_head_size
from export.graph.builder import FloatArray
from export.model.config import ModelConfig


class HeadLayout:
    """Maps the true head channels of a model into the padded ones."""

    def __init__(self, config: ModelConfig) -> None:
        rotary = config.positions == "rotary"
        self.true_size = config.head_size
        self.size = padded_head_size(config.head_size, rotary=rotary)
        self.places: NDArray[np.int64] = np.arange(self.true_size)
        if rotary:
            half = self.true_size // 2
            self.places[half:] += (self.size - self.true_size) // 2

    def rows(self, matrix: FloatArray) -> FloatArray:
        """(heads * true, in) -> (heads * padded, in); also biases (heads * true,) -> (heads * padded,)."""
        if self.size == self.true_size:
            return matrix
        heads = matrix.shape[0] // self.true_size
        padded = np.zeros((heads, self.size, *matrix.shape[1:]), matrix.dtype)
        padded[:, self.places] = matrix.reshape(heads, self.true_size, *matrix.shape[1:])
        return padded.reshape(heads * self.size, *matrix.shape[1:])

    def columns(self, matrix: FloatArray) -> FloatArray:
        """(out, heads * true) -> (out, heads * padded)."""
        return np.ascontiguousarray(self.rows(np.ascontiguousarray(matrix.T)).T)

    def rotary_tables(self, config: ModelConfig) -> tuple[FloatArray, FloatArray]:
        """Cosines and sines, (context, padded / 2) each; a padded channel turns by nothing."""
        half = config.head_size // 2
        frequencies = config.rotary_base ** -(np.arange(0, config.head_size, 2) / config.head_size)
        angles = np.zeros((config.context_length, self.size // 2))
        angles[:, :half] = np.outer(np.arange(config.context_length), frequencies)
        return np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
