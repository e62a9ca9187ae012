"""Whether this machine's kernels give the same bits however a text is cut into runs.

For: loading a model. Knows: sessions and plans; measures on the model itself, once a machine, and keeps the answer.
Must not know: requests or sampling.

Compared bit for bit with one run over everything: one token at a time, uneven chunks, and the same with another number
of threads. The first plan that passes is taken: no restriction, no lone rows, canonical chunks. Then, on a processor
and where single tokens need no company: several sequences as one batch against each of them alone. Then, but for
canonical chunks: runs that verify guesses, right and wrong ones, each row against the same one run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from engine.contracts.errors import EngineError
from engine.devices import CPU
from engine.kept_answer import kept_answer
from engine.runtime import Graph, Logits
from engine.session import RunPlan, Session

CHECK_VERSION = 4  # raise it when the check changes, so that old answers are not believed
_PLANS = (RunPlan(), RunPlan(avoids_lone_rows=True))
_HEAD = 52  # positions compared at the start, where attention is short
_TAIL = 24  # and behind a longer text, where other kernels may run
_LENGTH = 600
_BATCHES = (2, 3, 5, 8)  # kernels change with the number of rows
_BATCH_STEPS = 3
_AHEAD_AT_START, _AHEAD_LATER = (33, 9, 5, 2), (17, 3, 4)  # rows of runs that verify guesses, one behind the other
_CHUNKS = ((1, 20), (7, _HEAD), (17, _HEAD), (33, _HEAD), (49, _HEAD))  # chunk size, tokens; some leave a row alone


def find_plan(graph: Graph, context_length: int, other_threads: Callable[[], Graph]) -> RunPlan:
    """Measure; `other_threads` loads the same graph with another number of threads and is asked last."""
    ids = sample_ids(min(_LENGTH, context_length), graph.vocabulary_size)
    reference = _reference(graph, context_length, ids)
    plan = next((plan for plan in _PLANS if _is_exact(graph, context_length, plan, ids, reference)), None)
    if plan is None:
        return RunPlan(is_canonical=True, any_threads=False)
    batches = _batches_exactly(graph, context_length, plan, ids)
    ahead = _runs_ahead_exactly(graph, context_length, plan, ids, reference)
    any_threads = _is_exact(other_threads(), context_length, plan, ids, reference)
    return replace(plan, any_threads=any_threads, batches=batches, ahead=ahead)


def remembered_plan(folder: Path, key: str, measure: Callable[[], RunPlan]) -> RunPlan:
    """The plan kept under `folder` for that key, else the measured one, which is kept from then on."""
    return kept_answer(
        folder,
        f"{CHECK_VERSION} {key}",
        measure,
        read=lambda kept: RunPlan(**{name: bool(value) for name, value in kept["plan"].items()}),
        write=lambda plan: {"plan": asdict(plan)},
    )


def _reference(graph: Graph, context_length: int, ids: list[int]) -> list[Logits]:
    """Logits of the first and the last positions, each from one run over everything before them."""
    runner = graph.new_runner(graph.new_cache(context_length))
    head = runner.run(ids[:_HEAD], 0, len(ids[:_HEAD])).copy()
    tail = runner.run(ids, 0, min(_TAIL, len(ids))).copy()
    return [head, tail]


def _is_exact(graph: Graph, context_length: int, plan: RunPlan, ids: list[int], reference: list[Logits]) -> bool:
    head, tail = reference
    return all(
        np.array_equal(head[position], logits)
        for chunk, count in _CHUNKS
        for position, logits in _run_in_chunks(_new_session(graph, context_length, plan), ids[:count], chunk)
        if position > 0 or chunk > 1  # a text of one token is one row, whatever the plan, and is never reused
    ) and all(np.array_equal(tail[index], logits) for index, logits in _tail(graph, context_length, plan, ids))


def _tail(graph: Graph, context_length: int, plan: RunPlan, ids: list[int]) -> Iterator[tuple[int, Logits]]:
    """A prefill in the session's own chunks, then one token at a time."""
    count = min(_TAIL, len(ids)) - 1
    session = _new_session(graph, context_length, plan)
    logits = session.prefill(ids[: len(ids) - count])
    assert logits is not None
    yield 0, logits[-1]
    for index, token in enumerate(ids[len(ids) - count :], start=1):
        yield index, session.step(token)[-1]


