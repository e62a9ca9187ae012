"""Keys and values that a graph answers as new tensors, past and new positions joined, and the runs over them.

For: graphs that other programs have made. Knows: the graph contract, NumPy arrays, a binding. Must not know: ONNX
Runtime's import, tokens' meaning, model folders.

    past (1, kv_heads, n, head_size) ──> graph ──> present (1, kv_heads, n + rows, head_size), a tensor of its own

What was answered is never written again, so a fork shares it, and a failed run leaves what was there. The price is one
copy of all keys and values a run, inside the graph.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.binding import bind_input, bind_output, run_bound
from engine.contracts import graph_io
from engine.contracts.manifest import CacheLayout

Arrays = tuple[NDArray[Any], ...]  # keys of the first layer, its values, keys of the second, …


class JoinedCache:
    """Keys and values of all layers for `length` positions; `pending` are those of a run that nobody committed yet."""

    def __init__(self, layout: CacheLayout, context_length: int) -> None:
        self.layout, self.context_length = layout, context_length
        self.length = 0
        self._arrays = new_arrays(layout, 0)
        self.pending: Arrays = self._arrays

    def commit(self, length: int) -> None:
        """The pending positions are part of the sequence now; there must be `length` of them."""
        if _positions(self.pending) != length:
            raise ValueError(f"cannot commit {length} positions: the last run has {_positions(self.pending)}")
        self._arrays, self.length = self.pending, length

    def rewind(self, length: int) -> None:
        """Forget the positions from `length` on."""
        self._arrays, self.length = self.head(length), length
        self.pending = self._arrays

    def head(self, length: int) -> Arrays:
        """Keys and values of the first `length` positions."""
        if not 0 <= length <= self.length:
            raise ValueError(f"cannot rewind from {self.length} to {length} positions")
        if length == self.length:
            return self._arrays
        return tuple(np.ascontiguousarray(array[:, :, :length]) for array in self._arrays)

    def fork(self) -> JoinedCache:
        """An independent copy: it shares what is there, since nothing ever writes into it."""
        copy = JoinedCache(self.layout, self.context_length)
        copy._arrays = copy.pending = self._arrays
        copy.length = self.length
        return copy

    @property
    def bytes_used(self) -> int:
        """Memory of all keys and values."""
        return sum(array.nbytes for array in self._arrays)


class RunnableGraph(Protocol):
    """What is needed of a loaded graph."""

    session: Any
    layout: CacheLayout
    inputs: frozenset[str]
    vocabulary_size: int
    logits_dtype: str
    runs_singly: bool


class JoinedRunner:
    """Runs a graph over one such cache."""

    def __init__(self, graph: RunnableGraph, cache: JoinedCache) -> None:
        self._graph, self._cache = graph, cache
        self._binding = graph.session.io_binding()
        self._bound: list[NDArray[Any]] = []  # what the binding points to must live until the run is over

    def run(self, ids: Sequence[int], past: int, keep: int = 1) -> NDArray[np.float32]:
        """Run `ids` behind `past` positions of the cache; logits (keep, vocabulary) of the last rows, 1 or all of them.

        Nothing is committed. Raises `EngineError`.
        """
        arrays, found = self._cache.head(past), list[NDArray[np.float32]]()
        for part in self._parts(ids, past):
            logits, arrays = self._run_part(part, arrays, min(keep, len(part)))
            found.append(logits)
        self._cache.pending = arrays
        return np.concatenate(found)[-keep:] if len(found) > 1 else found[0][-keep:]

    def _parts(self, ids: Sequence[int], past: int) -> list[Sequence[int]]:
        """All at once, unless the graph takes only one token behind others."""
        return [[token] for token in ids] if self._graph.runs_singly and past > 0 else [ids]

    def _run_part(self, ids: Sequence[int], arrays: Arrays, keep: int) -> tuple[NDArray[np.float32], Arrays]:
        past, layout = _positions(arrays), self._graph.layout
        total = past + len(ids)
        self._bound = []
        self._bind(graph_io.INPUT_IDS, np.array([ids], np.int64))
        self._bind(graph_io.ATTENTION_MASK, np.ones((1, total), np.int64))
        self._bind(graph_io.POSITION_IDS, np.arange(past, total, dtype=np.int64)[None])
        self._bind(graph_io.LOGITS_TO_KEEP, np.array(keep, np.int64))
        self._bind(graph_io.USE_CACHE_BRANCH, np.array([past > 0]))
        for name, array in zip(_names(graph_io.past_key, graph_io.past_value, layout.layers), arrays, strict=True):
            self._bind(name, array)
        present = new_arrays(layout, total)
        for name, array in zip(_names(graph_io.present_key, graph_io.present_value, layout.layers), present):
            bind_output(self._binding, name, array)
        rows = keep if graph_io.LOGITS_TO_KEEP in self._graph.inputs else len(ids)
        logits = np.empty((1, rows, self._graph.vocabulary_size), self._graph.logits_dtype)
        bind_output(self._binding, graph_io.LOGITS, logits)
        run_bound(self._graph.session.run_with_iobinding, self._binding)
        return logits[0].astype(np.float32, copy=False), present

    def _bind(self, name: str, array: NDArray[Any]) -> None:
        if name in self._graph.inputs:
            bind_input(self._binding, name, array)
            self._bound.append(array)


def new_arrays(layout: CacheLayout, positions: int) -> Arrays:
    """Room for so many positions; what is in it has no meaning."""
    shape = (1, layout.kv_heads, positions, layout.head_size)
    return tuple(np.empty(shape, layout.dtype) for _ in range(2 * layout.layers))


def _positions(arrays: Arrays) -> int:
    return int(arrays[0].shape[2])


def _names(key: Any, value: Any, layers: int) -> list[str]:
    return [name(layer) for layer in range(layers) for name in (key, value)]
