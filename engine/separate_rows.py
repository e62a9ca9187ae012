"""The face of a batch over a session a row, for kernels that would give a batch other bits.

For: beam search. Knows: sessions. Must not know: sampling, text, requests.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.runtime import Logits
from engine.session import Session


class SeparateRows:
    """One row to begin with: a copy of `session`, which stays as it is."""

    def __init__(self, session: Session) -> None:
        self._rows = [session.fork()]

    def step(self, wanted: Sequence[tuple[int, int]]) -> Logits:
        """For each row (position, token), as a batch's; logits (rows, vocabulary)."""
        logits = []
        for row, (position, token) in zip(self._rows, wanted, strict=True):
            row.rewind(position)
            logits.append(row.step(token)[-1].copy())
        return np.stack(logits)

    def rearrange(self, parents: Sequence[int]) -> None:
        """Row r goes on from where row `parents[r]` is; the first that wants a row takes it, the others copies."""
        before, taken = self._rows, set[int]()
        self._rows = []
        for parent in parents:
            self._rows.append(before[parent].fork() if parent in taken else before[parent])
            taken.add(parent)
