"""Mirostat: cut so that the text stays about equally surprising all the way (Basu et al. 2020).

For: the chain, last in it. Knows: the two versions of the paper, as llama.cpp sets their start. Must not know: text.

Surprise of a token is -log2 of its probability. After each token the limit mu moves by eta * (surprise - tau) towards
the aim tau; it begins at 2 tau.

    version 1    keeps the k best, k from mu and from how steeply the probabilities fall (a power law is assumed)
    version 2    keeps the tokens whose surprise is at most mu, and always the best
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.sampling.candidates import Candidates

_STEEPNESS_FROM = 100  # best tokens that the power law is fitted to
_LARGEST_EXPONENT = 700.0  # e to more than this is no number


class Mirostat:
    """Either version; `vocabulary` counts the tokens that there are in all."""

    def __init__(self, version: int, tau: float, eta: float, vocabulary: int) -> None:
        self._version, self._tau, self._eta, self._vocabulary = version, tau, eta, vocabulary
        self._mu = 2 * tau
        self._surprise: dict[int, float] = {}  # of the tokens that the last cut left

    def apply(self, candidates: Candidates, chance: float) -> None:
        _, shares = candidates.distribution()
        if self._version == 1:
            candidates.keep_best(max(self._count(shares), 1))
        else:
            distance = math.log(float(shares.max())) + self._mu * math.log(2)  # from the best down to 2 ** -mu
            if distance >= 0:
                candidates.keep_near(distance)
            else:
                candidates.keep_best(1)
        ids, left = candidates.distribution()
        self._surprise = dict(zip(ids.tolist(), (-np.log2(left)).tolist(), strict=True))

    def accept(self, token: int) -> None:
        """Move the limit; a token of the prompt, which nobody chose, moves nothing."""
        surprise = self._surprise.get(token)
        self._surprise = {}
        if surprise is not None and math.isfinite(surprise):
            self._mu -= self._eta * (surprise - self._tau)

    def reset(self) -> None:
        """Begin again."""
        self._mu, self._surprise = 2 * self._tau, {}

    def clone(self) -> Mirostat:
        copy = Mirostat(self._version, self._tau, self._eta, self._vocabulary)
        copy._mu, copy._surprise = self._mu, dict(self._surprise)
        return copy

    def _count(self, shares: NDArray[np.float64]) -> int:
        """The paper's k."""
        best = -np.partition(-shares, _STEEPNESS_FROM)[:_STEEPNESS_FROM] if len(shares) > _STEEPNESS_FROM else shares
        best = -np.sort(-best[best > 0])
        if len(best) < 2:
            return 1
        ranks = np.arange(1, len(best), dtype=np.float64)
        steps = np.log((ranks + 1) / ranks)
        slope = float(np.sum(steps * np.log(best[:-1] / best[1:])) / np.sum(steps * steps))
        excess = slope - 1
        if slope <= 0 or abs(excess) < 1e-9 or self._vocabulary < 2:
            return len(shares)  # no fall at all, or the formula's pole
        base = excess / (1 - self._vocabulary**-excess)
        power = (math.log(base) + self._mu * math.log(2)) / slope
        return int(min(math.exp(min(power, _LARGEST_EXPONENT)), len(shares)))
