"""The preallocated keys and values of one sequence.

For: a session. Knows: which positions are committed, growing by doubling, rewinding and copying.
Must not know: tokens, ONNX Runtime, or how a graph uses the buffers.

    buffer   (1, kv_heads, capacity, head_size) per layer, keys and values
             |<-- length: committed -->|<-- written by a run that may still fail -->|<-- free -->|

A run writes behind `length`; only `commit` makes that part of the sequence, so a failed run leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.contracts.manifest import CacheLayout

FIRST_CAPACITY = 256  # positions; doubles up to the model's context
_ALIGNMENT = 64  # bytes: a cache line, and the widest vector register

Shape = tuple[int, ...]


class Buffer(Protocol):
    """One tensor that stays at one address, in the computer's memory or a device's."""

    @property
    def shape(self) -> Shape:
        """Its sizes: (1, kv_heads, positions, head_size)."""

    def copy_from(self, other: Any, positions: int) -> None:
        """Take the first `positions` positions of another buffer of the same kind."""


class HostBuffer:
    """A buffer in the computer's memory, aligned for the processor."""

    def __init__(self, shape: Shape, dtype: str) -> None:
        self.array: NDArray[Any] = aligned_zeros(shape, dtype)

    @property
    def shape(self) -> Shape:
        return self.array.shape

    def copy_from(self, other: HostBuffer, positions: int) -> None:
        self.array[:, :, :positions] = other.array[:, :, :positions]


Allocate = Callable[[Shape, str], Buffer]


class KVCache:
    """Keys and values of all layers. `generation` changes whenever the buffers are other ones than before."""

    def __init__(self, layout: CacheLayout, context_length: int, allocate: Allocate = HostBuffer) -> None:
        self.layout = layout
        self.context_length = context_length
        self.length = 0
        self.capacity = min(FIRST_CAPACITY, context_length)
        self.generation = 0
        self._allocate = allocate
        self.buffers = self._new_buffers()

    def reserve(self, total: int) -> None:
        """Make room for `total` positions, keeping what is committed."""
        if total > self.context_length:
            raise ValueError(f"{total} positions do not fit a context of {self.context_length}")
        if total <= self.capacity:
            return
        while self.capacity < total:
            self.capacity = min(2 * self.capacity, self.context_length)
        old, self.buffers = self.buffers, self._new_buffers()
        self._copy(old)
        self.generation += 1

    def commit(self, length: int) -> None:
        """Positions up to `length` were written by a run that succeeded."""
        if not self.length <= length <= self.capacity:
            raise ValueError(f"cannot commit {length} positions over {self.length} in a buffer of {self.capacity}")
        self.length = length

    def rewind(self, length: int) -> None:
        """Forget the positions from `length` on."""
        if not 0 <= length <= self.length:
            raise ValueError(f"cannot rewind from {self.length} to {length} positions")
        self.length = length

    def fork(self) -> KVCache:
        """An independent copy."""
        copy = KVCache.__new__(KVCache)
        copy.__dict__.update(self.__dict__)
        copy.buffers = copy._new_buffers()
        copy._copy(self.buffers)
        return copy

    @property
    def bytes_used(self) -> int:
        """Memory of all buffers."""
        count = int(np.prod(self._shape())) * np.dtype(self.layout.dtype).itemsize
        return 2 * self.layout.layers * count

    def _shape(self) -> Shape:
        return (1, self.layout.kv_heads, self.capacity, self.layout.head_size)

    def _new_buffers(self) -> list[tuple[Buffer, Buffer]]:
        """One (keys, values) pair per layer."""
        shape, dtype = self._shape(), self.layout.dtype
        return [(self._allocate(shape, dtype), self._allocate(shape, dtype)) for _ in range(self.layout.layers)]

    def _copy(self, source: list[tuple[Buffer, Buffer]]) -> None:
        for mine, theirs in zip(self.buffers, source, strict=True):
            for target, origin in zip(mine, theirs, strict=True):
                target.copy_from(origin, self.length)


def aligned_zeros(shape: Shape, dtype: str) -> NDArray[Any]:
    """Zeros whose first byte lies on a cache line."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    return raw[start : start + size].view(dtype).reshape(shape)
