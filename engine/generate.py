"""THE loop: a request in, typed events out.

For: the host, the command line, the tests; there is no second loop anywhere. Knows: session, sampling chain, text
stream, record. Must not know: processes, widgets, files.

    prompt -> align -> prefill -> [ logits -> chain -> token -> bytes -> text -> step ] ... -> record

Candidates run one after the other from the same prompt, each with a random stream of its own, so candidate 0 is what a
lone request gives. Errors end the events with `Failed`; only a bug raises.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.contracts.errors import EngineError, NextstrokeError
from engine.contracts.generation import (
    REASON_CANCELLED,
    REASON_CONTEXT,
    REASON_END,
    REASON_LENGTH,
    REASON_STOP,
    Done,
    Event,
    Failed,
    Finished,
    GenerationRecord,
    GenerationRequest,
    Progress,
    Started,
    Timings,
    Token,
    Usage,
)
from engine.contracts.manifest import canonical_json
from engine.loaded_model import LoadedModel
from engine.phrase_guard import PhraseGuard
from engine.prompt import Prompt, prepare_prompt, refuse_unknown_ids
from engine.runtime import Logits
from engine.sampling.bias import Bias
from engine.sampling.candidates import Candidates, best_ids
from engine.sampling.chain import Chain, make_chain
from engine.sampling.literal import Literal
from engine.sampling.random_stream import RandomStream
from engine.sampling.stage import Stage
from engine.session import Session
from engine.text_stream import TextStream

_OUT_OF_MEMORY = "the computer's memory is full; close programs, shorten the text, or take a smaller model"

_NOT_RECORDED = (
    "prompt",
    "prompt_ids",
    "ticket",
)  # the text stays out of records; the tokens have a field of their own

IsCancelled = Callable[[], bool]


def generate(
    model: LoadedModel, session: Session, request: GenerationRequest, is_cancelled: IsCancelled = lambda: False
) -> Iterator[Event]:
    """All events of a request: see `engine.contracts.generation`. The session is valid afterwards, however it ends."""
    try:
        yield from _Generation(model, session, request, is_cancelled).events()
    except NextstrokeError as error:
        yield Failed(request.id, request.ticket, error.kind, str(error))
    except MemoryError:
        yield Failed(request.id, request.ticket, EngineError.__name__, _OUT_OF_MEMORY)


@dataclass(frozen=True)
class _Chosen:
    """A token and what is reported of it besides its text."""

    id: int
    logprob: float
    alternatives: tuple[tuple[int, str, float], ...]


@dataclass(frozen=True)
class _Held:
    """A token that nobody has been told of, and the chain as it was before it."""

    chosen: _Chosen
    before: Chain


@dataclass
class _Output:
    """What one candidate has produced so far: `ids` are told, those in `held` may still be taken back."""

    candidate: int
    ids: list[int] = field(default_factory=list)
    held: list[_Held] = field(default_factory=list)
    forbidden: dict[int, list[int]] = field(default_factory=dict)  # by place, as long as what is before it stands
    text: list[str] = field(default_factory=list)
    reason: str = ""
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


class _Generation:
    """One request on its way through the loop."""

    def __init__(
        self, model: LoadedModel, session: Session, request: GenerationRequest, is_cancelled: IsCancelled
    ) -> None:
        self._model, self._session, self._request, self._is_cancelled = model, session, request, is_cancelled
        self._prefill_seconds = 0.0
        self._prefilled = 0
        self._pool = Candidates(model.manifest.vocabulary_size)

    def events(self) -> Iterator[Event]:
        request, session = self._request, self._session
        prompt = prepare_prompt(self._model, request)
        reused = session.align(prompt.ids)
        to_prefill, context = len(prompt.ids) - reused, self._model.context_length
        yield Started(request.id, request.ticket, reused, to_prefill, prompt.dropped, context)
        logits = yield from self._prefill(prompt.ids[reused:])
        if logits is not None and request.candidates > 1:
            logits = logits.copy()  # every candidate begins with them, and the first one's steps overwrite them
        for candidate in range(request.candidates):
            if candidate > 0 and logits is not None:
                session.rewind(len(prompt.ids))
            yield from self._candidate(prompt, candidate, logits)
        yield Done(request.id, request.ticket)

    def _prefill(self, ids: Sequence[int]) -> Generator[Event, None, Logits | None]:
        """Run the rest of the prompt; None when it was cancelled."""
        began = time.perf_counter()
        logits: Logits | None = None
        if self._is_cancelled():
            return None
        for done, latest in self._session.prefill_chunks(ids):
            logits = latest
            self._prefilled, self._prefill_seconds = done, time.perf_counter() - began
            yield Progress(self._request.id, self._request.ticket, done, len(ids))
            if self._is_cancelled():
                return None
        return logits

    def _candidate(self, prompt: Prompt, candidate: int, logits: Logits | None) -> Iterator[Event]:
        request, output = self._request, _Output(candidate)
        guard = PhraseGuard(request.banned)
        chain = self._new_chain(prompt)
        stream = RandomStream(request.sampling.seed, candidate)
        first = logits if logits is None else logits.copy()  # for when all tokens are taken back
        text = TextStream(request.stop, hidden=len(self._healed_bytes(prompt)))
        while not output.reason:
            if logits is None or self._is_cancelled():
                output.reason = REASON_CANCELLED
                break
            place = output.length
            before = chain.clone() if guard.is_on else chain
            chosen = self._choose(logits[-1], chain, stream.pair(place), output.forbidden.get(place, ()))
            if chosen.id == self._model.tokenizer.end_of_text and not request.ignore_end_of_text:
                output.reason = REASON_END
                break
            chain.accept(chosen.id)
            output.held.append(_Held(chosen, before))
            back = guard.push(self._bytes_of(chosen.id))
            if back:
                began = output.held[-back]
                chain = began.before
                output.take_back(back, guard.alike(began.chosen.id, self._model.tokenizer.pieces))
                if back > 1:  # else those before the token still stand
                    logits = self._logits_behind(prompt, output, first)
                continue
            yield from self._release(output, text, guard.held)
            output.reason = self._reason_to_stop(output, text)
            if not output.reason:
                logits = self._session.step(chosen.id)
        yield from self._release(output, text, 0)
        yield self._finished(prompt, output, text)

    def _new_chain(self, prompt: Prompt) -> Chain:
        """The stages of the request, which have read the prompt."""
        request, tokenizer = self._request, self._model.tokenizer
        amounts = {int(token): amount for token, amount in request.bias_ids.items()}
        refuse_unknown_ids(self._model, amounts)
        for text, amount in request.bias.items():
            amounts |= dict.fromkeys(tokenizer.encode(text), amount)
        stages: tuple[Stage, ...] = (Bias(amounts),) if amounts else ()
        chain = Chain((*stages, *make_chain(request.sampling, tokenizer.pieces).stages))
        for token in prompt.ids:
            chain.accept(token)
        literal = self._healed_bytes(prompt) + request.begin_with.encode()
        return Chain((Literal(literal, tokenizer.pieces), *chain.stages)) if literal else chain

    def _healed_bytes(self, prompt: Prompt) -> bytes:
        return b"".join(self._bytes_of(token) for token in prompt.healed)

    def _logits_behind(self, prompt: Prompt, output: _Output, first: Logits | None) -> Logits | None:
        """Those behind the last token that was not taken back: it runs once more, with the same bits."""
        self._session.rewind(len(prompt.ids) + max(output.length - 1, 0))
        return self._session.step(output.last) if output.length else first

    def _release(self, output: _Output, text: TextStream, keep: int) -> Iterator[Token]:
        """Tell of the held tokens but the last `keep`; none behind a stop string."""
        count = max(len(output.held) - keep, 0)
        released, output.held = output.held[:count], output.held[count:]
        for held in released:
            if text.matched is None:
                chosen = held.chosen
                yield self._token(output, chosen, text.push(self._bytes_of(chosen.id)))

    def _choose(
        self, logits: NDArray[np.float32], chain: Chain, numbers: tuple[float, float], forbidden: Sequence[int]
    ) -> _Chosen:
        """The next token, and what is reported of it: logarithms of probability before the chain."""
        pool = self._pool
        pool.fill(logits)
        if not math.isfinite(pool.highest):
            raise EngineError(
                "the model answers with numbers that are not finite, so its weights are damaged; "
                "fetch or export the model again"
            )
        normalizer = pool.normalizer
        # Ids beyond the tokenizer's are padding of the model's matrices and stand for no text.
        pool.forbid_from(self._model.tokenizer.vocabulary_size)
        if forbidden:
            pool.forbid(np.array(forbidden))
        number, chance = numbers
        chain.apply(pool, chance)
        token = pool.choose(number)
        return _Chosen(token, float(logits[token]) - normalizer, self._alternatives(logits, normalizer))

    def _alternatives(self, logits: NDArray[np.float32], normalizer: float) -> tuple[tuple[int, str, float], ...]:
        if self._request.report_top == 0:
            return ()
        best = best_ids(logits, self._request.report_top)
        return tuple(
            (int(token), self._bytes_of(int(token)).decode("utf-8", "replace"), float(logits[token]) - normalizer)
            for token in best
        )

    def _bytes_of(self, token: int) -> bytes:
        tokenizer = self._model.tokenizer
        return tokenizer.token_bytes(token) if token < tokenizer.vocabulary_size else b""

    def _token(self, output: _Output, chosen: _Chosen, text: str) -> Token:
        if not output.ids:
            output.first_token_at = time.perf_counter()
        index = len(output.ids)
        output.ids.append(chosen.id)
        output.text.append(text)
        request = self._request
        return Token(
            request.id,
            request.ticket,
            output.candidate,
            index,
            chosen.id,
            text,
            chosen.logprob,
            chosen.alternatives,
        )

    def _reason_to_stop(self, output: _Output, text: TextStream) -> str:
        if text.matched is not None:
            return REASON_STOP
        if output.length >= self._request.max_tokens:
            return REASON_LENGTH
        return REASON_CONTEXT if self._session.length >= self._session.context_length else ""

    def _finished(self, prompt: Prompt, output: _Output, text: TextStream) -> Finished:
        rest = text.finish(is_cut=output.reason != REASON_END)
        output.text.append(rest)
        usage = Usage(len(prompt.whole), len(output.ids), self._session.length, self._model.context_length)
        return Finished(
            self._request.id,
            self._request.ticket,
            candidate=output.candidate,
            reason=output.reason,
            matched=text.matched,
            text=rest,
            usage=usage,
            timings=self._timings(output),
            record=make_record(self._model, self._request, prompt.whole, output.candidate, output.ids, output.text),
        )

    def _timings(self, output: _Output) -> Timings:
        now = time.perf_counter()
        first = output.first_token_at - output.began if output.ids else 0.0
        decode = now - output.first_token_at if output.ids else 0.0
        later = len(output.ids) - 1
        return Timings(
            prefill_ms=1000 * self._prefill_seconds,
            first_token_ms=1000 * (self._prefill_seconds + first) if output.ids else 0.0,
            decode_ms=1000 * decode,
            prefill_tokens_per_second=self._prefilled / self._prefill_seconds if self._prefill_seconds else 0.0,
            decode_tokens_per_second=later / decode if later > 0 and decode > 0 else 0.0,
        )


def make_record(
    model: LoadedModel,
    request: GenerationRequest,
    prompt_ids: Sequence[int],
    candidate: int,
    output_ids: Sequence[int],
    text: Sequence[str],
) -> GenerationRecord:
    """Everything needed to generate the same passage again."""
    settings = {name: value for name, value in request.to_dict().items() if name not in _NOT_RECORDED}
    settings = json.loads(canonical_json(settings))  # lists for tuples, as the record comes back from a file
    return GenerationRecord(
        model_name=model.manifest.id,
        model_digest=model.manifest.digest(),
        tokenizer_digest=model.tokenizer.digest,
        engine_version=model.versions["engine"],
        runtime_version=model.versions["onnxruntime"],
        device=model.device.name,
        kernel_class=model.device.kernel_class,
        self_check=model.plan.description,
        threads=model.threads,
        prompt_ids=tuple(prompt_ids),
        request=settings,
        candidate=candidate,
        output_ids=tuple(output_ids),
        output_text_sha256=hashlib.sha256("".join(text).encode()).hexdigest(),
    )
