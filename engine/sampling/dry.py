"""DRY: a token that would prolong a repetition costs the more, the longer the repetition already is.

For: the chain. Knows: the rule of p-e-w (text-generation-webui, pull request 5677, 2024). Must not know: text.

    … a b c X … a b c ?        the end "a b c" stood before, and X followed: X loses multiplier * base ** (3 - allowed)

A repetition that is shorter than `allowed` tokens costs nothing, and none reaches across a breaker. Where X followed
several such places, the longest counts. Breakers themselves never lose anything.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np

from engine.sampling.candidates import Candidates

_LARGEST = 1e30  # of a penalty: nothing outweighs it, and scores stay finite


class Dry:
    """The penalty, over the last `lookback` tokens."""

    def __init__(
        self,
        multiplier: float,
        base: float,
        allowed: int,
        lookback: int,
        breakers: frozenset[int],
        seen: Iterable[int] = (),
    ) -> None:
        self._multiplier, self._base, self._allowed, self._breakers = multiplier, base, allowed, breakers
        self._seen: deque[int] = deque(seen, maxlen=lookback)

    def apply(self, candidates: Candidates, chance: float) -> None:
        lengths = prolonged(self._seen, self._breakers)
        costs = {token: self._cost(length) for token, length in lengths.items() if length >= self._allowed}
        if costs:
            candidates.add(np.fromiter(costs, np.int64), -np.fromiter(costs.values(), np.float64))

    def accept(self, token: int) -> None:
        """Remember it, and forget the oldest."""
        self._seen.append(token)

    def reset(self) -> None:
        """Forget all."""
        self._seen.clear()

    def clone(self) -> Dry:
        return Dry(self._multiplier, self._base, self._allowed, self._seen.maxlen or 0, self._breakers, self._seen)

    def _cost(self, length: int) -> float:
        power = (length - self._allowed) * math.log(self._base)
        return min(self._multiplier * math.exp(min(power, math.log(_LARGEST))), _LARGEST)


def prolonged(seen: Iterable[int], breakers: frozenset[int]) -> dict[int, int]:
    """For each token that would prolong a repetition: the length of the longest one that it would."""
    backwards = list(seen)[::-1]
    end = next((place for place, token in enumerate(backwards) if token in breakers), len(backwards))
    found: dict[int, int] = {}
    for place, length in enumerate(_shared_beginnings(backwards, end)):
        token = backwards[place - 1]
        if place > 0 and length > found.get(token, 0) and token not in breakers:
            found[token] = length
    return found


def _shared_beginnings(tokens: Sequence[int], longest: int) -> list[int]:
    """For each place: how many tokens from there on equal the first ones, at most `longest`: the Z algorithm."""
    result = [0] * len(tokens)
    left = right = 0  # the stretch [left, right) that reaches furthest and equals the beginning
    for place in range(1, len(tokens)):
        length = min(right - place, result[place - left]) if place < right else 0
        while length < longest and place + length < len(tokens) and tokens[length] == tokens[place + length]:
            length += 1
        if place + length > right:
            left, right = place, place + length
        result[place] = length
    return result
