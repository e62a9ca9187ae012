"""Beam search over a model: kept hypotheses as the rows of a batch, and the best texts as the events of candidates.

For: the loop. Knows: the search, a batch, the rules of a request. Must not know: how hypotheses are compared.

    logits of each row -> rules -> best tokens -> search -> rows rearranged -> the new tokens run -> ...

The rules are the request's: bias, bans, penalties, constraint, whole characters. Nothing is drawn, so temperature,
cuts, XTC and mirostat are off. The sums are of probabilities under the rules (they sum to one); what a token event
reports is the model's own logarithm, as everywhere. A text is told when the search has ended, the best first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.beams import BeamSearch, Hypothesis, Option
from engine.constraints.matcher import Matcher
from engine.constraints.stage import is_complete
from engine.contracts.errors import EmptyDistributionError
from engine.contracts.generation import (
    REASON_CANCELLED,
    REASON_CONSTRAINT,
    REASON_CONTEXT,
    REASON_END,
    REASON_LENGTH,
    REASON_STOP,
    Alternatives,
    Event,
    Finished,
    GenerationRequest,
    Timings,
    Token,
    Usage,
)
from engine.loaded_model import LoadedModel
from engine.prompt import Prompt
from engine.record import make_record
from engine.request_chain import (
    Row,
    alternatives,
    begun_character,
    fill_checked,
    healed_bytes,
    request_chain,
    token_bytes,
    without_chance,
)
from engine.sampling.candidates import Candidates, best_ids, nothing_left
from engine.sampling.chain import Chain
from engine.separate_rows import SeparateRows
from engine.session import Session
from engine.text_stream import TextStream

_MORE = 8  # tokens looked at beyond twice the width: some end a text, some may not be written


@dataclass(frozen=True)
class _Told:
    """What is reported of a token besides its text."""

    logprob: float
    alternatives: Alternatives


@dataclass(frozen=True)
class _State:
    """What a hypothesis means to the writer: the rules behind its tokens, its bytes, why it ended."""

    chain: Chain
    text: bytes = b""
    told: tuple[_Told, ...] = ()
    reason: str = ""


@dataclass(frozen=True)
class _Row:
    """The model's own logarithms behind a hypothesis."""

    logits: Row
    normalizer: float
    alternatives: Alternatives


_Beam = Hypothesis[_State]


