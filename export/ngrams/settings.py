"""The optional [ngrams] table of a recipe: which n-grams stand beside the network that it trains.

For: recipes and `nextstroke ngrams`. Must not know: torch, files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.contracts import ngram_format
from engine.contracts.errors import RecipeError


@dataclass(frozen=True)
class NgramSettings:
    """How many, and how much each group of text counts for which of them stay (1 where nothing is said)."""

    entries: int = 1_000_000
    order: int = 5
    weights: Mapping[str, float] = field(default_factory=dict)
    reserved: float = 0.012  # share of each group's documents that is not counted: the gate is fitted to it
    gate_tokens: int = 150_000  # of the reserved text, at most, by the groups' weights
    seed: int = 1

    def check(self, groups: frozenset[str]) -> None:
        """Raises `RecipeError` for values that no table could have."""
        lowest, highest = ngram_format.LOWEST_ORDER, ngram_format.HIGHEST_ORDER
        if not lowest <= self.order <= highest:
            raise RecipeError(f"[ngrams]: order must be from {lowest} to {highest}, not {self.order}")
        if self.entries < 1 or self.gate_tokens < 1 or self.seed < 0:
            raise RecipeError("[ngrams]: entries and gate_tokens must be at least 1, seed at least 0")
        if not 0 < self.reserved < 0.5:  # also false for NaN
            raise RecipeError(f"[ngrams]: reserved is a share of the documents, above 0 and under 0.5: {self.reserved}")
        unknown = sorted(set(self.weights) - groups)
        if unknown:
            raise RecipeError(f"[ngrams]: there is no [[corpus.group]] {unknown[0]} for its weight; name one")
        if not all(math.isfinite(weight) and weight >= 0 for weight in self.weights.values()):
            raise RecipeError("[ngrams]: weights are numbers of at least 0")
