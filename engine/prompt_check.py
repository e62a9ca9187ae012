"""Whether prompts should run through their own graph on this machine: where it is exact and measured clearly faster.

For: loading a model that brings one. Knows: sessions and plans; measures on the model itself.
Must not know: requests, sampling, where answers are kept.

Exact: the last row of every chunk has the bits that it has in one run over everything, on another number
of threads too. What a row left in the cache counts through the rows behind it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from engine.runtime import Graph, Logits
from engine.self_check import sample_ids
from engine.session import RunPlan, Session

_SHORT, _LONG = 150, 600  # tokens of the texts
_CHUNKS = (1, 2, 7, 33, 64, 100)  # what the short text is cut into
_ENDS = (1, 20, 129)  # and the long one finished in
_TIMED, _ROUNDS = 256, 3  # tokens of a prompt, and how often each graph runs it; the fastest counts
# Of the decoder's time, at most: a second graph takes as much memory again, and what was generated runs through it once
# more when it has become a prompt.
_WORTH = 0.8


@dataclass(frozen=True)
class Graphs:
    """The decoder, the graph for prompts, and how long a text may be."""

    decoder: Graph
    prompts: Graph
    context_length: int

    def new_session(self, plan: RunPlan) -> Session:
        """An empty session over both."""
        return Session(self.decoder, self.decoder.new_cache(self.context_length), plan, self.prompts)


def prompts_pay(graphs: Graphs, other_threads: Callable[[], Graph | None]) -> bool:
    """Whether prompts through their own graph are exact on any number of threads and save a fifth of the time.

    The answer must be kept for good and for every number of threads: another one would be another text.
    """
    own = RunPlan(prompt_graph=True)
    ids = sample_ids(min(_LONG, graphs.context_length), graphs.decoder.vocabulary_size)
    short = ids[:_SHORT]
    wanted = _Wanted(short, _in_one_run(graphs, short, len(short)), ids, _in_one_run(graphs, ids, 1)[-1])
    if not _is_exact(graphs, own, wanted) or not _is_faster(graphs, own, ids[:_TIMED]):
        return False
    other = other_threads()
    return other is not None and _is_exact(replace(graphs, prompts=other), own, wanted)


@dataclass(frozen=True)
class _Wanted:
    """A short text with the logits of each row, and a long one with those of its last, each from one run."""

    short: list[int]
    rows: Logits
    long: list[int]
    last: Logits


def _in_one_run(graphs: Graphs, ids: list[int], keep: int) -> Logits:
    runner = graphs.prompts.new_runner(graphs.prompts.new_cache(graphs.context_length))
    return runner.run(ids, 0, keep).copy()


def _is_exact(graphs: Graphs, plan: RunPlan, wanted: _Wanted) -> bool:
    short = (pair for chunk in _CHUNKS for pair in _in_chunks(graphs, plan, wanted.short, chunk))
    if not all(np.array_equal(wanted.rows[position], row) for position, row in short):
        return False
    return all(np.array_equal(_finished_in(graphs, plan, wanted.long, rows), wanted.last) for rows in _ENDS)


def _in_chunks(graphs: Graphs, plan: RunPlan, ids: list[int], chunk: int) -> Iterator[tuple[int, Logits]]:
    """(position, logits) of the last token of each chunk."""
    session = graphs.new_session(plan)
    for start in range(0, len(ids), chunk):
        logits = session.prefill(ids[start : start + chunk])
        assert logits is not None
        yield session.length - 1, logits[-1]


def _finished_in(graphs: Graphs, plan: RunPlan, ids: list[int], rows: int) -> Logits:
    """The session's own chunks, and the last `rows` tokens in a call of their own."""
    session = graphs.new_session(plan)
    split = max(len(ids) - rows, 1)
    session.prefill(ids[:split])
    logits = session.prefill(ids[split:])
    assert logits is not None
    last: Logits = logits[-1]
    return last


def _is_faster(graphs: Graphs, own: RunPlan, ids: list[int]) -> bool:
    seconds = [(_seconds(graphs, own, ids), _seconds(graphs, RunPlan(), ids)) for _ in range(_ROUNDS)]
    return min(mine for mine, _ in seconds) < _WORTH * min(decoder for _, decoder in seconds)


def _seconds(graphs: Graphs, plan: RunPlan, ids: list[int]) -> float:
    session = graphs.new_session(plan)
    began = time.perf_counter()
    session.prefill(ids)
    return time.perf_counter() - began