class BeamWriter:
    """The texts of one request; `first` are the logits behind the prompt, None where it was cancelled before them."""

    def __init__(
        self,
        model: LoadedModel,
        session: Session,
        request: GenerationRequest,
        prompt: Prompt,
        first: Row | None,
        matcher: Matcher | None,
    ) -> None:
        self._model, self._session, self._request, self._prompt, self._first = model, session, request, prompt, first
        self._hidden = len(healed_bytes(model, prompt))
        self._stops = [stop.encode() for stop in request.stop]
        self._banned = [phrase.encode() for phrase in request.banned]
        self._room = model.context_length - len(prompt.ids) + 1  # the last token needs no place any more
        self._pool = Candidates(model.manifest.vocabulary_size)
        longest = min(request.max_tokens, self._room)
        self._search: BeamSearch[_State] = BeamSearch(
            request.beams, request.candidates, longest, request.length_penalty
        )
        rules = replace(request, sampling=without_chance(request.sampling))
        self._root: _Beam = Hypothesis((), 0.0, 0, _State(request_chain(model, rules, prompt, matcher)))

    def events(self, is_cancelled: Callable[[], bool], prefilled: int, prefill_seconds: float) -> Iterator[Event]:
        """Search, then tell; fewer texts than candidates where there are not so many."""
        began = time.perf_counter()
        if self._first is None:
            self._give_up([self._root])
        else:
            self._run(self._first, is_cancelled)
        seconds = time.perf_counter() - began
        for number, found in enumerate(self._search.found):
            count = len(found.ids)
            timings = Timings(
                prefill_ms=1000 * prefill_seconds,
                first_token_ms=1000 * (prefill_seconds + seconds) if count else 0.0,
                decode_ms=1000 * seconds,
                prefill_tokens_per_second=prefilled / prefill_seconds if prefill_seconds else 0.0,
                decode_tokens_per_second=count / seconds if seconds > 0 else 0.0,
            )
            yield from self._told(number, found, timings)

    def _run(self, first: Row, is_cancelled: Callable[[], bool]) -> None:
        session, start = self._session, len(self._prompt.ids)
        rows = session.new_batch(self._request.beams) if session.plan.batches else SeparateRows(session)
        kept, logits = [self._root], first[None]
        while kept:
            if is_cancelled():
                self._give_up(kept)
                return
            parents, grown = self._advance(kept, logits)
            if grown:
                rows.rearrange(parents)
                logits = rows.step([(start + len(one.ids) - 1, one.ids[-1]) for one in grown])
            kept = grown
        if not self._search.found:
            raise nothing_left()

    def _advance(self, kept: Sequence[_Beam], logits: Row) -> tuple[list[int], list[_Beam]]:
        rows = dict[int, _Row]()
        options: list[list[Option]] = []
        for place, one in enumerate(kept):
            normalizer = fill_checked(self._pool, logits[place], self._model)
            told = alternatives(self._model, self._request, logits[place], normalizer)
            rows[id(one)] = _Row(logits[place], normalizer, told)
            options.append(self._options(one.state.chain))
        return self._search.step(kept, options, lambda one, option: self._grown(one, option, rows[id(one)]))

    def _options(self, chain: Chain) -> list[Option]:
        """The best tokens under the rules; none where the rules leave none, which ends the hypothesis."""
        try:
            chain.apply(self._pool, 0.0)
        except EmptyDistributionError:
            return []
        ids, shares = self._pool.distribution()
        possible = shares > 0
        ids, logprobs = ids[possible], np.log(shares[possible])
        best = best_ids(logprobs, min(2 * self._request.beams + _MORE, len(ids)))
        return [Option(int(ids[place]), float(logprobs[place])) for place in best]

    def _grown(self, one: _Beam, option: Option, row: _Row) -> _Beam | None:
        """The hypothesis with one token more; None where a banned phrase would stand in it."""
        state, token, length = one.state, option.token, one.length + 1
        total = one.total + option.logprob
        if token == self._model.tokenizer.end_of_text and not self._request.ignore_end_of_text:
            return Hypothesis(one.ids, total, length, replace(state, reason=REASON_END), is_finished=True)
        text = state.text + token_bytes(self._model, token)
        if any(phrase in text for phrase in self._banned):
            return None
        chain = state.chain.clone()
        chain.accept(token)
        told = _Told(float(row.logits[token]) - row.normalizer, row.alternatives)
        reason = self._reason_to_stop(text, chain, length)
        grown = _State(chain, text, (*state.told, told), reason)
        return Hypothesis((*one.ids, token), total, length, grown, is_finished=bool(reason))

    def _reason_to_stop(self, text: bytes, chain: Chain, length: int) -> str:
        if any(stop in text[self._hidden :] for stop in self._stops):
            return REASON_STOP
        if is_complete(chain):
            return REASON_CONSTRAINT
        if length >= self._request.max_tokens:
            return REASON_LENGTH
        return REASON_CONTEXT if length >= self._room else ""

    def _give_up(self, kept: Sequence[_Beam]) -> None:
        """Cancelled: what there is counts as it stands."""
        for one in kept:
            self._search.finish(replace(one, state=replace(one.state, reason=REASON_CANCELLED), is_finished=True))

    def _told(self, number: int, found: _Beam, timings: Timings) -> Iterator[Event]:
        """The events of one text."""
        request, prompt, state = self._request, self._prompt, found.state
        stream = TextStream(request.stop, self._hidden, begun_character(self._model, prompt))
        texts: list[str] = []
        for index, (token, told) in enumerate(zip(found.ids, state.told, strict=True)):
            texts.append(stream.push(token_bytes(self._model, token)))
            yield Token(request.id, request.ticket, number, index, token, texts[-1], told.logprob, told.alternatives)
        rest = stream.finish(is_cut=state.reason != REASON_END)
        ran = len(prompt.ids) + max(len(found.ids) - 1, 0)
        yield Finished(
            request.id,
            request.ticket,
            candidate=number,
            reason=state.reason,
            matched=stream.matched,
            text=rest,
            usage=Usage(len(prompt.whole), len(found.ids), ran, self._model.context_length),
            timings=timings,
            record=make_record(self._model, request, prompt.whole, number, found.ids, [*texts, rest]),
            score=self._search.score(found),
        )
