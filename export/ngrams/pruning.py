"""Which n-grams are worth their bytes.

For: the table. Knows: gains, and that an n-gram needs its own beginning to be found. Must not know: text, files.

Kept are those whose gain is above one threshold for all orders (Stolcke, Entropy-based Pruning of Backoff Language
Models, 1998), and the beginnings of kept ones; the threshold follows from the number that may stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.ngrams.smoothing import Smoothed

Kept = NDArray[np.bool_]
_ROUNDS = 60  # halvings of the threshold's range: few n-grams have gains a million times those of most


def most_useful(levels: Sequence[Smoothed], entries: int) -> list[Kept]:
    """For each order which n-grams stay: at most `entries` of all orders together, as many as one threshold allows."""
    if sum(len(level.gain) for level in levels) <= entries:
        return [np.ones(len(level.gain), bool) for level in levels]
    low, high = 0.0, max(float(level.gain.max(initial=0.0)) for level in levels)
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        if _count(_above(levels, middle)) > entries:
            low = middle
        else:
            high = middle
    return _above(levels, high)


def _above(levels: Sequence[Smoothed], threshold: float) -> list[Kept]:
    kept: list[Kept] = []
    needed: NDArray[Any] | bool = False
    for level in reversed(levels):
        here = (level.gain > threshold) | needed
        kept.append(here)
        shorter = level.counts.order - 2
        if shorter:
            needed = np.zeros(len(levels[shorter - 1].gain), bool)
            needed[level.counts.context[here]] = True
    return kept[::-1]


def _count(kept: Sequence[Kept]) -> int:
    return sum(int(here.sum()) for here in kept)
