"""Events of a generation to OpenAI's JSON, whole or piece by piece.

    events -> choices by index -> one object | objects of a stream: pieces …, each choice's last with its reason, usage

A whole answer is what the pieces of a stream join to. Knows events, and both of OpenAI's shapes; must not know sockets,
models or how a request was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.contracts.errors import EngineStoppedError
from engine.contracts.generation import (
    REASON_CANCELLED,
    REASON_CONSTRAINT,
    REASON_CONTEXT,
    REASON_END,
    REASON_LENGTH,
    REASON_STOP,
    Done,
    Event,
    Failed,
    Finished,
    Started,
    Token,
)
from engine.openai_format.refusals import RefusedRequest, engine_refusal
from engine.openai_format.requests import Asked, Served
from engine.text_stream import Utf8Stream

Plain = dict[str, Any]

_REASONS = {
    REASON_LENGTH: "length",
    REASON_CONTEXT: "length",
    REASON_END: "stop",
    REASON_STOP: "stop",
    REASON_CONSTRAINT: "stop",
}
_LOWEST = -9999.0  # OpenAI's word for "never": JSON has no infinity


@dataclass(frozen=True)
class _Scored:
    """A token as log-probabilities show it: its text and bytes, and where its text begins in the choice's."""

    text: str
    bytes: bytes
    logprob: float
    offset: int = 0
    others: tuple[_Scored, ...] = ()


class _Shape(Protocol):
    """What differs between the two addresses."""

    @property
    def names(self) -> tuple[str, str, str]:
        """The beginning of ids, and what a whole answer and a piece of one are called."""

    def whole(self, text: str) -> Plain:
        """The text of a complete choice."""

    def piece(self, text: str) -> Plain:
        """Some more text of a choice."""

    def first(self) -> Plain | None:
        """What comes before a choice's text."""

    def logprobs(self, tokens: Iterable[_Scored]) -> Plain:
        """The log-probabilities of some tokens."""


class _Completion:
    """`/v1/completions`."""

    names = "cmpl-", "text_completion", "text_completion"

    def whole(self, text: str) -> Plain:
        return {"text": text}

    def piece(self, text: str) -> Plain:
        return {"text": text}

    def first(self) -> Plain | None:
        return None

    def logprobs(self, tokens: Iterable[_Scored]) -> Plain:
        listed = list(tokens)
        return {
            "tokens": [token.text for token in listed],
            "token_logprobs": [token.logprob for token in listed],
            # The chosen token is always among them, as with OpenAI.
            "top_logprobs": [{other.text: other.logprob for other in (*token.others, token)} for token in listed],
            "text_offset": [token.offset for token in listed],
        }


class _Chat:
    """`/v1/chat/completions`."""

    names = "chatcmpl-", "chat.completion", "chat.completion.chunk"

    def whole(self, text: str) -> Plain:
        return {"message": {"role": "assistant", "content": text, "refusal": None}}

    def piece(self, text: str) -> Plain:
        return {"delta": {"content": text} if text else {}}

    def first(self) -> Plain | None:
        return {"delta": {"role": "assistant", "content": ""}}

    def logprobs(self, tokens: Iterable[_Scored]) -> Plain:
        listed = [{**self._entry(token), "top_logprobs": [self._entry(o) for o in token.others]} for token in tokens]
        return {"content": listed, "refusal": None}

    def _entry(self, token: _Scored) -> Plain:
        return {"token": token.text, "logprob": token.logprob, "bytes": list(token.bytes)}


@dataclass
class _Choice:
    """What has come of one candidate."""

    text: list[str] = field(default_factory=list)
    tokens: list[_Scored] = field(default_factory=list)
    reason: str | None = None
    output_tokens: int = 0
    has_begun: bool = False
    characters: Utf8Stream = field(default_factory=Utf8Stream)
    offset: int = 0


