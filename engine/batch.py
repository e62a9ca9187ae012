"""Several sequences that began as one, continued together: one run of the graph gives each its next token.

For: candidates. Knows: a cache with a row a sequence, and which sequence stands in which row.
Must not know: sampling, text, requests.

    session   p p p p p            the prompt, run once
    batch     p p p p p a b c      row 0     every row a copy of the prompt's keys and values and what came behind it;
              p p p p p d          row 1     a sequence that took tokens back is shorter, and runs along all the same
              p p p p p e f g      row 2
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.kv_cache import BatchCache, Cache
from engine.ngrams import NgramModel, mixed_rows
from engine.runtime import Graph, Logits

MOST_ROWS = 8  # at once: each has keys and values of its own, and more are hardly faster


class Batch:
    """`rows` sequences, each beginning with what `cache` has committed."""

    def __init__(
        self, graph: Graph, cache: Cache, rows: int, tokens: Sequence[int] = (), ngrams: NgramModel | None = None
    ) -> None:
        """`tokens` are those of the cache; only n-grams ask for them."""
        self._cache = BatchCache(cache, rows)
        self._ngrams = ngrams
        self._tokens = [list(tokens) for _ in range(rows)] if ngrams is not None else []
        self._runner = graph.new_batch_runner(self._cache)
        self._lengths = [cache.length] * rows
        self._shared = cache.length

    def step(self, wanted: Sequence[tuple[int, int]]) -> Logits:
        """For each row (position, token): cut it to `position` tokens and run `token` there; logits (rows, vocabulary).

        A view that the next step overwrites.
        """
        logits = self._runner.run([token for _, token in wanted], [position for position, _ in wanted])
        self._lengths = [position + 1 for position, _ in wanted]
        return logits if self._ngrams is None else self._mixed(self._ngrams, logits, wanted)

    def drop(self, row: int) -> None:
        """A sequence is complete: the last row takes its place."""
        self._cache.drop(row, self._lengths[-1])
        self._lengths[row] = self._lengths[-1]
        self._lengths.pop()
        if self._tokens:
            self._tokens[row] = self._tokens[-1]
            self._tokens.pop()

    def rearrange(self, parents: Sequence[int]) -> None:
        """Row r goes on from where row `parents[r]` is. All rows are equally long, and none may have been dropped."""
        self._cache.rearrange(parents, self._shared, self._lengths[0])
        if self._tokens:
            self._tokens = [list(self._tokens[parent]) for parent in parents]

    def _mixed(self, ngrams: NgramModel, logits: Logits, wanted: Sequence[tuple[int, int]]) -> Logits:
        """Each row mixed behind its own tokens."""
        for tokens, (position, token) in zip(self._tokens, wanted, strict=True):
            tokens[position:] = [token]
        rows = zip(logits, self._tokens, strict=True)
        return np.concatenate([mixed_rows(ngrams, row[None], tokens) for row, tokens in rows])
