"""Requests, events and records of a generation, as frozen plain values with a JSON round trip.

    Started → Progress* → Token* (interleaved by candidate) → Finished (one a candidate) → Done
                                                            ↘ Failed (instead of whatever was still to come)

Every Started is followed by exactly one Done or Failed; cancelled is a `Finished.reason`. Knows plain types; must not
know sessions, tensors or widgets.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar

from engine.contracts.constraint import Constraint
from engine.contracts.errors import UsageError
from engine.contracts.manifest import canonical_json
from engine.contracts.plain_fields import (
    COUNT_LIMIT,
    NESTING_LIMIT,
    TEXTS_LIMIT,
    demand,
    is_number,
    is_text,
    nests_deeper,
    wrong_field,
)
from engine.contracts.sampling_settings import SamplingSettings

# Reasons of Finished
REASON_LENGTH = "length"  # max_tokens reached
REASON_END = "end_of_text"
REASON_STOP = "stop"  # a stop string; `matched` says which
REASON_CONSTRAINT = "constraint"  # it is fulfilled, and nothing may follow
REASON_CONTEXT = "context"  # the context is full
REASON_CANCELLED = "cancelled"

# What to do with a prompt longer than the context
CONTEXT_REFUSE = "refuse"
CONTEXT_KEEP_END = "keep_end"  # drop tokens from the start; Started says which

LOOKUP_LIMIT = 32
PROMPT_LIMIT = 1_000_000  # characters of a prompt: it becomes tokens within a second, and nothing can cancel that
BEAM_LIMIT = 8  # as many as run in one batch
LENGTH_PENALTY_LIMIT = 10.0
BIAS_LIMIT = 100.0  # of a bias in both directions; minus this forbids a token


@dataclass(frozen=True)
class GenerationRequest:
    """One request. Either `prompt` or `prompt_ids`; the seed is explicit; `ticket` comes back in every event."""

    id: str
    prompt: str | None = None
    prompt_ids: tuple[int, ...] | None = None
    max_tokens: int = 128
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    stop: tuple[str, ...] = ()
    bias: Mapping[str, float] = field(default_factory=dict)  # added to the scores of every token of a text
    bias_ids: Mapping[str, float] = field(default_factory=dict)  # the same by token id, written as text
    banned: tuple[str, ...] = ()  # phrases that are not written; what begins one is taken back
    begin_with: str = ""  # the text begins so
    heal: bool = False  # the prompt's last token may become a longer one: it may end in the middle of a word
    constraint: Constraint | None = None  # what the text must be; begin_with is a part of it, the prompt is not
    candidates: int = 1
    beams: int = 0  # beam search, so many hypotheses wide: the candidates are its best texts; 0: off
    length_penalty: float = 1.0  # of beam search: texts are compared by log-probability / length ** this
    any_bytes: bool = False  # bytes that no character has may be written too; they show as U+FFFD
    lookup: int = 0  # tokens guessed ahead from the text itself, at most; changes the speed alone
    draft: int | None = None  # the same by a draft model, where one is loaded; None: as many as were measured fastest
    report_top: int = 0  # alternatives reported with each token
    ignore_end_of_text: bool = False
    context_policy: str = CONTEXT_REFUSE
    ticket: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse impossible requests before they reach the engine."""
        demand(not self.id or is_text(self.id), "id", self.id, "a text in UTF-8")
        length = len(self.prompt or "")
        demand(length <= PROMPT_LIMIT, "the prompt's length", length, f"at most {PROMPT_LIMIT} characters")
        demand(not nests_deeper(self.ticket), "ticket", self.ticket, f"nested at most {NESTING_LIMIT} deep")
        for name in ("stop", "banned", "bias"):
            count = len(getattr(self, name))
            demand(count <= TEXTS_LIMIT, f"the number of texts in {name}", count, f"at most {TEXTS_LIMIT}")
        demand(1 <= self.max_tokens <= COUNT_LIMIT, "max tokens", self.max_tokens, f"from 1 to {COUNT_LIMIT}")
        demand(1 <= self.candidates <= 64, "candidates", self.candidates, "from 1 to 64")
        demand(0 <= self.beams <= BEAM_LIMIT, "beams", self.beams, f"from 0 to {BEAM_LIMIT}")
        is_right = self.beams == 0 or self.candidates <= self.beams
        demand(is_right, "candidates", self.candidates, f"at most the {self.beams} beams")
        is_right = abs(self.length_penalty) <= LENGTH_PENALTY_LIMIT
        demand(is_right, "length penalty", self.length_penalty, f"within {LENGTH_PENALTY_LIMIT:g} of zero")
        demand(0 <= self.lookup <= LOOKUP_LIMIT, "lookup", self.lookup, f"from 0 to {LOOKUP_LIMIT}")
        is_right = self.draft is None or 0 <= self.draft <= LOOKUP_LIMIT
        demand(is_right, "draft", self.draft, f"from 0 to {LOOKUP_LIMIT}")
        demand(0 <= self.report_top <= 1000, "report top", self.report_top, "from 0 to 1000")
        demand(all(map(is_text, self.stop)), "stop", self.stop, "texts that are not empty, in UTF-8")
        demand(not self.begin_with or is_text(self.begin_with), "begin with", self.begin_with, "a text in UTF-8")
        demand(all(map(is_text, self.banned)), "banned", self.banned, "texts that are not empty, in UTF-8")
        demand(all(map(is_text, self.bias)), "bias", self.bias, "by texts that are not empty, in UTF-8")
        demand(all(map(_is_id, self.bias_ids)), "bias ids", self.bias_ids, 'by token ids, as {"42": -1.5}')
        for amount in (*self.bias.values(), *self.bias_ids.values()):
            is_right = is_number(amount) and -BIAS_LIMIT <= amount <= BIAS_LIMIT
            demand(is_right, "a bias", amount, f"a number from {-BIAS_LIMIT:g} to {BIAS_LIMIT:g}")
        demand(
            self.context_policy in (CONTEXT_REFUSE, CONTEXT_KEEP_END),
            "context policy",
            self.context_policy,
            f"{CONTEXT_REFUSE} or {CONTEXT_KEEP_END}",
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> GenerationRequest:
        """The request of `to_dict`; unknown fields are refused, since ignoring one would change the text silently."""
        values = _known(cls, plain)
        found = values.get("sampling", {})
        demand(isinstance(found, Mapping | SamplingSettings), "sampling", found, "an object")
        if isinstance(values.get("sampling"), Mapping):
            settings = _known(SamplingSettings, values["sampling"])
            settings |= {name: tuple(value) for name, value in settings.items() if isinstance(value, list)}
            values["sampling"] = SamplingSettings(**settings)
        if values.get("prompt_ids") is not None:
            values["prompt_ids"] = tuple(int(token) for token in values["prompt_ids"])
        if values.get("constraint") is not None:
            values["constraint"] = Constraint.from_dict(values["constraint"])
        values |= {name: tuple(values[name]) for name in ("stop", "banned") if name in values}
        return cls(**values)


@dataclass(frozen=True)
class GenerationRecord:
    """Enough to generate the same passage again, and to say honestly if that is impossible."""

    model_name: str
    model_digest: str  # Manifest.digest()
    tokenizer_digest: str
    engine_version: str
    runtime_version: str
    device: str  # "cpu", "cuda:0 NVIDIA …"
    kernel_class: str  # CPU instruction set or GPU architecture that decided the kernels
    self_check: str  # "exact" | "canonical chunks" | what cannot be promised
    threads: int
    prompt_ids: tuple[int, ...]
    request: Mapping[str, Any]  # GenerationRequest.to_dict() without prompt text and ticket
    candidate: int
    output_ids: tuple[int, ...]
    output_text_sha256: str
    version: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> GenerationRecord:
        """The record of `to_dict`. Raises `UsageError` on anything else."""
        try:
            values = _known(cls, plain)
            if values.get("version", 1) != 1:
                raise ValueError(f"it has version {values['version']}, this program knows 1; update the program")
            values["prompt_ids"] = tuple(int(token) for token in values["prompt_ids"])
            values["output_ids"] = tuple(int(token) for token in values["output_ids"])
            return cls(**values)
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"of a record's fields, one is missing or wrong: {error}") from error

    def digest(self) -> str:
        """SHA-256 of the canonical form."""
        return hashlib.sha256(canonical_json(self.to_dict())).hexdigest()


