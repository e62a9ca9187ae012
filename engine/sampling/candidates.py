"""The tokens that may come next and their scores, cut down by the sampling chain.

For: the stages. Knows: scores and the order "higher score first, then lower id"; must not know settings or seeds.

    whole   scores of all tokens, by id           until a cut needs the order
    few     (ids, scores), best first             what a cut left; never empty

A score of minus infinity is a forbidden token: it has no probability, is never among the few, and is never chosen.
The whole vocabulary is rarely sorted: a cut sorts the scores near the highest, and more only if those fall short, which
costs one comparison of the whole each time. The result is that of sorting everything (the tests hold it against that).
"""

from __future__ import annotations

import math
from collections.abc import Container
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.contracts.errors import EmptyDistributionError
from engine.kernels.survey import survey

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
    """One distribution under construction; reused from token to token, so its largest array is allocated once."""

    def __init__(self, vocabulary_size: int) -> None:
        """`vocabulary_size`: how many logits there are."""
        self._scores: Scores = np.zeros(vocabulary_size)
        self._logits: NDArray[np.float32] | None = None  # as long as the scores are these and have not been copied
        self._forbidden: list[Ids | slice] = []  # what the copy will leave without probability; never the best
        self._ids: Ids | None = None
        self._few: Scores = self._scores
        self._best = -1  # the first id of the highest score; -1 = not known since the scores changed
        self._highest = 0.0
        self._total = 0.0  # of exp(score - highest) of the whole; 0 = not computed since the scores changed
        self._share = 1.0  # of the probability that a cut of the whole wanted to keep; 1 = none waits

    def fill(self, logits: NDArray[np.float32]) -> None:
        """Begin with all tokens; `logits` (vocabulary,), which must stay as they are until a token is chosen."""
        self._logits, self._ids = logits, None
        self._forbidden.clear()
        self._best, self._highest, self._total = survey(logits)
        self._share = 1.0

    @property
    def _whole(self) -> Scores:
        """The scores of all tokens, by id: copied when first asked for, since the best token alone needs none."""
        if self._logits is not None:
            np.copyto(self._scores, self._logits)
            self._logits = None
            for ids in self._forbidden:
                self._scores[ids] = -math.inf
        return self._scores

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
        if first < len(self._scores):
            self._leave_out(slice(first, None), self._best >= first)

    def multiply(self, ids: Ids, above_zero: float, below_zero: float) -> None:
        """Multiply the scores of `ids` by one factor where they are positive and by another where they are negative."""
        self._settle()
        if self._ids is None:
            scores = self._whole[ids]
            self._whole[ids] = np.where(scores > 0, scores * above_zero, scores * below_zero)
            self._whole_changed()
            return
        chosen = np.isin(self._ids, ids)
        factors = np.where(self._few > 0, above_zero, below_zero)
        self._reorder(np.where(chosen, self._few * factors, self._few))

    def add(self, ids: Ids, amounts: Scores | float) -> None:
        """Add `amounts` (one for each of the different `ids`, or one for all) to their scores."""
        self._settle()
        if self._ids is None:
            self._whole[ids] += amounts
            self._whole_changed()
            return
        every = np.zeros(len(self._scores))
        every[ids] = amounts
        self._reorder(self._few + every[self._ids])

    def forbid(self, ids: Ids, members: Container[int] | None = None) -> None:
        """Leave no probability to `ids`. Raises `EmptyDistributionError` where that leaves nothing.

        `members`: the same ids, where they are the same for many tokens and can be looked up faster.
        """
        self._settle()
        if self._ids is None:
            has_best = self._best in members if members is not None else bool((ids == self._best).any())
            self._leave_out(ids, has_best)
            _demand_some(self._highest > -math.inf)
            return
        left = ~np.isin(self._ids, ids)
        _demand_some(bool(left.any()))
        self._ids, self._few = self._ids[left], self._few[left]

    def _leave_out(self, ids: Ids | slice, has_best: bool) -> None:
        """Take the probability of some of the whole; as long as the best stays, nothing need be looked at for it."""
        if self._logits is not None and self._best >= 0 and not has_best:
            self._forbidden.append(ids)
            self._total = 0.0
        else:
            self._whole[ids] = -math.inf
            self._whole_changed()

    def allow(self, allowed: NDArray[np.bool_]) -> None:
        """Leave no probability to ids for which `allowed`, by id, is False or ends. Raises as `forbid` does."""
        self._settle()
        count = min(len(allowed), len(self._scores))
        if self._ids is None:
            np.copyto(self._whole[:count], -math.inf, where=~allowed[:count])
            self._whole[count:] = -math.inf
            self._whole_changed()
            _demand_some(self._highest > -math.inf)
            return
        left = (self._ids < count) & allowed[np.minimum(self._ids, count - 1)]
        _demand_some(bool(left.any()))
        self._ids, self._few = self._ids[left], self._few[left]

    def distribution(self) -> tuple[Ids, Scores]:
        """Ids and probabilities of all that is left, in no particular order; a forbidden one may be there with 0."""
        self._settle()
        if self._ids is None:
            weights = np.exp(self._whole - self._highest)
            return np.arange(len(weights)), weights / weights.sum()
        weights = np.exp(self._few - self._few[0])
        return self._ids, weights / weights.sum()

    def deviation(self) -> float:
        """Standard deviation of the scores that are left."""
        self._settle()
        scores = self._whole[self._whole > -math.inf] if self._ids is None else self._few
        return float(scores.std())

    def keep(self, ids: Ids) -> None:
        """Keep these alone, which must be among what is left, and at least one."""
        self._settle()
        if self._ids is None:
            scores = self._whole[ids]
            order = np.lexsort((ids, -scores))
            self._take(ids[order])
        else:
            kept = np.isin(self._ids, ids)
            self._ids, self._few = self._ids[kept], self._few[kept]

    def scale(self, factor: float) -> None:
        """Multiply all scores by a positive factor."""
        self._settle()
        if self._ids is None:
            scores = self._whole
            scores *= factor
            self._highest *= factor
            self._total = 0.0
        else:
            self._few = self._few * factor

    def keep_best(self, count: int) -> None:
        """Keep the `count` best."""
        self._settle()
        if self._ids is not None:
            self._cut(count)
        elif count == 1 and self._best >= 0:
            self._ids, self._few = np.array([self._best]), np.array([self._highest])
        else:
            self._take(best_ids(self._whole, count))

    def keep_near(self, distance: float) -> None:
        """Keep the scores that are at most `distance` below the highest."""
        if self._ids is None:
            ids = ids_near(self._whole, self._highest - distance)
            if self._share < 1:  # both cuts keep a number of best ones: the smaller number counts
                total, sums = self._whole_total(), np.cumsum(self._weights_of(ids))
                ids = ids[: int(np.searchsorted(sums, self._share * total, side="left")) + 1]
                self._share = 1.0
            self._take(ids)
        else:
            self._cut(int(np.count_nonzero(self._few >= self._few[0] - distance)))

    def keep_mass(self, share: float) -> None:
        """Keep the smallest number of best ones that hold `share` of the probability.

        From the whole, nothing is sorted yet: a cut by distance, which usually follows, leaves far fewer to sort.
        """
        if self._ids is None and self._share == 1 and share < 1:
            self._share = share
            return
        self._settle()
        self._keep_mass(share)

    def _settle(self) -> None:
        """Do the cut that waits."""
        if self._share < 1:
            share, self._share = self._share, 1.0
            self._keep_mass(share)

    def _keep_mass(self, share: float) -> None:
        sums, total = self._best_sums(share)
        self._cut(int(np.searchsorted(sums, share * total, side="left")) + 1)

    def choose(self, number: float) -> int:
        """The token in whose share of [0, 1), laid out best first, `number` lies."""
        self._settle()
        if self._ids is not None and len(self._ids) == 1:
            return int(self._ids[0])
        sums, total = self._best_sums(number)
        place = int(np.searchsorted(sums, number * total, side="right"))
        assert self._ids is not None
        return int(self._ids[min(place, len(self._ids) - 1)])

    def list(self) -> tuple[Ids, Scores]:
        """What is left, best first."""
        self._settle()
        if self._ids is None:
            self.keep_best(len(self._whole))
        assert self._ids is not None
        return self._ids, self._few

    def best(self, count: int) -> tuple[Ids, Scores]:
        """At most `count` of what is left, best first, and the logarithms of their probabilities; before `choose`."""
        self._settle()
        if self._ids is not None:
            weights = np.exp(self._few - self._few[0])
            return self._ids[:count], self._few[:count] - self._few[0] - math.log(float(weights.sum()))
        ids = best_ids(self._whole, count)
        ids = ids[self._whole[ids] > -math.inf]
        return ids, self._whole[ids] - self.normalizer

    def score(self, token: int) -> float:
        """The score of one that is left, relative to the highest."""
        self._settle()
        if self._ids is None:
            return float(self._whole[token]) - self._highest
        return float(self._few[self._ids == token][0] - self._few[0])

    def _best_sums(self, share: float) -> tuple[Scores, float]:
        """Running sums of exp(score - highest), best first, at least as far as `share` reaches; the sum of all."""
        if self._ids is not None:
            sums = np.cumsum(np.exp(self._few - self._few[0]))
            return sums, float(sums[-1])
        total = self._whole_total()
        for distance in _DISTANCES:
            near = np.flatnonzero(self._whole >= self._highest - distance)
            if distance < math.inf and float(self._weights_of(near).sum()) <= share * total:
                continue  # too few: not worth sorting
            self._take(ids_near(self._whole, self._highest - distance))
            sums = np.cumsum(np.exp(self._few - self._highest))
            if sums[-1] > share * total:
                break
        return sums, total

    def _take(self, ids: Ids) -> None:
        """From the whole to these few, best first; the forbidden ones, which are last, stay behind."""
        scores = self._whole[ids]
        count = max(int(np.count_nonzero(scores > -math.inf)), 1)
        self._ids, self._few = ids[:count], scores[:count]

    def _reorder(self, scores: Scores) -> None:
        assert self._ids is not None
        order = np.lexsort((self._ids, -scores))
        self._ids, self._few = self._ids[order], scores[order]

    def _whole_changed(self) -> None:
        self._highest = float(self._whole.max())
        self._best, self._total = -1, 0.0

    def _whole_total(self) -> float:
        if self._total == 0.0:
            self._total = float(np.exp(self._whole - self._highest).sum())
        return self._total

    def _weights_of(self, ids: Ids) -> Scores:
        return np.exp(self._whole[ids] - self._highest)

    def _cut(self, count: int) -> None:
        assert self._ids is not None
        count = max(count, 1)
        self._ids, self._few = self._ids[:count], self._few[:count]


def _demand_some(holds: bool) -> None:
    if not holds:
        raise nothing_left()


def nothing_left() -> EmptyDistributionError:
    """The error for rules that together forbid everything."""
    return EmptyDistributionError(
        "every possible next token is forbidden by the bans, the constraint or no_repeat_ngram; loosen one of them"
    )


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
