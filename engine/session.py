"""The tokens of one sequence together with their keys and values.

For: generation and scoring. Knows: tokens, a cache, a runner, and the plan that keeps reuse bit-equal to none.
Must not know: text, requests, sampling.

Invariant: len(tokens) == cache.length, after every call, failed and cancelled ones included.

    align(ids)      keep the longest common prefix, answer its length: at least one token always remains to run
    prefill(ids)    run many tokens in chunks, answer the logits of the last
    step(id)        run one token, answer its logits
    run_ahead(ids)  run a few, answer the logits of each
    rewind(n)       forget all behind the first n tokens
    fork()          an independent copy
    new_batch(n)    n copies that run together

Where the model has a graph of its own for prompts and the plan uses it, prompt tokens always run through that one and
generated tokens through the decoder, over the same cache; generated text that has become a prompt is run again.

Where the model has n-grams beside its network, every row of logits is already mixed with them (`engine.ngrams`).

Logits are views (rows, vocabulary) that the next run overwrites.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from engine.batch import Batch
from engine.contracts.errors import EngineError
from engine.joined_cache import JoinedRunner
from engine.kv_cache import Cache
from engine.ngrams import NgramModel, mixed_rows
from engine.runtime import Graph, Logits, Runner

CHUNK = 64  # canonical chunks begin at its multiples
_LARGEST_CHUNK = 256  # larger ones are slower: attention computes a whole rectangle of a triangle
_BLOCK = 16  # attention's blocks of rows are multiples of this
_CHUNK_SECONDS = 0.08  # how long a cancel may wait for the running chunk

EXACT = "exact"
CANONICAL_CHUNKS = "canonical chunks"
SAME_THREADS = "for the same number of threads"
OWN_GRAPH = "prompts by a graph of their own"

Progress = Callable[[int, int], None]  # tokens done, tokens in all


@dataclass(frozen=True)
class RunPlan:
    """How runs are cut so that the same request gives the same bits (`self_check` measures which plan is needed).

    `avoids_lone_rows`: float attention computes rows in blocks (of twice the head size) and rounds otherwise where a
    block holds one row; so no run has such a number of rows: the token before is run again, which writes the same bits.
    `is_canonical`: prompt tokens run in chunks that depend on their position only, and only whole chunks of prompt
    tokens are reused; the last resort where nothing else gives equal bits.
    `any_threads`: the bits do not depend on the number of threads either.
    `batches`: several sequences may run as one batch, each with the bits that it gets alone.
    `ahead`: guessed tokens may run together with the last one, each with the bits that it gets in a run of its own.
    `prompt_graph`: prompts run through the model's own graph for them.
    """

    avoids_lone_rows: bool = False
    is_canonical: bool = False
    any_threads: bool = True
    batches: bool = False
    ahead: bool = False
    prompt_graph: bool = False

    @property
    def description(self) -> str:
        """The words for a generation record."""
        words = [CANONICAL_CHUNKS if self.is_canonical else EXACT]
        words += [] if self.any_threads else [SAME_THREADS]
        return ", ".join([*words, OWN_GRAPH] if self.prompt_graph else words)


class Session:
    """One sequence being continued."""

    def __init__(
        self,
        graph: Graph,
        cache: Cache,
        plan: RunPlan,
        prompt_graph: Graph | None = None,
        ngrams: NgramModel | None = None,
    ) -> None:
        """`prompt_graph` is used where `plan.prompt_graph` says so."""
        self.plan = plan
        self.cache = cache
        self._ngrams = ngrams
        self.tokens: list[int] = []
        self._graph = graph
        self._prompt_graph = prompt_graph if plan.prompt_graph else None
        self._runner = graph.new_runner(cache)
        self.canonical_length = 0  # leading tokens that ran in canonical chunks
        self.prompt_length = 0  # leading tokens that ran as prompt
        self._prompt_runner = self._runner if self._prompt_graph is None else self._prompt_graph.new_runner(cache)
        self._chunk = CHUNK

    @property
    def length(self) -> int:
        """Tokens held."""
        return len(self.tokens)

    @property
    def context_length(self) -> int:
        """The most tokens it can hold."""
        return self.cache.context_length

    def for_prompt(self, ids: Sequence[int]) -> Session:
        """Itself: one session is the smallest pool of sessions."""
        return self

    def align(self, ids: Sequence[int]) -> int:
        """Rewind to the part of `ids` that need not be run again; answers its length."""
        reused = min(common_prefix(self.tokens, ids), max(len(ids) - 1, 0))
        if self.plan.is_canonical:
            reused = min(reused, self.canonical_length) // CHUNK * CHUNK
        elif self.plan.avoids_lone_rows and reused == 1:
            reused = 0  # nothing stands before the first token that could be run again with it
        if self._prompt_graph is not None:
            reused = min(reused, self.prompt_length)
        self.rewind(reused)
        return reused

    def prefill(
        self, ids: Sequence[int], is_cancelled: Callable[[], bool] | None = None, progress: Progress | None = None
    ) -> Logits | None:
        """Append `ids`; logits (1, vocabulary) of the last, or None when cancelled: finished chunks stay."""
        logits: Logits | None = None
        for done, latest in self.prefill_chunks(ids):
            logits = latest
            if progress is not None:
                progress(done, len(ids))
            if done < len(ids) and is_cancelled is not None and is_cancelled():
                return None
        return logits

    def prefill_chunks(self, ids: Sequence[int]) -> Iterator[tuple[int, Logits]]:
        """Append `ids` chunk by chunk; after each: tokens done, logits (1, vocabulary) of the last of them.

        Whoever stops asking has cancelled: finished chunks stay, nothing else does.
        """
        done = 0
        while done < len(ids):
            start = len(self.tokens)
            end = done + self._rows_to_run(self._longest_chunk(start), len(ids) - done)
            began = time.perf_counter()
            logits = self._append_prompt(ids[done:end], 1)
            self._take_note(start, end - done, time.perf_counter() - began)
            done = end
            yield done, logits

    def prefill_all(self, ids: Sequence[int]) -> Iterator[Logits]:
        """Append `ids` chunk by chunk and yield the logits (rows, vocabulary) of every token."""
        done = 0
        while done < len(ids):
            end = done + self._rows_to_run(CHUNK, len(ids) - done)
            yield self._append_prompt(ids[done:end], end - done)[-(end - done) :]
            done = end

    def step(self, token: int) -> Logits:
        """Append one token; its logits (1, vocabulary)."""
        return self._append((token,), 1, self._runner, self._needs_company(len(self.tokens), 1))

    def run_ahead(self, ids: Sequence[int]) -> Logits:
        """Append a few tokens in one run; the logits (rows, vocabulary) of each, the bits that steps would give."""
        again = self._needs_company(len(self.tokens), len(ids))
        return self._append(ids, len(ids), self._runner, again)[-len(ids) :]

    def rewind(self, length: int) -> None:
        """Forget all tokens behind the first `length`."""
        self.cache.rewind(length)
        del self.tokens[length:]
        self.canonical_length = min(self.canonical_length, length)
        self.prompt_length = min(self.prompt_length, length)

    def resume(self, tokens: Sequence[int], canonical_length: int, prompt_length: int) -> None:
        """Be the session of those tokens, whose keys and values were put into the cache behind its end."""
        self.cache.commit(len(tokens))
        self.tokens, self.canonical_length, self.prompt_length = list(tokens), canonical_length, prompt_length

    def fork(self) -> Session:
        """An independent copy."""
        copy = Session(self._graph, self.cache.fork(), self.plan, self._prompt_graph, self._ngrams)
        copy.tokens = list(self.tokens)
        copy.canonical_length, copy.prompt_length = self.canonical_length, self.prompt_length
        return copy

    def new_batch(self, rows: int) -> Batch:
        """`rows` copies that are continued together, whatever becomes of this session."""
        return Batch(self._graph, self.cache, rows, self.tokens, self._ngrams)

    def _append_prompt(self, ids: Sequence[int], keep: int) -> Logits:
        past = len(self.tokens)
        logits = self._append(ids, keep, self._prompt_runner, self._needs_company(past, len(ids)))
        if self.prompt_length == past:
            self.prompt_length = len(self.tokens)
        return logits

    def _append(self, ids: Sequence[int], keep: int, runner: Runner | JoinedRunner, again: bool) -> Logits:
        """Run `ids`, and the token before them once more where `again`."""
        past, total = len(self.tokens), len(self.tokens) + len(ids)
        if total > self.context_length:
            raise EngineError(f"{total} tokens do not fit the context of {self.context_length}; shorten the text")
        rows = (*self.tokens[past - 1 :], *ids) if again else ids
        logits = runner.run(rows, past - again, keep)
        self.cache.commit(total)
        self.tokens.extend(ids)
        return logits if self._ngrams is None else mixed_rows(self._ngrams, logits, self.tokens)

    def _needs_company(self, past: int, rows: int) -> bool:
        """Whether the token before must be run again; so too a first token that ran alone, when it gets followers."""
        return self.plan.avoids_lone_rows and past > 0 and (past == 1 or rows % _BLOCK == 1)

    def _rows_to_run(self, longest: int, left: int) -> int:
        """How many of the `left` tokens to run at once. At the very start there is no token before to keep company."""
        rows = min(longest, left)
        is_lone = self.plan.avoids_lone_rows and not self.tokens and rows > 1 and rows % _BLOCK == 1
        return rows - 1 if is_lone else rows

    def _longest_chunk(self, position: int) -> int:
        """Most rows of the prompt chunk at `position`; canonical chunks end where they must, others anywhere."""
        return CHUNK - position % CHUNK if self.plan.is_canonical else self._chunk

    def _take_note(self, start: int, rows: int, seconds: float) -> None:
        """Remember what ran canonically, and how long a chunk may be for a cancel not to wait long."""
        if start % CHUNK == 0 and self.canonical_length == start:
            self.canonical_length = start + rows
        if rows == self._chunk:
            fitting = int(rows / max(seconds, 1e-6) * _CHUNK_SECONDS) // CHUNK * CHUNK
            self._chunk = max(CHUNK, min(_LARGEST_CHUNK, fitting))


def common_prefix(first: Sequence[int], second: Sequence[int]) -> int:
    """How many leading tokens two sequences share."""
    shortest = min(len(first), len(second))
    if list(first[:shortest]) == list(second[:shortest]):
        return shortest
    return next(index for index, (one, other) in enumerate(zip(first, second, strict=False)) if one != other)
