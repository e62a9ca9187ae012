"""How fast this machine's memory can be read: what no decoding that reads all its weights can outrun.

Knows NumPy and threads. The maximum of a long vector reads every number once from memory and does nothing else that
takes time; each thread has a vector of its own.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

VECTOR_BYTES = 256 * 1024 * 1024  # a thread; far beyond any cache
PASSES = 6


class ReadBandwidth:
    """Vectors to be read again and again, one for each thread."""

    def __init__(self, threads: int, vector_bytes: int = VECTOR_BYTES) -> None:
        self._vectors = [np.ones(vector_bytes // 4, np.float32) for _ in range(threads)]
        self._pool = ThreadPoolExecutor(threads)

    def measure(self) -> float:
        """Bytes per second of all threads together: the best of a few passes, since others only slow it down."""
        return max(self._one_pass() for _ in range(PASSES))

    def _one_pass(self) -> float:
        began = time.perf_counter()
        list(self._pool.map(_read, self._vectors))
        return sum(vector.nbytes for vector in self._vectors) / (time.perf_counter() - began)


def _read(vector: NDArray[np.float32]) -> float:
    return float(vector.max())
