"""The cache keeps what is committed through growing and forking, and refuses impossible lengths."""

import numpy as np
import pytest

from engine.contracts.manifest import CacheLayout
from engine.kv_cache import FIRST_CAPACITY, HostBuffer, KVCache, aligned_zeros

LAYOUT = CacheLayout(layers=2, kv_heads=3, head_size=8, dtype="float32")


def arrays(cache: KVCache) -> list[np.ndarray]:
    return [buffer.array for pair in cache.buffers for buffer in pair if isinstance(buffer, HostBuffer)]


def fill(cache: KVCache, length: int) -> None:
    cache.reserve(length)
    for index, array in enumerate(arrays(cache)):
        array[:, :, :length] = np.arange(length)[None, None, :, None] + 1000 * index
    cache.commit(length)


def test_growing_doubles_and_keeps_what_is_committed() -> None:
    cache = KVCache(LAYOUT, 5 * FIRST_CAPACITY)
    fill(cache, 10)
    before = [array[:, :, :10].copy() for array in arrays(cache)]
    capacities = []
    for total in (FIRST_CAPACITY, FIRST_CAPACITY + 1, 3 * FIRST_CAPACITY, 5 * FIRST_CAPACITY):
        cache.reserve(total)
        capacities.append(cache.capacity // FIRST_CAPACITY)
    assert capacities == [1, 2, 4, 5]
    assert cache.generation == 3
    assert all(np.array_equal(array[:, :, :10], old) for array, old in zip(arrays(cache), before))


def test_a_short_context_is_never_exceeded() -> None:
    cache = KVCache(LAYOUT, 20)
    assert cache.capacity == 20
    with pytest.raises(ValueError, match="do not fit"):
        cache.reserve(21)


def test_a_fork_is_independent() -> None:
    cache = KVCache(LAYOUT, 64)
    fill(cache, 5)
    copy = cache.fork()
    assert copy.length == 5
    assert all(np.array_equal(a[:, :, :5], b[:, :, :5]) for a, b in zip(arrays(copy), arrays(cache)))
    arrays(copy)[0][...] = -1
    copy.rewind(2)
    assert arrays(cache)[0][0, 0, 4, 0] == 4
    assert cache.length == 5


def test_impossible_lengths_are_refused() -> None:
    cache = KVCache(LAYOUT, 64)
    fill(cache, 5)
    for change, length in ((cache.rewind, 6), (cache.rewind, -1), (cache.commit, 4), (cache.commit, 65)):
        with pytest.raises(ValueError, match="cannot"):
            change(length)
    assert cache.length == 5


@pytest.mark.parametrize(("dtype", "size"), [("float32", 4), ("float16", 2), ("int8", 1)])
def test_memory_is_counted_by_dtype(dtype: str, size: int) -> None:
    cache = KVCache(CacheLayout(2, 3, 8, dtype), 100)
    assert cache.bytes_used == sum(array.nbytes for array in arrays(cache)) == 4 * 3 * 100 * 8 * size


def test_buffers_begin_on_a_cache_line() -> None:
    assert all(aligned_zeros((1, 3, size, 8), "int8").ctypes.data % 64 == 0 for size in range(1, 20))


def test_a_growth_that_finds_no_memory_changes_nothing() -> None:
    """The half way too: some of the larger buffers are there, the next one fails."""
    is_full = False
    made = 0

    def allocate(shape: tuple[int, ...], dtype: str) -> HostBuffer:
        nonlocal made
        made += 1
        if is_full and made % 3 == 0:
            raise MemoryError
        return HostBuffer(shape, dtype)

    cache = KVCache(LAYOUT, 5 * FIRST_CAPACITY, allocate)
    fill(cache, 10)
    before = [array.copy() for array in arrays(cache)]
    is_full = True
    with pytest.raises(MemoryError):
        cache.reserve(FIRST_CAPACITY + 1)
    assert (cache.capacity, cache.generation, cache.length) == (FIRST_CAPACITY, 0, 10)
    assert all(np.array_equal(array, old) for array, old in zip(arrays(cache), before))
    is_full = False
    cache.reserve(FIRST_CAPACITY + 1)
    assert {array.shape[2] for array in arrays(cache)} == {2 * FIRST_CAPACITY}
