"""Stages against repetition that look at which tokens were written lately.

For: the chain. Knows: the published rule of each. Must not know: text.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import numpy as np

from engine.sampling.candidates import Candidates


class _Looking:
    """The verbs of a stage that remembers the last tokens."""

    def __init__(self, lookback: int, seen: Iterable[int] = ()) -> None:
        self._seen: deque[int] = deque(seen, maxlen=lookback)

    def accept(self, token: int) -> None:
        """Remember it, and forget the oldest."""
        self._seen.append(token)

    def reset(self) -> None:
        """Forget all."""
        self._seen.clear()

    @property
    def _lookback(self) -> int:
        return self._seen.maxlen or 0


class RepetitionPenalty(_Looking):
    """Make tokens seen lately less likely: scores above 0 are divided by r, others multiplied (Keskar et al. 2019)."""

    def __init__(self, penalty: float, lookback: int, seen: Iterable[int] = ()) -> None:
        super().__init__(lookback, seen)
        self._penalty = penalty

    def apply(self, candidates: Candidates, chance: float) -> None:
        if self._seen:
            ids = np.unique(np.fromiter(self._seen, np.int64))
            candidates.multiply(ids, above_zero=1.0 / self._penalty, below_zero=self._penalty)

    def clone(self) -> RepetitionPenalty:
        return RepetitionPenalty(self._penalty, self._lookback, self._seen)


class CountPenalty(_Looking):
    """Take from the score of each token seen lately: once, and once more for each time it was seen (OpenAI's rule)."""

    def __init__(self, presence: float, frequency: float, lookback: int, seen: Iterable[int] = ()) -> None:
        super().__init__(lookback, seen)
        self._presence, self._frequency = presence, frequency

    def apply(self, candidates: Candidates, chance: float) -> None:
        if self._seen:
            ids, counts = np.unique(np.fromiter(self._seen, np.int64), return_counts=True)
            candidates.add(ids, -(self._presence + self._frequency * counts.astype(np.float64)))

    def clone(self) -> CountPenalty:
        return CountPenalty(self._presence, self._frequency, self._lookback, self._seen)


class NoRepeatNgram:
    """Forbid every token that would write a sequence of n tokens a second time (Paulus et al. 2017)."""

    def __init__(self, length: int, seen: Iterable[int] = ()) -> None:
        self._length = length
        self._seen: list[int] = list(seen)

    def apply(self, candidates: Candidates, chance: float) -> None:
        before = self._length - 1  # tokens of the sequence that already stand at the end
        seen = np.array(self._seen, np.int64)
        places = len(seen) - before  # where such a sequence may begin so that a token follows it
        if places < 1:
            return
        same = np.ones(places, bool)
        for offset in range(before):
            same &= seen[offset : offset + places] == seen[len(seen) - before + offset]
        following = np.flatnonzero(same) + before
        following = following[following < len(seen)]
        if len(following):
            candidates.forbid(np.unique(seen[following]))

    def accept(self, token: int) -> None:
        """Remember it."""
        self._seen.append(token)

    def reset(self) -> None:
        """Forget all."""
        self._seen.clear()

    def clone(self) -> NoRepeatNgram:
        return NoRepeatNgram(self._length, self._seen)