@dataclass(frozen=True)
class Event:
    """Base of all events; `name` is the word on the wire."""

    name: ClassVar[str] = ""

    request_id: str
    ticket: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, with the key "event"."""
        return {"event": self.name, **asdict(self)}


@dataclass(frozen=True)
class Started(Event):
    """The prompt is tokenized: `reused` tokens lie in the cache, `to_prefill` are to run, `dropped` are not seen.

    The dropped ones are those from `dropped_from` on, counted over all tokens of the prompt: 0, or 1 where the model
    has a token that begins every text, which stays.
    """

    name: ClassVar[str] = "started"

    reused: int
    to_prefill: int
    dropped: int = 0
    context_length: int = 0
    dropped_from: int = 0


@dataclass(frozen=True)
class Progress(Event):
    """`done` of `total` prompt tokens are in the cache."""

    name: ClassVar[str] = "progress"

    done: int
    total: int


Alternatives = tuple[tuple[int, str, float], ...]  # id, text, natural logarithm of its probability; the best first


@dataclass(frozen=True)
class Token(Event):
    """One generated token. `text` may be empty while a character or a stop string is incomplete.

    With `report_top`, `alternatives` are the best tokens of the model itself, and `alternatives_after` the best of what
    bias, bans, the constraint and the sampling chain left, with the probabilities that the choice was made by.
    """

    name: ClassVar[str] = "token"

    candidate: int
    index: int
    id: int
    text: str
    logprob: float  # natural logarithm, before the sampling chain
    alternatives: Alternatives = ()  # before the chain
    logprob_after: float | None = None  # of this token among what the chain left; None where nothing is reported
    alternatives_after: Alternatives = ()  # fewer where fewer were left


@dataclass(frozen=True)
class Usage:
    """Token counts of one candidate."""

    prompt_tokens: int
    output_tokens: int
    context_used: int
    context_length: int


@dataclass(frozen=True)
class Timings:
    """Milliseconds; speeds in tokens per second (0 where nothing was measured)."""

    prefill_ms: float
    first_token_ms: float
    decode_ms: float
    prefill_tokens_per_second: float
    decode_tokens_per_second: float


@dataclass(frozen=True)
class Finished(Event):
    """One candidate is complete. `text` is the last piece that was held back (stop strings, half characters)."""

    name: ClassVar[str] = "finished"

    candidate: int
    reason: str
    matched: str | None
    text: str
    usage: Usage
    timings: Timings
    record: GenerationRecord
    score: float | None = None  # of beam search: log-probability under the rules / length ** length_penalty


@dataclass(frozen=True)
class Done(Event):
    """All candidates are complete."""

    name: ClassVar[str] = "done"


@dataclass(frozen=True)
class Failed(Event):
    """The request ended with an error; `kind` is the class in the error tree, `message` its one line."""

    name: ClassVar[str] = "failed"

    kind: str
    message: str


def event_from_dict(plain: Mapping[str, Any]) -> Event:
    """The event of `to_dict`, on the window's side of the pipe."""
    values = dict(plain)
    kind = _EVENTS[values.pop("event")]
    if kind is Token:
        for name in ("alternatives", "alternatives_after"):
            values[name] = tuple((int(i), str(t), float(p)) for i, t, p in values.get(name, ()))
    if kind is Finished:
        values["usage"] = Usage(**values["usage"])
        values["timings"] = Timings(**values["timings"])
        values["record"] = GenerationRecord.from_dict(values["record"])
    event: Event = kind(**values)
    return event


_EVENTS: dict[str, type[Event]] = {kind.name: kind for kind in (Started, Progress, Token, Finished, Done, Failed)}


def _known(kind: Any, plain: Mapping[str, Any]) -> dict[str, Any]:
    names = {entry.name for entry in fields(kind)}
    unknown = sorted(set(plain) - names)
    if unknown:
        raise UsageError(f"unknown setting {', '.join(unknown)}; known are {', '.join(sorted(names))}")
    problem = wrong_field(kind, plain)
    if problem:
        raise UsageError(problem)
    return dict(plain)


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10
