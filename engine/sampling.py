"""Which token comes next: a chain of stages, then one random number.

For: generation. Knows: SamplingSettings and what each stage means; the order of stages is data.
Must not know: models, text, or where logits come from.

    logits -> repetition penalty -> top-k -> top-p -> min-p -> temperature -> token     (the default order)

A chain is itself a stage: {apply, accept, reset, clone}. A new stage is one class and one row of `_STAGES`. No stage
leaves nothing. Temperature 0 is the best token, the lowest id among equals, whatever the random number.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np

from engine.candidates import Candidates
from engine.contracts.generation import SamplingSettings

_COLDEST = 1e-6  # below this, temperature is 0: scores divided by it would leave the range of numbers


class Stage(Protocol):
    """One step of the chain."""

    def apply(self, candidates: Candidates) -> None:
        """Change scores or cut candidates."""

    def accept(self, token: int) -> None:
        """Take note of a token that became part of the text."""

    def reset(self) -> None:
        """Forget all tokens."""

    def clone(self) -> Stage:
        """An independent copy, with the tokens seen so far."""


class _Stateless:
    """The verbs of a stage that looks at nothing but the candidates."""

    def accept(self, token: int) -> None:
        """Nothing to note."""

    def reset(self) -> None:
        """Nothing to forget."""


class TopK(_Stateless):
    """Keep the k best."""

    def __init__(self, count: int) -> None:
        self._count = count

    def apply(self, candidates: Candidates) -> None:
        candidates.keep_best(self._count)

    def clone(self) -> TopK:
        return self


class TopP(_Stateless):
    """Keep the smallest number of best tokens that hold a share p of the probability (Holtzman et al. 2019)."""

    def __init__(self, share: float) -> None:
        self._share = share

    def apply(self, candidates: Candidates) -> None:
        candidates.keep_mass(self._share)

    def clone(self) -> TopP:
        return self


class MinP(_Stateless):
    """Keep tokens at least p times as probable as the best (Nguyen et al. 2024)."""

    def __init__(self, share: float) -> None:
        self._distance = -math.log(share)

    def apply(self, candidates: Candidates) -> None:
        candidates.keep_near(self._distance)

    def clone(self) -> MinP:
        return self


class Temperature(_Stateless):
    """Divide the scores by t; 0 keeps the best alone."""

    def __init__(self, temperature: float) -> None:
        self._temperature = temperature

    def apply(self, candidates: Candidates) -> None:
        if self._temperature < _COLDEST:
            candidates.keep_best(1)
        else:
            candidates.scale(1.0 / self._temperature)

    def clone(self) -> Temperature:
        return self


class RepetitionPenalty:
    """Make tokens seen lately less likely: scores above 0 are divided by r, others multiplied (Keskar et al. 2019)."""

    def __init__(self, penalty: float, lookback: int) -> None:
        self._penalty = penalty
        self._seen: deque[int] = deque(maxlen=lookback)

    def apply(self, candidates: Candidates) -> None:
        if self._seen:
            ids = np.unique(np.fromiter(self._seen, np.int64))
            candidates.multiply(ids, above_zero=1.0 / self._penalty, below_zero=self._penalty)

    def accept(self, token: int) -> None:
        self._seen.append(token)

    def reset(self) -> None:
        self._seen.clear()

    def clone(self) -> RepetitionPenalty:
        copy = RepetitionPenalty(self._penalty, self._seen.maxlen or 0)
        copy._seen.extend(self._seen)
        return copy


class Chain:
    """Stages one after the other."""

    def __init__(self, stages: Iterable[Stage]) -> None:
        self.stages = tuple(stages)

    def apply(self, candidates: Candidates) -> None:
        for stage in self.stages:
            stage.apply(candidates)

    def accept(self, token: int) -> None:
        for stage in self.stages:
            stage.accept(token)

    def reset(self) -> None:
        for stage in self.stages:
            stage.reset()

    def clone(self) -> Chain:
        return Chain(stage.clone() for stage in self.stages)


_STAGES: dict[str, Callable[[SamplingSettings], Stage | None]] = {
    "repetition_penalty": lambda s: (
        RepetitionPenalty(s.repetition_penalty, s.repetition_range) if s.repetition_penalty != 1 else None
    ),
    "top_k": lambda s: TopK(s.top_k) if s.top_k > 0 else None,
    "top_p": lambda s: TopP(s.top_p) if s.top_p < 1 else None,
    "min_p": lambda s: MinP(s.min_p) if s.min_p > 0 else None,
    "temperature": lambda s: Temperature(s.temperature) if s.temperature != 1 else None,
}


def make_chain(settings: SamplingSettings) -> Chain:
    """The stages that are on, in the order that the settings name."""
    stages = (_STAGES[name](settings) for name in _order(settings))
    return Chain(stage for stage in stages if stage is not None)


def _order(settings: SamplingSettings) -> tuple[str, ...]:
    """The order without the cuts that cannot matter: the best survives them all, and temperature 0 asks for no other.

    A cut before a penalty stays, since the penalty may then prefer one that the cut has removed.
    """
    order = settings.order
    if settings.temperature >= _COLDEST or "temperature" not in order:
        return order
    before = order[: order.index("temperature")]
    penalties = [place for place, name in enumerate(before) if name == "repetition_penalty"]
    is_penalized = bool(penalties) and settings.repetition_penalty != 1
    return (*before[: penalties[-1] + 1 if is_penalized else 0], "temperature")
