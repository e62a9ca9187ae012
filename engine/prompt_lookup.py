"""Guesses of the next tokens from the text itself: what followed the last time that its last tokens stood there.

For: the loop, which runs the guessed tokens together with the last one and keeps those that would have been chosen
anyway, so that the text stays the same. Knows: token ids. Must not know: models, sampling, sessions.

    … the old man looked at the sea and said … the old man looked at ▌
          └─────────────┘ seen before         └─────────────┘
                         the sea and said: guessed

Source: prompt lookup decoding (A. Saxena, 2023), which needs no second model. Rewriting and repetitive prose give many
right guesses, other text few: wrong ones make the next guess shorter and rarer.
"""

from __future__ import annotations

from collections.abc import Sequence

_KEY = 3  # tokens that must have stood together before
_FIRST_GUESS = 4
_LONGEST_PAUSE = 64  # tokens without a guess after many wrong ones


class PromptLookup:
    """The guesses of one sequence; at most `longest` tokens each, 0 for none at all."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._next = min(_FIRST_GUESS, longest)
        self._ends: dict[tuple[int, ...], int] = {}  # key -> the place behind its latest occurrence but the last one
        self._indexed = _KEY
        self._pause = self._waiting = 0

    @property
    def is_on(self) -> bool:
        """Whether there are guesses at all."""
        return self._longest > 0

    def guess(self, tokens: Sequence[int], room: int) -> list[int]:
        """Up to `room` tokens that may follow `tokens`."""
        if not self.is_on:
            return []
        self._index(tokens)
        if self._waiting > 0:
            self._waiting -= 1
            return []
        key = tuple(tokens[-_KEY:])
        end = self._ends.get(key)
        # Tokens may have been taken back since: what stands there now decides.
        if end is None or end >= len(tokens) or tuple(tokens[end - _KEY : end]) != key:
            return []
        found = list(tokens[end : end + min(self._next, room)])
        while found and len(found) < min(self._next, room):  # the text is in a loop, and so is the guess
            found.append(found[len(found) - (len(tokens) - end)])
        return found

    def learn(self, guessed: int, right: int) -> None:
        """How many of the guessed tokens were right."""
        if right == guessed:
            self._next = min(2 * self._next, self._longest)
        else:
            self._next = max(right + 1, 1)
        self._pause = 0 if right else min(max(2 * self._pause, 2), _LONGEST_PAUSE)
        self._waiting = self._pause

    def _index(self, tokens: Sequence[int]) -> None:
        self._indexed = min(self._indexed, len(tokens))
        for end in range(max(self._indexed, _KEY), len(tokens)):
            self._ends[tuple(tokens[end - _KEY : end])] = end
        self._indexed = max(len(tokens), _KEY)
