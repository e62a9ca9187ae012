"""What a stage of the sampling chain is.

For: the chain and its stages. Must not know: any particular stage.
"""

from __future__ import annotations

from typing import Protocol

from engine.sampling.candidates import Candidates


class Stage(Protocol):
    """One step of the chain."""

    def apply(self, candidates: Candidates, chance: float) -> None:
        """Change scores or cut candidates; `chance`, in [0, 1), is for a stage that acts now and then."""

    def accept(self, token: int) -> None:
        """Take note of a token that became part of the text."""

    def reset(self) -> None:
        """Forget all tokens."""

    def clone(self) -> Stage:
        """An independent copy, with the tokens seen so far."""


class Stateless:
    """The verbs of a stage that looks at nothing but the candidates."""

    def accept(self, token: int) -> None:
        """Nothing to note."""

    def reset(self) -> None:
        """Nothing to forget."""
