"""A text that must come first, byte by byte: what follows it is free.

For: generation, where a prompt's last token is taken back so that a longer one may stand there ("token healing"), and
where a request says how the text begins. Knows: bytes of tokens. Must not know: text, tokenizers.

    wanted "unbel"      allowed: "un", "unbe", "unbel", "unbelievable" …; then the rest of "unbel", if there is one
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.sampling.candidates import Candidates


class Literal:
    """The stage; it cares for tokens accepted from now on."""

    def __init__(self, wanted: bytes, pieces: Sequence[bytes]) -> None:
        self._wanted, self._pieces = wanted, pieces
        self._left = wanted

    def apply(self, candidates: Candidates, chance: float) -> None:
        left = self._left
        if left:
            forbidden = [
                token
                for token, piece in enumerate(self._pieces)
                if not piece or not (piece.startswith(left) or left.startswith(piece))
            ]
            candidates.forbid(np.array(forbidden, np.int64))

    def accept(self, token: int) -> None:
        """So much of the text stands now."""
        if self._left:
            self._left = self._left[len(self._pieces[token]) :]

    def reset(self) -> None:
        """Begin again."""
        self._left = self._wanted

    def clone(self) -> Literal:
        copy = Literal(self._wanted, self._pieces)
        copy._left = self._left
        return copy