class Answer:
    """One request's answer while it comes. Raises `RefusedRequest` where the engine fails."""

    def __init__(self, asked: Asked, served: Served, bytes_of: Callable[[int], bytes], created: int) -> None:
        self._asked, self._bytes_of = asked, bytes_of
        self._shape: _Shape = _Chat() if asked.is_chat else _Completion()
        prefix, self._whole_name, self._piece_name = self._shape.names
        self._choices: dict[int, _Choice] = {}
        self._prompt_tokens = self._reused = 0
        self._head = {
            "id": prefix + asked.request.id,
            "created": created,
            "model": served.name,
            "system_fingerprint": served.fingerprint,
        }

    def whole(self, events: Iterable[Event]) -> Plain:
        """The complete answer."""
        for event in events:
            self._take(event)
        return {
            **self._head,
            "object": self._whole_name,
            "choices": [self._complete(index, choice) for index, choice in sorted(self._choices.items())],
            "usage": self._usage(),
        }

    def pieces(self, events: Iterable[Event]) -> Iterator[Plain]:
        """The objects of a stream; the caller closes it with [DONE]."""
        for event in events:
            tokens = self._take(event)
            if isinstance(event, Token | Finished):
                yield from self._news(event, tokens)
        if self._asked.wants_usage:
            yield self._piece([]) | {"usage": self._usage()}

    def _news(self, event: Token | Finished, tokens: list[_Scored]) -> Iterator[Plain]:
        """The pieces that an event gives: none while a character or a stop string is incomplete."""
        choice, index = self._choices[event.candidate], event.candidate
        before = None if choice.has_begun else self._shape.first()
        choice.has_begun = True
        if before is not None:
            yield self._piece([self._part(index, before, [])])
        if event.text or (tokens and self._asked.wants_logprobs):
            yield self._piece([self._part(index, self._shape.piece(event.text), tokens)])
        if isinstance(event, Finished):
            yield self._piece([self._part(index, self._shape.piece(""), []) | {"finish_reason": choice.reason}])

    def _take(self, event: Event) -> list[_Scored]:
        """Note what an event says; the tokens in it."""
        if isinstance(event, Failed):
            raise engine_refusal(event.kind, event.message)
        if isinstance(event, Done) and not all(choice.reason for choice in self._all_choices()):
            raise _stopped()
        if isinstance(event, Started):
            self._reused = event.reused
        if not isinstance(event, Token | Finished):
            return []
        choice = self._choices.setdefault(event.candidate, _Choice())
        choice.text.append(event.text)
        if isinstance(event, Finished):
            self._finish(choice, event)
            return []
        if not self._asked.wants_logprobs:
            return []
        choice.tokens.append(self._scored(choice, event))
        return choice.tokens[-1:]

    def _all_choices(self) -> list[_Choice]:
        return [self._choices.get(index, _Choice()) for index in range(self._asked.request.candidates)]

    def _finish(self, choice: _Choice, event: Finished) -> None:
        if event.reason == REASON_CANCELLED:
            raise _stopped()
        choice.reason = _REASONS[event.reason]
        choice.output_tokens = event.usage.output_tokens
        self._prompt_tokens = event.usage.prompt_tokens

    def _scored(self, choice: _Choice, event: Token) -> _Scored:
        offset = choice.offset
        choice.offset += len(choice.characters.push(self._bytes_of(event.id)))
        others = tuple(self._spelled(token, logprob) for token, _, logprob in event.alternatives)
        return self._spelled(event.id, event.logprob, offset, others)

    def _spelled(self, token: int, logprob: float, offset: int = 0, others: tuple[_Scored, ...] = ()) -> _Scored:
        content = self._bytes_of(token)
        return _Scored(spelled(content), content, max(logprob, _LOWEST), offset, others)

    def _complete(self, index: int, choice: _Choice) -> Plain:
        part = self._part(index, self._shape.whole("".join(choice.text)), choice.tokens)
        return part | {"finish_reason": choice.reason}

    def _part(self, index: int, text: Mapping[str, Any], tokens: list[_Scored]) -> Plain:
        logprobs = self._shape.logprobs(tokens) if self._asked.wants_logprobs else None
        return {"index": index, **text, "logprobs": logprobs, "finish_reason": None}

    def _piece(self, choices: list[Plain]) -> Plain:
        usage = {"usage": None} if self._asked.wants_usage else {}
        return {**self._head, "object": self._piece_name, "choices": choices, **usage}

    def _usage(self) -> Plain:
        written = sum(choice.output_tokens for choice in self._choices.values())
        return {
            "prompt_tokens": self._prompt_tokens,
            "completion_tokens": written,
            "total_tokens": self._prompt_tokens + written,
            "prompt_tokens_details": {"cached_tokens": self._reused},
        }


def _stopped() -> RefusedRequest:
    return engine_refusal(EngineStoppedError.__name__, "the generation was stopped before its end; ask again")


def models_list(served: Served, created: int) -> Plain:
    """`/v1/models`."""
    return {"object": "list", "data": [model_entry(served, created)]}


def model_entry(served: Served, created: int) -> Plain:
    """`/v1/models/NAME`."""
    return {"id": served.name, "object": "model", "created": created, "owned_by": "nextstroke"}


def spelled(content: bytes) -> str:
    """A token's bytes as a text; half a character as OpenAI writes it: `bytes:\\xe4\\xbd`."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in content)
