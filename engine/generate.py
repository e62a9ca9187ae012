"""THE loop: a request in, typed events out.

For: the host, the command line, the tests; there is no second loop anywhere. Knows: session, batch, candidates,
record. Must not know: processes, widgets, files, how a token is chosen.

    prompt -> align -> prefill -> [ logits -> candidate: chain -> token -> text -> the token to run ] ... -> record

Candidates continue the same prompt, each with a random stream of its own, and are run as one batch where the machine's
kernels give each the bits that it would get alone (`self_check`), else one after the other; so candidate 0 is what a
lone request gives. Errors end the events with `Failed`; only a bug raises.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence

from engine.batch import MOST_ROWS
from engine.beam_writer import BeamWriter
from engine.candidate import Candidate, IsCancelled, Row
from engine.constraints.requested import requested_matcher
from engine.contracts.errors import EngineError, NextstrokeError
from engine.contracts.generation import (
    Done,
    Event,
    Failed,
    Finished,
    GenerationRequest,
    Progress,
    Started,
)
from engine.draft import DraftGuesses
from engine.loaded_model import LoadedModel
from engine.prompt import Prompt, prepare_prompt
from engine.prompt_lookup import PromptLookup
from engine.record import make_record
from engine.request_chain import request_chain
from engine.runtime import Logits
from engine.session import Session
from engine.session_pool import SessionPool

_OUT_OF_MEMORY = "the computer's memory is full; close programs, shorten the text, or take a smaller model"


def generate(
    model: LoadedModel,
    sessions: Session | SessionPool,
    request: GenerationRequest,
    is_cancelled: IsCancelled = lambda: False,
) -> Iterator[Event]:
    """All events of a request: see `engine.contracts.generation`. The session is valid afterwards, however it ends."""
    try:
        prompt = prepare_prompt(model, request)
        session = sessions.for_prompt(prompt.ids)
        yield from _Generation(model, session, request, prompt, is_cancelled).events()
    except NextstrokeError as error:
        yield Failed(request.id, request.ticket, error.kind, str(error))
    except MemoryError:
        yield Failed(request.id, request.ticket, EngineError.__name__, _OUT_OF_MEMORY)


class _Generation:
    """One request on its way through the loop."""

    def __init__(
        self,
        model: LoadedModel,
        session: Session,
        request: GenerationRequest,
        prompt: Prompt,
        is_cancelled: IsCancelled,
    ) -> None:
        self._model, self._session, self._request, self._prompt = model, session, request, prompt
        self._is_cancelled = is_cancelled
        self._prefill_seconds = 0.0
        self._prefilled = 0

    def events(self) -> Iterator[Event]:
        request, session, prompt = self._request, self._session, self._prompt
        matcher = requested_matcher(self._model, request)
        reused = session.align(prompt.ids)
        to_prefill, context = len(prompt.ids) - reused, self._model.context_length
        dropped, since = prompt.dropped, prompt.dropped_from
        yield Started(request.id, request.ticket, reused, to_prefill, dropped, context, since)
        logits = yield from self._prefill(prompt.ids[reused:])
        first = None if logits is None else logits[-1].copy()  # the first step overwrites them
        if request.beams:
            search = BeamWriter(self._model, session, request, prompt, first, matcher)
            yield from search.events(self._is_cancelled, self._prefilled, self._prefill_seconds)
            yield Done(request.id, request.ticket)
            return
        chain = request_chain(self._model, request, prompt, matcher)
        at_once = MOST_ROWS if session.plan.batches else 1
        for start in range(0, request.candidates, at_once):
            numbers = range(start, min(start + at_once, request.candidates))
            group = [
                Candidate(self._model, request, prompt, number, chain.clone(), first, self._is_cancelled)
                for number in numbers
            ]
            session.rewind(len(prompt.ids) if first is not None else session.length)
            yield from self._write(group, first)
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

    def _write(self, group: Sequence[Candidate], first: Row | None) -> Iterator[Event]:
        """All of a group to their ends: one in the session itself, several as a batch."""
        for candidate in group:
            if first is None:
                candidate.cancel()
            else:
                yield from candidate.take(first)
        writing = list(group)
        guessing = self._new_guessing()
        is_over = all(candidate.reason for candidate in group)
        batch = None if is_over or len(group) == 1 else self._session.new_batch(len(group))
        while True:
            for row in reversed(range(len(writing))):
                if writing[row].reason:
                    yield from self._finished(writing[row])
                    writing[row] = writing[-1]  # as the batch does
                    writing.pop()
                    if batch is not None:
                        batch.drop(row)
            if not writing:
                return
            if batch is None:
                yield from self._step_alone(writing[0], guessing)
                continue
            for candidate, row_logits in zip(writing, batch.step([c.wanted for c in writing]), strict=True):
                yield from candidate.take(row_logits)

    def _new_guessing(self) -> tuple[PromptLookup, DraftGuesses]:
        """Guesses for one text after the other, where this machine's kernels let them be verified in one run."""
        model, request = self._model, self._request
        lookup, longest = request.lookup, request.draft
        if longest is None:
            longest = model.draft.longest if model.draft is not None else 0
        if not self._session.plan.ahead:
            lookup = longest = 0
        draft = DraftGuesses(model.draft, longest, model.manifest.vocabulary_size, self._is_cancelled)
        return PromptLookup(lookup), draft

    def _step_alone(self, candidate: Candidate, guessing: tuple[PromptLookup, DraftGuesses]) -> Iterator[Event]:
        """The token that is wanted, and guessed ones behind it as long as they are what is chosen."""
        session, (position, token) = self._session, candidate.wanted
        session.rewind(position)
        room = session.context_length - position - 1
        guess, learn = self._guess(candidate, token, room, guessing)
        if not guess:
            yield from candidate.take(session.step(token)[-1])
            return
        right = 0
        for logits in session.run_ahead((token, *guess)):
            yield from candidate.take(logits)
            is_right = right < len(guess) and candidate.wanted == (position + 1 + right, guess[right])
            if candidate.reason or not is_right:
                break
            right += 1
        learn(len(guess), right)

    def _guess(
        self, candidate: Candidate, token: int, room: int, guessing: tuple[PromptLookup, DraftGuesses]
    ) -> tuple[list[int], Callable[[int, int], None]]:
        """Tokens that may follow `token`, and who wants to know how many were right; the text is asked first."""
        lookup, draft = guessing
        tokens = (*self._session.tokens, token) if lookup.is_on or draft.is_on else ()
        guess = lookup.guess(tokens, room) if lookup.is_on else []
        if guess or not draft.is_on:
            return guess, lookup.learn
        return draft.guess(tokens, room, candidate.foresee), draft.learn

    def _finished(self, candidate: Candidate) -> Iterator[Event]:
        """The end of a candidate."""
        request, whole = self._request, self._prompt.whole
        tokens, rest = candidate.finish()
        yield from tokens
        yield Finished(
            request.id,
            request.ticket,
            candidate=candidate.number,
            reason=candidate.reason,
            matched=candidate.matched,
            text=rest,
            usage=candidate.usage(),
            timings=candidate.timings(self._prefilled, self._prefill_seconds),
            record=make_record(self._model, request, whole, candidate.number, candidate.ids, candidate.text),
        )
