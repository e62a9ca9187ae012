"""A constraint as the first stage of a sampling chain.

For: the loop. Knows: what a matcher allows, and bytes that stand in the prompt already.
Must not know: how a matcher works.

    the prompt ends in "unbel", which is written anew      hidden: "unbel"
    the text behind must match "iev.*"                     allowed: "un", "unbel", "unbelie"; not "unbelo"
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.constraints.matcher import Mask, Matcher
from engine.sampling.candidates import Candidates
from engine.sampling.chain import Chain


class Constrained:
    """The stage; it cares for tokens accepted from now on."""

    def __init__(self, matcher: Matcher, pieces: Sequence[bytes], hidden: bytes = b"") -> None:
        """`pieces`: the bytes of every token; the constraint is for the text behind `hidden`."""
        self._at_first, self._pieces, self._hidden = matcher, pieces, hidden
        self._matcher, self._left = matcher.fork(), hidden

    def apply(self, candidates: Candidates, chance: float) -> None:
        candidates.allow(self._behind_hidden() if self._left else self._matcher.allowed())

    def accept(self, token: int) -> None:
        if not self._left:
            self._matcher.accept(token)
            return
        piece, left = self._pieces[token], self._left
        self._left = left[len(piece) :]
        if len(piece) > len(left):
            self._matcher.accept_bytes(piece[len(left) :])

    def reset(self) -> None:
        self._matcher, self._left = self._at_first.fork(), self._hidden

    def clone(self) -> Constrained:
        copy = Constrained(self._at_first, self._pieces, self._hidden)
        copy._matcher, copy._left = self._matcher.fork(), self._left
        return copy

    @property
    def is_complete(self) -> bool:
        """Whether the text is what was asked for, and nothing may follow."""
        return not self._left and self._matcher.is_complete

    def _behind_hidden(self) -> Mask:
        """Tokens that stay within the hidden bytes, or go beyond them as the constraint wants."""
        left, allowed = self._left, np.zeros(len(self._pieces), np.bool_)
        for token, piece in enumerate(self._pieces):
            if piece and left.startswith(piece):
                allowed[token] = True
            elif piece.startswith(left):
                allowed[token] = self._matcher.can_accept(piece[len(left) :])
        return allowed


def is_complete(chain: Chain) -> bool:
    """Whether a constraint in the chain lets nothing follow."""
    return any(isinstance(stage, Constrained) and stage.is_complete for stage in chain.stages)
