"""Beam search: which of many continuations of one prompt are kept, and when the best are certain.

For: whoever runs what is kept. Knows: sums of log-probabilities and lengths. Must not know: models, text, caches.

    a step:   every kept hypothesis x its best next tokens, sorted by the sum of log-probabilities (ties: the earlier
              hypothesis, then the lower id); in that order those that end are finished, the first `width` others kept
    score:    sum / length ** length_penalty        length: tokens, one that ended the text included
    the end:  nothing is kept, or no kept one can still come among the best finished ones, however it goes on

With a penalty of 0 the score is the probability of the whole text, which favours short ones; 1, the usual choice, is
the mean per token. Source: Wu et al. 2016, section 7, in the form of transformers' `length_penalty`. Nothing is drawn:
the same prompt gives the same texts, whatever the seed. What is cut is gone: only a `width` beyond every number of
beginnings is exhaustive (the tests hold that against an enumeration).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

State = TypeVar("State")  # what a hypothesis means to whoever runs it


@dataclass(frozen=True)
class Hypothesis(Generic[State]):
    """A beginning, or with `is_finished` a whole text, of `length` tokens; `total`: the sum of their logarithms."""

    ids: tuple[int, ...]
    total: float
    length: int
    state: State
    is_finished: bool = False


@dataclass(frozen=True)
class Option:
    """A token that may follow, and the natural logarithm of its probability."""

    token: int
    logprob: float


# From (kept hypothesis, token and its logarithm) to what comes of it, or None where that may not be.
Grow = Callable[[Hypothesis[State], Option], "Hypothesis[State] | None"]


class BeamSearch(Generic[State]):
    """The search for the `best` best texts of at most `longest` tokens, `width` hypotheses wide."""

    def __init__(self, width: int, best: int, longest: int, length_penalty: float) -> None:
        self._width, self._best, self._longest, self._penalty = width, best, longest, length_penalty
        self._finished: list[Hypothesis[State]] = []

    @property
    def found(self) -> Sequence[Hypothesis[State]]:
        """The finished ones, the best first."""
        return self._finished[: self._best]

    def score(self, hypothesis: Hypothesis[State]) -> float:
        """What finished texts are compared by; higher is better."""
        return self._normalised(hypothesis.total, hypothesis.length)

    def step(
        self, kept: Sequence[Hypothesis[State]], options: Sequence[Sequence[Option]], grow: Grow[State]
    ) -> tuple[list[int], list[Hypothesis[State]]]:
        """The next hypotheses to keep, and for each the place in `kept` that it came from."""
        ranked = sorted(
            (-(kept[row].total + option.logprob), row, option.token, option)
            for row, follow in enumerate(options)
            for option in follow
        )
        parents: list[int] = []
        grown: list[Hypothesis[State]] = []
        for _, row, _, option in ranked:
            made = grow(kept[row], option)
            if made is not None and made.is_finished:
                self.finish(made)
            elif made is not None:
                parents.append(row)
                grown.append(made)
                if len(grown) == self._width:
                    break
        return ([], []) if self._is_certain(grown) else (parents, grown)

    def finish(self, hypothesis: Hypothesis[State]) -> None:
        """Put a text among the finished ones."""
        self._finished.append(hypothesis)
        self._finished.sort(key=lambda one: (-self.score(one), one.ids))
        del self._finished[self._width :]

    def _is_certain(self, kept: Sequence[Hypothesis[State]]) -> bool:
        """Whether none of these can come among the best any more: logarithms only make a sum smaller."""
        if len(self._finished) < self._best:
            return False
        worst = self.score(self._finished[self._best - 1])
        return all(self._ceiling(one) < worst for one in kept)

    def _ceiling(self, one: Hypothesis[State]) -> float:
        lengths = (min(one.length + 1, self._longest), self._longest)
        return max(self._normalised(one.total, length) for length in lengths)

    def _normalised(self, total: float, length: int) -> float:
        return float(total / max(length, 1) ** self._penalty)
