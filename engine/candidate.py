"""One candidate: logits in, tokens and their text out, until it ends.

For: the loop, which runs the tokens that candidates want. Knows: chain, random stream, phrase guard, text stream.
Must not know: sessions, batches, who else is writing.

    take(logits) -> Token events, then either a reason to end or `wanted` = (position, token): cut the sequence to
    `position` tokens and run `token` there; the logits behind it are the next ones to take.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.constraints.stage import is_complete
from engine.contracts.generation import (
    REASON_CANCELLED,
    REASON_CONSTRAINT,
    REASON_CONTEXT,
    REASON_END,
    REASON_LENGTH,
    REASON_STOP,
    Alternatives,
    GenerationRequest,
    Timings,
    Token,
    Usage,
)
from engine.draft import Foresight
from engine.loaded_model import LoadedModel
from engine.phrase_guard import PhraseGuard
from engine.prompt import Prompt
from engine.request_chain import alternatives, begun_character, fill_checked, healed_bytes, named, token_bytes
from engine.sampling.candidates import Candidates
from engine.sampling.chain import Chain
from engine.sampling.random_stream import RandomStream
from engine.text_stream import TextStream

Row = NDArray[np.float32]  # logits (vocabulary,)
IsCancelled = Callable[[], bool]


@dataclass(frozen=True)
class _Chosen:
    """A token and what is reported of it besides its text."""

    id: int
    logprob: float
    before: Alternatives = ()
    logprob_after: float | None = None
    after: Alternatives = ()


@dataclass(frozen=True)
class _Held:
    """A token that nobody has been told of, and the chain as it was before it."""

    chosen: _Chosen
    before: Chain


@dataclass
class _Output:
    """What has been produced so far: `ids` are told, those in `held` may still be taken back."""

    ids: list[int] = field(default_factory=list)
    held: list[_Held] = field(default_factory=list)
    forbidden: dict[int, list[int]] = field(default_factory=dict)  # by place, as long as what is before it stands
    text: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.perf_counter)
    first_token_at: float = 0.0

    @property
    def length(self) -> int:
        """Tokens so far."""
        return len(self.ids) + len(self.held)

    @property
    def last(self) -> int:
        """The last token."""
        return self.held[-1].chosen.id if self.held else self.ids[-1]

    def take_back(self, count: int, forbidden: Sequence[int]) -> None:
        """Drop the last `count` tokens; `forbidden` must not come in the place of the first of them."""
        del self.held[-count:]
        self.forbidden = {place: ids for place, ids in self.forbidden.items() if place <= self.length}
        self.forbidden.setdefault(self.length, []).extend(forbidden)


class Candidate:
    """Candidate `number` of a request; `chain` is its own, `first` the logits behind the prompt, which stay."""

    def __init__(
        self,
        model: LoadedModel,
        request: GenerationRequest,
        prompt: Prompt,
        number: int,
        chain: Chain,
        first: Row | None,
        is_cancelled: IsCancelled,
    ) -> None:
        self._model, self._request, self._prompt = model, request, prompt
        self._first, self._is_cancelled = first, is_cancelled
        self.number = number
        self.reason = ""
        self.wanted: tuple[int, int] = (len(prompt.ids), -1)
        self._ran = len(prompt.ids)  # tokens whose keys and values are there
        self._pool = Candidates(model.manifest.vocabulary_size)
        self._output = _Output()
        self._guard = PhraseGuard(request.banned)
        self._chain = chain
        self._stream = RandomStream(request.sampling.seed, number)
        self._text = TextStream(request.stop, len(healed_bytes(model, prompt)), begun_character(model, prompt))

    @property
    def ids(self) -> Sequence[int]:
        """All tokens that were told of."""
        return self._output.ids

    @property
    def text(self) -> Sequence[str]:
        """The pieces of its text."""
        return self._output.text

    @property
    def matched(self) -> str | None:
        """The stop string that ended it."""
        return self._text.matched

    def take(self, logits: Row) -> Iterator[Token]:
        """Choose the next token; more than one where a banned phrase takes tokens back."""
        output, guard = self._output, self._guard
        if output.length:
            self._ran = self.wanted[0] + 1
        while not self.reason:
            if self._is_cancelled():
                self.reason = REASON_CANCELLED
                return
            place = output.length
            before = self._chain.clone() if guard.is_on else self._chain
            chosen = self._choose(logits, self._stream.pair(place), output.forbidden.get(place, ()))
            if chosen.id in self._model.tokenizer.ends_of_text and not self._request.ignore_end_of_text:
                self.reason = REASON_END
                return
            self._chain.accept(chosen.id)
            output.held.append(_Held(chosen, before))
            back = guard.push(self._bytes_of(chosen.id))
            if not back:
                yield from self._release(guard.held)
                self.reason = self._reason_to_stop()
                self._want_last()
                return
            began = output.held[-back]
            self._chain = began.before
            output.take_back(back, guard.alike(began.chosen.id, self._model.tokenizer.pieces))
            if back > 1 and output.length:  # one taken back leaves the logits that it was chosen from
                self._want_last()
                return
            logits = logits if back == 1 or self._first is None else self._first

    def foresee(self) -> Foresight:
        """How it will choose the tokens behind the last one."""
        place, tokens = self._output.length, self._model.tokenizer.vocabulary_size
        return Foresight(self._chain.clone(), self._stream, place, tokens)

    def cancel(self) -> None:
        """End here."""
        self.reason = self.reason or REASON_CANCELLED

    def finish(self) -> tuple[list[Token], str]:
        """The tokens that were still held, and the last piece of text."""
        tokens = list(self._release(0))
        rest = self._text.finish(is_cut=self.reason != REASON_END)
        self._output.text.append(rest)
        return tokens, rest

    def usage(self) -> Usage:
        """Counts of tokens."""
        prompt = self._prompt
        return Usage(len(prompt.whole), len(self.ids), self._ran, self._model.context_length)

    def timings(self, prefilled: int, prefill_seconds: float) -> Timings:
        """How long it took; the prompt's share is told."""
        output, now = self._output, time.perf_counter()
        first = output.first_token_at - output.began if output.ids else 0.0
        decode = now - output.first_token_at if output.ids else 0.0
        later = len(output.ids) - 1
        return Timings(
            prefill_ms=1000 * prefill_seconds,
            first_token_ms=1000 * (prefill_seconds + first) if output.ids else 0.0,
            decode_ms=1000 * decode,
            prefill_tokens_per_second=prefilled / prefill_seconds if prefill_seconds else 0.0,
            decode_tokens_per_second=later / decode if later > 0 and decode > 0 else 0.0,
        )

    def _want_last(self) -> None:
        """The last token runs, again where others behind it were taken back: with the same bits."""
        self.wanted = (len(self._prompt.ids) + self._output.length - 1, self._output.last)

    def _release(self, keep: int) -> Iterator[Token]:
        """Tell of the held tokens but the last `keep`; none behind a stop string."""
        output = self._output
        count = max(len(output.held) - keep, 0)
        released, output.held = output.held[:count], output.held[count:]
        for held in released:
            if self._text.matched is None:
                chosen = held.chosen
                yield self._token(chosen, self._text.push(self._bytes_of(chosen.id)))

    def _choose(self, logits: Row, numbers: tuple[float, float], forbidden: Sequence[int]) -> _Chosen:
        """The next token, and what is reported of it: logarithms of probability before the chain."""
        pool = self._pool
        normalizer = fill_checked(pool, logits, self._model)
        if forbidden:
            pool.forbid(np.array(forbidden))
        number, chance = numbers
        self._chain.apply(pool, chance)
        top = self._request.report_top
        left, left_logprobs = pool.best(top) if top else (np.zeros(0, np.int64), np.zeros(0))
        token = pool.choose(number)
        if not top:
            return _Chosen(token, float(logits[token]) - normalizer)
        before = alternatives(self._model, self._request, logits, normalizer)
        after = float(left_logprobs[0]) + pool.score(token)
        told = named(self._model, left, left_logprobs)
        return _Chosen(token, float(logits[token]) - normalizer, before, after, told)

    def _bytes_of(self, token: int) -> bytes:
        return token_bytes(self._model, token)

    def _token(self, chosen: _Chosen, text: str) -> Token:
        output, request = self._output, self._request
        if not output.ids:
            output.first_token_at = time.perf_counter()
        index = len(output.ids)
        output.ids.append(chosen.id)
        output.text.append(text)
        return Token(
            request.id,
            request.ticket,
            self.number,
            index,
            chosen.id,
            text,
            chosen.logprob,
            chosen.before,
            chosen.logprob_after,
            chosen.after,
        )

    def _reason_to_stop(self) -> str:
        if self._text.matched is not None:
            return REASON_STOP
        if is_complete(self._chain):
            return REASON_CONSTRAINT
        length = self._output.length
        if length >= self._request.max_tokens:
            return REASON_LENGTH
        return REASON_CONTEXT if len(self._prompt.ids) + length > self._model.context_length else ""
