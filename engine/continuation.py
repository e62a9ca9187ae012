"""Does a graph that another program made go on with its cache as if it ran everything anew?

For: loading a folder that brings no certificate. Knows: graphs and runners. Must not know: folders, requests.

    whole     8 tokens in one run                     what the graph computes without any cache
    together  4 tokens, then 4 more in one run        some graphs cannot, or lose the order among the four
    singly    4 tokens, then 4 more one by one        what the programs that made them do

Differences of rounding are allowed, and those of activations that are quantized run by run, which are far larger.
"""

from __future__ import annotations

import numpy as np

from engine.contracts.errors import EngineError, ModelFolderError
from engine.runtime import Graph, Logits

_TOKENS, _HEAD = 8, 4
_TOGETHER, _SINGLY = 0.05, 0.5  # root mean square of the difference over that of the logits


def check_continuation(graph: Graph, context_length: int) -> None:
    """Measure, and set `runs_singly` where only that is right. Raises `ModelFolderError` where nothing is."""
    ids = [(7 * index + 3) % graph.vocabulary_size for index in range(min(_TOKENS, context_length))]
    head = min(_HEAD, len(ids) - 1)
    if head < 1:
        return
    whole = _run(graph, context_length, ids, 0)[head:]
    graph.runs_singly = False
    if graph.layout.joined:
        graph.runs_singly = not _runs_together(graph, context_length, ids, head, whole)
    try:
        found = _run(graph, context_length, ids, head)
    except EngineError as error:
        raise ModelFolderError(
            f"the graph cannot go on behind a text that it has run ({error}); "
            "export the model again, perhaps in another precision"
        ) from error
    if not _is_close(found, whole, _SINGLY):
        raise ModelFolderError(
            "the graph gives other answers with its cache than without one, so this program does not know its kind; "
            "export the model again with a cache (text-generation-with-past)"
        )


def _runs_together(graph: Graph, context_length: int, ids: list[int], head: int, whole: Logits) -> bool:
    try:
        return _is_close(_run(graph, context_length, ids, head), whole, _TOGETHER)
    except EngineError:
        return False


def _is_close(found: Logits, whole: Logits, bound: float) -> bool:
    with np.errstate(all="ignore"):
        scale = float(np.sqrt(np.mean(np.square(whole, dtype=np.float64))))
        difference = float(np.sqrt(np.mean(np.square(found.astype(np.float64) - whole))))
    return difference <= bound * scale


def _run(graph: Graph, context_length: int, ids: list[int], head: int) -> Logits:
    """Logits of all tokens behind the first `head`, which run before the others."""
    cache = graph.new_cache(context_length)
    runner = graph.new_runner(cache)
    if head:
        runner.run(ids[:head], 0, 1)
        cache.commit(head)
    return runner.run(ids[head:], head, len(ids) - head).copy()
