"""Logit bias: amounts added to the scores of chosen tokens; the first stage of every chain that has one.

For: generation. Knows: OpenAI's scale, where -100 is a ban. Must not know: text or tokenizers.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from engine.contracts.generation import BIAS_LIMIT
from engine.sampling.candidates import Candidates
from engine.sampling.stage import Stateless


class Bias(Stateless):
    """`amounts` by token id; those of -100 can never be chosen."""

    def __init__(self, amounts: Mapping[int, float]) -> None:
        added = {token: amount for token, amount in amounts.items() if amount > -BIAS_LIMIT}
        self._ids = np.fromiter(added, np.int64)
        self._amounts = np.fromiter(added.values(), np.float64)
        self._banned = np.array(sorted(set(amounts) - set(added)), np.int64)

    def apply(self, candidates: Candidates, chance: float) -> None:
        if len(self._ids):
            candidates.add(self._ids, self._amounts)
        if len(self._banned):
            candidates.forbid(self._banned)

    def clone(self) -> Bias:
        return self
