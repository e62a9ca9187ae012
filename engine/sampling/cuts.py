"""Stages that cut improbable tokens, or (XTC) the most probable ones.

For: the chain. Knows: the published rule of each. Must not know: tokens seen before, settings' names.
"""

from __future__ import annotations

import math

import numpy as np

from engine.sampling.candidates import Candidates
from engine.sampling.stage import Stateless


class TopK(Stateless):
    """Keep the k best (Fan et al. 2018)."""

    def __init__(self, count: int) -> None:
        self._count = count

    def apply(self, candidates: Candidates, chance: float) -> None:
        candidates.keep_best(self._count)

    def clone(self) -> TopK:
        return self


class TopP(Stateless):
    """Keep the smallest number of best tokens that hold a share p of the probability (Holtzman et al. 2019)."""

    def __init__(self, share: float) -> None:
        self._share = share

    def apply(self, candidates: Candidates, chance: float) -> None:
        candidates.keep_mass(self._share)

    def clone(self) -> TopP:
        return self


class MinP(Stateless):
    """Keep tokens at least p times as probable as the best (Nguyen et al. 2024)."""

    def __init__(self, share: float) -> None:
        self._distance = -math.log(share)

    def apply(self, candidates: Candidates, chance: float) -> None:
        candidates.keep_near(self._distance)

    def clone(self) -> MinP:
        return self


class TopNSigma(Stateless):
    """Keep scores at most n standard deviations of all scores below the best (Tang et al. 2024)."""

    def __init__(self, count: float) -> None:
        self._count = count

    def apply(self, candidates: Candidates, chance: float) -> None:
        candidates.keep_near(self._count * candidates.deviation())

    def clone(self) -> TopNSigma:
        return self


class Typical(Stateless):
    """Keep the tokens whose surprise is nearest to the expected one, together a share p (Meister et al. 2022).

    The token that completes the share is kept too; among equally near ones the better comes first.
    """

    def __init__(self, share: float) -> None:
        self._share = share

    def apply(self, candidates: Candidates, chance: float) -> None:
        ids, shares = candidates.distribution()
        possible = shares > 0
        ids, shares = ids[possible], shares[possible]
        surprise = -np.log(shares)
        distance = np.abs(surprise - float(np.sum(shares * surprise)))
        order = np.lexsort((ids, -shares, distance))
        sums = np.cumsum(shares[order])
        count = int(np.searchsorted(sums, self._share * float(sums[-1]), side="left")) + 1
        candidates.keep(ids[order[:count]])

    def clone(self) -> Typical:
        return self


class ExcludeTopChoices(Stateless):
    """XTC: with a probability, drop all tokens of at least a threshold but the least probable of them.

    The rule is p-e-w's (text-generation-webui, pull request 6335, 2024). Fewer than two such tokens: nothing happens.
    """

    def __init__(self, probability: float, threshold: float) -> None:
        self._probability, self._threshold = probability, threshold

    def apply(self, candidates: Candidates, chance: float) -> None:
        if chance >= self._probability:
            return
        ids, shares = candidates.distribution()
        chosen = (shares >= self._threshold) & (shares > 0)
        top, top_shares = ids[chosen], shares[chosen]
        if len(top) > 1:
            order = np.lexsort((top, -top_shares))  # the last one stays
            candidates.forbid(top[order[:-1]])

    def clone(self) -> ExcludeTopChoices:
        return self