def _run_in_chunks(session: Session, ids: list[int], chunk: int) -> Iterator[tuple[int, Logits]]:
    """(position, logits) of the last token of each chunk."""
    for start in range(0, len(ids), chunk):
        part = ids[start : start + chunk]
        logits = session.step(part[0]) if len(part) == 1 else session.prefill(part)
        assert logits is not None
        yield start + len(part) - 1, logits[-1]


def _runs_ahead_exactly(
    graph: Graph, context_length: int, plan: RunPlan, ids: list[int], reference: list[Logits]
) -> bool:
    """Every row of runs that verify guesses, at the start of a text and behind a longer one."""
    head, tail = reference
    first = len(ids) - len(tail)
    return all(
        np.array_equal(expected[position - offset : position - offset + len(rows)], rows)
        for expected, offset, start, sizes in ((head, 0, 3, _AHEAD_AT_START), (tail, first, first, _AHEAD_LATER))
        for position, rows in _run_ahead(_new_session(graph, context_length, plan), ids, start, offset, sizes, expected)
    )


def _run_ahead(
    session: Session, ids: list[int], start: int, offset: int, sizes: tuple[int, ...], expected: Logits
) -> Iterator[tuple[int, Logits]]:
    """(position, logits of every row) of runs over right guesses, each after a run of the same size over wrong ones."""
    session.prefill(ids[:start])
    for size in sizes:
        position = session.length
        right = ids[position : min(position + size, offset + len(expected))]
        if not right:
            return
        session.run_ahead((right[0], *(ids[-1 - place] for place in range(1, len(right)))))
        session.rewind(position)
        yield position, session.run_ahead(right)


def _batches_exactly(graph: Graph, context_length: int, plan: RunPlan, ids: list[int]) -> bool:
    """Rows of unequal lengths, as candidates that took tokens back have them."""
    if graph.device.name != CPU or plan != RunPlan():
        return False
    session = _new_session(graph, context_length, plan)
    prompt = ids[: max(len(ids) - _BATCH_STEPS, 1)]
    with contextlib.suppress(EngineError):  # a graph that cannot run several rows
        session.prefill(prompt)
        return all(_batch_is_exact(session, len(prompt), ids, rows) for rows in _BATCHES)
    return False


def _batch_is_exact(session: Session, prompt: int, ids: list[int], rows: int) -> bool:
    starts = [max(prompt - row * (row % 3), 1) for row in range(rows)]
    steps = [
        [(start + step, ids[(7 * row + step) % len(ids)]) for row, start in enumerate(starts)]
        for step in range(min(_BATCH_STEPS, session.context_length - prompt))
    ]
    batch = session.new_batch(rows)
    together = [batch.step(wanted).copy() for wanted in steps]
    for row in range(rows):
        copy = session.fork()
        for wanted, logits in zip(steps, together, strict=True):
            position, token = wanted[row]
            copy.rewind(position)
            if not np.array_equal(copy.step(token)[-1], logits[row]):
                return False
    return True


def _new_session(graph: Graph, context_length: int, plan: RunPlan) -> Session:
    return Session(graph, graph.new_cache(context_length), plan)


def sample_ids(count: int, vocabulary_size: int) -> list[int]:
    """The same tokens on every machine: a linear congruential sequence (Knuth's MMIX)."""
    state, ids = 1, list[int]()
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        ids.append((state >> 33) % vocabulary_size)
    return ids
