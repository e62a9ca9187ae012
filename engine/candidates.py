"""The tokens that may come next and their scores, cut down by the sampling chain.

For: `sampling`. Knows: scores and the order "higher score first, then lower id"; must not know settings or seeds.

    whole   scores of all tokens, by id           until a cut needs the order
    few     (ids, scores), best first             what a cut left; never empty

The whole vocabulary is rarely sorted: a cut sorts the scores near the highest, and more only if those fall short, which
costs one comparison of the whole each time. The result is that of sorting everything (the tests hold it against that).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Ids = NDArray[np.int64]

_DISTANCES = (
    3.0,
    5.0,
    7.0,
    9.0,
    12.0,
    16.0,
    math.inf,
)  # below the highest score, in nats: where to look for the best few


class Candidates:
    """One distribution under construction; reused from token to token, so its arrays are allocated once."""

    def __init__(self, vocabulary_size: int) -> None:
        """`vocabulary_size`: how many logits there are."""
        self._whole: Scores = np.zeros(vocabulary_size)
        self._weights: Scores = np.zeros(vocabulary_size)
        self._ids: Ids | None = None
        self._few: Scores = self._whole
        self._highest = 0.0
        self._total = 0.0  # of the weights of the whole; 0 = not computed since the scores changed

    def fill(self, logits: NDArray[np.float32]) -> None:
        """Begin with all tokens; `logits` (vocabulary,)."""
        np.copyto(self._whole, logits)
        self._ids = None
        self._highest = float(self._whole.max())
        self._total = 0.0

    @property
    def highest(self) -> float:
        """The highest score before the first cut; NaN if any score is."""
        return self._highest

    @property
    def normalizer(self) -> float:
        """ln Σ exp(score) over all tokens; only before the first cut."""
        return self._highest + math.log(self._whole_total())

    def forbid_from(self, first: int) -> None:
        """Leave no probability to the ids from `first` on; only before the first cut."""
        if first < len(self._whole):
            self._whole[first:] = -math.inf
            self._highest = float(self._whole.max())
            self._total = 0.0

    def multiply(self, ids: Ids, above_zero: float, below_zero: float) -> None:
        """Multiply the scores of `ids` by one factor where they are positive and by another where they are negative."""
        if self._ids is None:
            scores = self._whole[ids]
            self._whole[ids] = np.where(scores > 0, scores * above_zero, scores * below_zero)
            self._highest = float(self._whole.max())
            self._total = 0.0
            return
        chosen = np.isin(self._ids, ids)
        factors = np.where(self._few > 0, above_zero, below_zero)
        scores = np.where(chosen, self._few * factors, self._few)
        order = np.lexsort((self._ids, -scores))
        self._ids, self._few = self._ids[order], scores[order]

    def scale(self, factor: float) -> None:
        """Multiply all scores by a positive factor."""
        if self._ids is None:
            self._whole *= factor
            self._highest *= factor
            self._total = 0.0
        else:
            self._few = self._few * factor

    def keep_best(self, count: int) -> None:
        """Keep the `count` best."""
        if self._ids is None:
            self._ids = best_ids(self._whole, count)
            self._few = self._whole[self._ids]
        else:
            self._cut(count)

    def keep_near(self, distance: float) -> None:
        """Keep the scores that are at most `distance` below the highest."""
        if self._ids is None:
            self._ids = ids_near(self._whole, self._highest - distance)
            self._few = self._whole[self._ids]
        else:
            self._cut(int(np.count_nonzero(self._few >= self._few[0] - distance)))

    def keep_mass(self, share: float) -> None:
        """Keep the smallest number of best ones that hold `share` of the probability."""
        sums, total = self._best_sums(share)
        self._cut(int(np.searchsorted(sums, share * total, side="left")) + 1)

    def choose(self, number: float) -> int:
        """The token in whose share of [0, 1), laid out best first, `number` lies."""
        sums, total = self._best_sums(number)
        place = int(np.searchsorted(sums, number * total, side="right"))
        assert self._ids is not None
        return int(self._ids[min(place, len(self._ids) - 1)])

    def list(self) -> tuple[Ids, Scores]:
        """What is left, best first."""
        if self._ids is None:
            self.keep_best(len(self._whole))
        assert self._ids is not None
        return self._ids, self._few

    def _best_sums(self, share: float) -> tuple[Scores, float]:
        """Running sums of exp(score - highest), best first, at least as far as `share` reaches; the sum of all."""
        if self._ids is not None:
            sums = np.cumsum(np.exp(self._few - self._few[0]))
            return sums, float(sums[-1])
        total = self._whole_total()
        for distance in _DISTANCES:
            near = self._whole >= self._highest - distance
            if distance < math.inf and float(self._weights[near].sum()) <= share * total:
                continue  # too few: not worth sorting
            self._ids = ids_near(self._whole, self._highest - distance)
            self._few = self._whole[self._ids]
            sums = np.cumsum(self._weights[self._ids])
            if sums[-1] > share * total:
                break
        return sums, total

    def _whole_total(self) -> float:
        if self._total == 0.0:
            np.subtract(self._whole, self._highest, out=self._weights)
            np.exp(self._weights, out=self._weights)
            self._total = float(self._weights.sum())
        return self._total

    def _cut(self, count: int) -> None:
        assert self._ids is not None
        count = max(count, 1)
        self._ids, self._few = self._ids[:count], self._few[:count]


def best_ids(scores: NDArray[np.floating[Any]], count: int) -> Ids:
    """Ids of the `count` highest scores, best first, the lower id first among equals; the rest is rarely sorted."""
    if count == 1:
        return np.array([scores.argmax()], np.int64)  # the first of equals
    highest = float(scores.max())
    for distance in _DISTANCES:
        ids = ids_near(scores, highest - distance)
        if len(ids) >= count:
            break
    return ids[:count]


def ids_near(scores: NDArray[np.floating[Any]], lowest: float) -> Ids:
    """Ids of the scores that reach `lowest`, best first, the lower id first among equals."""
    ids = np.flatnonzero(scores >= lowest)
    return ids[np.argsort(-scores[ids], kind="stable")]
