"""The preallocated keys and values of one sequence, or of several that began as one.

For: a session, and a batch of candidates. Knows: which positions are committed, growing by doubling, rewinding and
copying. Must not know: tokens, ONNX Runtime, or how a graph uses the buffers.

    buffer   (1, kv_heads, capacity, head_size) per layer, keys and values
             |<-- length: committed -->|<-- written by a run that may still fail -->|<-- free -->|

A run writes behind `length`; only `commit` makes that part of the sequence, so a failed run leaves nothing behind.

    batch    (rows, kv_heads, capacity, head_size): row r is a sequence, its first positions copied from the session's
             where a row leaves, the last one takes its place, so the rows in use are always the first ones
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.contracts.errors import EngineError
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


class Cache(Protocol):
    """What a session asks of the keys and values of one sequence."""

    context_length: int
    length: int

    @property
    def bytes_used(self) -> int:
        """Memory of all keys and values."""

    def commit(self, length: int) -> None:
        """Positions up to `length` were written by a run that succeeded."""

    def rewind(self, length: int) -> None:
        """Forget the positions from `length` on."""

    def fork(self) -> Cache:
        """An independent copy."""


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
        self.buffers = self._new_buffers(self.capacity)

    def reserve(self, total: int) -> None:
        """Make room for `total` positions, keeping what is committed."""
        capacity = grown_capacity(self.capacity, total, self.context_length)
        if capacity == self.capacity:
            return
        larger = self._new_buffers(capacity)  # where the memory is full, nothing has changed yet
        old, self.buffers, self.capacity = self.buffers, larger, capacity
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
        copy.buffers = copy._new_buffers(copy.capacity)
        copy._copy(self.buffers)
        return copy

    @property
    def bytes_used(self) -> int:
        """Memory of all buffers."""
        count = int(np.prod(self._shape(self.capacity))) * np.dtype(self.layout.dtype).itemsize
        return 2 * self.layout.layers * count

    @property
    def is_in_memory(self) -> bool:
        """Whether the buffers lie in the computer's memory, not in a device's."""
        return all(isinstance(buffer, HostBuffer) for pair in self.buffers for buffer in pair)

    @property
    def committed_bytes(self) -> int:
        """What is committed, in bytes: the sum of all `parts`."""
        return self.bytes_used // self.capacity * self.length

    def parts(self, length: int) -> Iterator[memoryview]:
        """The first `length` positions as writable bytes, head by head: to be saved, or filled and then committed."""
        self.reserve(length)
        for array in _host_arrays(self):
            for head in array[0]:
                yield memoryview(head[:length]).cast("B")

    def _shape(self, capacity: int) -> Shape:
        return (1, self.layout.kv_heads, capacity, self.layout.head_size)

    def _new_buffers(self, capacity: int) -> list[tuple[Buffer, Buffer]]:
        """One (keys, values) pair per layer."""
        shape, dtype = self._shape(capacity), self.layout.dtype
        return [(self._allocate(shape, dtype), self._allocate(shape, dtype)) for _ in range(self.layout.layers)]

    def _copy(self, source: list[tuple[Buffer, Buffer]]) -> None:
        for mine, theirs in zip(self.buffers, source, strict=True):
            for target, origin in zip(mine, theirs, strict=True):
                target.copy_from(origin, self.length)


class BatchCache:
    """Keys and values of several sequences in the computer's memory, a row each. Who owns it knows their lengths."""

    def __init__(self, source: Cache, rows: int) -> None:
        """`rows` copies of what `source` has committed. Raises `EngineError` where they cannot stand in one buffer."""
        if not isinstance(source, KVCache):
            raise EngineError("this model runs one text at a time; ask for one candidate")
        self._layout, self._context_length = source.layout, source.context_length
        self.rows, self.capacity, self.generation = rows, source.capacity, 0
        self.shared = source.length  # positions that are the same in all rows; fewer once a row was cut before them
        self.arrays = self._new_arrays()
        for mine, theirs in zip(self.arrays, _host_arrays(source), strict=True):
            mine[:, :, : source.length] = theirs[:, :, : source.length]

    def reserve(self, total: int) -> None:
        """Make room for `total` positions in every row, keeping what is there."""
        if total <= self.capacity:
            return
        kept = self.capacity
        self.capacity = grown_capacity(self.capacity, total, self._context_length)
        old, self.arrays = self.arrays, self._new_arrays()
        for mine, theirs in zip(self.arrays, old, strict=True):
            mine[:, :, :kept] = theirs[: self.rows]
        self.generation += 1

    def drop(self, row: int, length: int) -> None:
        """Let the last row, of which `length` positions count, take the place of `row`; one row less is left."""
        last = self.rows - 1
        if row != last:
            for array in self.arrays:
                array[row, :, :length] = array[last, :, :length]
        self.rows = last

    def rearrange(self, parents: Sequence[int], start: int, end: int) -> None:
        """Row r gets the positions from `start` to `end` of row `parents[r]`; before, all rows are the same."""
        for array in self.arrays:
            array[: len(parents), :, start:end] = array[list(parents), :, start:end]

    def _new_arrays(self) -> list[NDArray[Any]]:
        """Keys and values of the first layer, of the second, …"""
        layout = self._layout
        shape = (self.rows, layout.kv_heads, self.capacity, layout.head_size)
        return [aligned_zeros(shape, layout.dtype) for _ in range(2 * layout.layers)]


def grown_capacity(capacity: int, total: int, context_length: int) -> int:
    """`capacity` doubled until `total` positions fit, at most the context."""
    if total > context_length:
        raise ValueError(f"{total} positions do not fit a context of {context_length}")
    while capacity < total:
        capacity = min(2 * capacity, context_length)
    return capacity


def _host_arrays(cache: KVCache) -> Iterator[NDArray[Any]]:
    for buffer in (buffer for pair in cache.buffers for buffer in pair):
        if not isinstance(buffer, HostBuffer):
            raise ValueError("a batch lies in the computer's memory, and this cache does not")
        yield buffer.array


def aligned_zeros(shape: Shape, dtype: str) -> NDArray[Any]:
    """Zeros whose first byte lies on a cache line."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    raw = np.zeros(size + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    return raw[start : start + size].view(dtype).reshape(shape)
