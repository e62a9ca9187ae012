"""Keys and values that grow by joining: what is committed stays, whatever runs, forks or fails."""

import numpy as np
import pytest

from engine.contracts.manifest import CacheLayout
from engine.joined_cache import JoinedCache, new_arrays

LAYOUT = CacheLayout(2, 3, 8, "float16", joined=True)


def run(cache: JoinedCache, past: int, rows: int, value: float) -> None:
    """As a graph does: new tensors with the past in front."""
    joined = []
    for before, after in zip(cache.head(past), new_arrays(LAYOUT, past + rows), strict=True):
        after[:, :, :past] = before
        after[:, :, past:] = value
        joined.append(after)
    cache.pending = tuple(joined)


def content(cache: JoinedCache) -> list[float]:
    """The value at each position, the same in all layers, keys and values."""
    arrays = cache.head(cache.length)
    assert len({array[0, 0, :, 0].tobytes() for array in arrays}) == 1
    return [float(value) for value in arrays[0][0, 0, :, 0]]


def test_only_what_is_committed_is_there() -> None:
    cache = JoinedCache(LAYOUT, 16)
    run(cache, 0, 2, 1)
    assert cache.length == 0
    cache.commit(2)
    run(cache, 2, 1, 2)
    run(cache, 2, 1, 3)  # the run before failed, or was only a measurement
    cache.commit(3)
    assert content(cache) == [1, 1, 3]


def test_a_run_that_did_not_happen_cannot_be_committed() -> None:
    cache = JoinedCache(LAYOUT, 16)
    run(cache, 0, 2, 1)
    with pytest.raises(ValueError, match="cannot commit 3"):
        cache.commit(3)


def test_it_goes_back_and_on() -> None:
    cache = JoinedCache(LAYOUT, 16)
    run(cache, 0, 4, 1)
    cache.commit(4)
    cache.rewind(2)
    run(cache, 2, 1, 5)
    cache.commit(3)
    assert content(cache) == [1, 1, 5]
    cache.rewind(0)
    assert content(cache) == []
    with pytest.raises(ValueError, match="cannot rewind"):
        cache.rewind(1)


def test_a_run_may_begin_before_the_end() -> None:
    """A token is run again to keep another company: the positions behind it are computed anew."""
    cache = JoinedCache(LAYOUT, 16)
    run(cache, 0, 3, 1)
    cache.commit(3)
    run(cache, 2, 2, 9)
    cache.commit(4)
    assert content(cache) == [1, 1, 9, 9]


def test_copies_share_memory_and_nothing_else() -> None:
    cache = JoinedCache(LAYOUT, 16)
    run(cache, 0, 3, 1)
    cache.commit(3)
    copy = cache.fork()
    assert all(np.shares_memory(a, b) for a, b in zip(cache.head(3), copy.head(3), strict=True))
    run(copy, 3, 1, 2)
    copy.commit(4)
    cache.rewind(1)
    assert (content(cache), content(copy)) == ([1], [1, 1, 1, 2])
    assert copy.bytes_used == 2 * 2 * 3 * 4 * 8 * 2  # layers, keys and values, heads, positions, size, bytes
