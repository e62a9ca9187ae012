"""From counts to shares of probability: interpolated Kneser-Ney with modified discounts.

For: pruning and the table. Knows: Chen and Goodman, An Empirical Study of Smoothing Techniques for Language Modeling
(1999), section 3: the discounts of equation 17 from the counts of counts, and counts of continuations below the highest
order. Must not know: files, networks.

    used(n-gram)   highest order, and behind the beginning of a document: how often it stands in the text; else: behind
                   how many different tokens
    share          (used - discount(used)) / Σ used behind the same context
    gain           what the text loses in nats where the n-gram is dropped: weight * ln (p_n / p_(n-1))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.ngrams.counts import Counts

Floats = NDArray[np.floating[Any]]
_UNSEEN = 0.1  # of a continuation: what a token is given that the text does not hold


@dataclass(frozen=True)
class Smoothed:
    """Shares and gains of one order, in the order of its counts."""

    counts: Counts
    share: NDArray[np.float32]
    gain: NDArray[np.float32]


def smooth(levels: Sequence[Counts], vocabulary: int) -> tuple[Floats, list[Smoothed]]:
    """(probabilities of order 1, the other orders) of counted n-grams."""
    continuations = np.bincount(levels[0].suffix, minlength=vocabulary) + _UNSEEN
    unigram = continuations / continuations.sum()
    shorter: Floats = unigram
    result: list[Smoothed] = []
    contexts = vocabulary
    for place, level in enumerate(levels):
        longer = levels[place + 1] if place + 1 < len(levels) else None
        used = level.count
        if longer is not None:  # nothing stands before a document's beginning, so there continuations tell nothing
            used = np.where(level.begins, used, np.bincount(longer.suffix, minlength=len(used)))
        discount = discounts(used)[np.minimum(used, 3)]
        behind = np.bincount(level.context, weights=used, minlength=contexts)
        share = np.maximum(used - discount, 0.0) / np.maximum(behind, 1.0)[level.context]
        rest = 1 - np.bincount(level.context, weights=share, minlength=contexts)
        low = shorter[level.suffix]
        chance = share + rest[level.context] * low
        # Of an n-gram seen once, little more than half comes again: its own occurrence is not counted against it.
        gain = level.weight * (1 - 0.6 / level.count) * np.log(chance / low)
        result.append(Smoothed(level, share.astype(np.float32), gain.astype(np.float32)))
        shorter, contexts = chance, len(level.count)
    return unigram, result


def discounts(used: NDArray[Any]) -> Floats:
    """What is taken off counts of 0, 1, 2 and 3 or more; (4,)."""
    one, two, three, four = (int((used == times).sum()) for times in (1, 2, 3, 4))
    if not (one and two and three):
        return np.array([0.0, 0.5, 0.75, 0.75])  # too little text to tell
    share = one / (one + 2 * two)
    found = [1 - 2 * share * two / one, 2 - 3 * share * three / two, 3 - 4 * share * four / three]
    return np.array([0.0, *(min(max(value, 0.0), times) for times, value in enumerate(found, 1))])
