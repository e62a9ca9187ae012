"""Stages that flatten or sharpen the whole distribution.

For: the chain. Must not know: tokens seen before.
"""

from __future__ import annotations

import math

import numpy as np

from engine.sampling.candidates import Candidates
from engine.sampling.stage import Stateless

COLDEST = 1e-6  # below this, temperature is 0: scores divided by it would leave the range of numbers


class Temperature(Stateless):
    """Divide the scores by t; 0 keeps the best alone."""

    def __init__(self, temperature: float) -> None:
        self._temperature = temperature

    def apply(self, candidates: Candidates, chance: float) -> None:
        _cool(candidates, self._temperature)

    def clone(self) -> Temperature:
        return self


class DynamicTemperature(Stateless):
    """A temperature between t - r and t + r, the higher the less sure the distribution is (as in llama.cpp).

    low + (high - low) * (entropy / ln n) ** exponent        n: tokens left; low is at least 0
    """

    def __init__(self, temperature: float, width: float, exponent: float) -> None:
        self._low, self._high, self._exponent = max(temperature - width, 0.0), temperature + width, exponent

    def apply(self, candidates: Candidates, chance: float) -> None:
        _, shares = candidates.distribution()
        shares = shares[shares > 0]
        if len(shares) == 1:
            return
        unsure = -float(np.sum(shares * np.log(shares))) / math.log(len(shares))
        share = min(max(unsure, 0.0), 1.0) ** self._exponent
        _cool(candidates, self._low + (self._high - self._low) * share)

    def clone(self) -> DynamicTemperature:
        return self


def _cool(candidates: Candidates, temperature: float) -> None:
    if temperature < COLDEST:
        candidates.keep_best(1)
    else:
        candidates.scale(1.0 / temperature)
