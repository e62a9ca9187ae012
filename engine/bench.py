"""Measured speed of an opened model on this machine: through the same loop that writers use, sampling included.

    a round:  empty session -> prompt of random tokens -> new tokens          prefill, first token, decode
              the prompt's last word replaced -> one token                    first token after an edit
              the same prompt again -> four candidates                        candidates

One round warms up and is not counted; the answer is the median of the others, and every round is handed out. Knows
requests, events and clocks; must not know how anything is printed.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields

from engine.contracts.errors import EngineError, UsageError, error_from_kind
from engine.contracts.generation import Event, Failed, Finished, GenerationRequest, Token
from engine.contracts.manifest import Manifest
from engine.contracts.sampling_settings import SamplingSettings
from engine.generate import generate
from engine.loaded_model import LoadedModel
from engine.session import Session

EDITED_TOKENS = 2  # a word
CANDIDATES = 4
DTYPE_BYTES = {"float32": 4, "float16": 2, "int8": 1}
MILLISECONDS = 1000


@dataclass(frozen=True)
class Round:
    """What one round measured."""

    prefill_tokens_per_second: float
    decode_tokens_per_second: float
    time_to_first_token_ms: float
    time_to_first_token_after_edit_ms: float
    candidates_4_tokens_per_second: float


@dataclass(frozen=True)
class _Run:
    """One request on the clock: seconds from the call to the first and the last token, and the engine's own figures."""

    first_token: float
    last_token: float
    tokens: int
    prefill_tokens_per_second: float


def measure(
    model: LoadedModel, prompt_tokens: int, new_tokens: int, rounds: int, on_round: Callable[[int, Round], None]
) -> Round:
    """Medians of `rounds` rounds. Raises `UsageError` when the tokens do not fit the model's context."""
    total = prompt_tokens + new_tokens
    if prompt_tokens <= EDITED_TOKENS or new_tokens < 2 or total > model.context_length:
        raise UsageError(
            f"{prompt_tokens} prompt tokens and {new_tokens} new ones cannot be measured: together they must fit the "
            f"context of {model.context_length}, with at least {EDITED_TOKENS + 1} and 2 of each; change the numbers"
        )
    session = model.new_session()
    measured: list[Round] = []
    for number in range(rounds + 1):
        found = _round(model, session, random_ids(model, prompt_tokens, seed=number), new_tokens)
        if number > 0:
            measured.append(found)
            on_round(number, found)
    columns = {entry.name: [asdict(found)[entry.name] for found in measured] for entry in fields(Round)}
    return Round(**{name: statistics.median(values) for name, values in columns.items()})


def bytes_read_per_token(manifest: Manifest, positions: float) -> int:
    """Weights of the decoder graph plus the K/V of so many positions: what one new token makes the memory deliver."""
    graph = manifest.graph("decoder") or ""
    others = {entry.file for entry in manifest.graphs if entry.role != "decoder"}
    stem = graph.removesuffix(".onnx")
    weights = sum(
        entry.bytes
        for entry in manifest.files
        if entry.name == graph or (entry.name.startswith(f"{stem}.") and entry.name not in others)
    )
    cache = manifest.cache
    a_position = 2 * cache.layers * cache.kv_heads * cache.head_size * DTYPE_BYTES[cache.dtype]
    return weights + round(a_position * positions)


def peak_memory_bytes() -> int | None:
    """The most memory that this process has held, or None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def random_ids(model: LoadedModel, count: int, seed: int) -> tuple[int, ...]:
    """The same random tokens for the same seed, without control tokens."""
    dice = random.Random(seed)
    special = set(model.manifest.special_tokens.values())
    known = [token for token in range(model.tokenizer.vocabulary_size) if token not in special]
    return tuple(dice.choices(known, k=count))


def _round(model: LoadedModel, session: Session, ids: tuple[int, ...], new_tokens: int) -> Round:
    session.rewind(0)
    cold = _run(model, session, _request(ids, new_tokens))
    kept, replaced = ids[:-EDITED_TOKENS], ids[-EDITED_TOKENS:]
    edit = _run(model, session, _request((*kept, *(_another(token, ids) for token in replaced)), 1))
    several = _run(model, session, _request(ids, new_tokens, CANDIDATES))
    return Round(
        prefill_tokens_per_second=cold.prefill_tokens_per_second,
        decode_tokens_per_second=(cold.tokens - 1) / (cold.last_token - cold.first_token),
        time_to_first_token_ms=cold.first_token * MILLISECONDS,
        time_to_first_token_after_edit_ms=edit.first_token * MILLISECONDS,
        candidates_4_tokens_per_second=(several.tokens - 1) / (several.last_token - several.first_token),
    )


def _another(token: int, ids: tuple[int, ...]) -> int:
    """A token of the prompt that is not this one; its neighbour where the prompt has no other."""
    return next((other for other in ids if other != token), token + 1)


def _request(ids: tuple[int, ...], new_tokens: int, candidates: int = 1) -> GenerationRequest:
    return GenerationRequest(
        "bench",
        prompt_ids=ids,
        max_tokens=new_tokens,
        sampling=SamplingSettings(seed=1),
        candidates=candidates,
        ignore_end_of_text=True,
    )


def _run(model: LoadedModel, session: Session, request: GenerationRequest) -> _Run:
    began = time.perf_counter()
    return _timed(began, generate(model, session, request, lambda: False))


def _timed(began: float, events: Iterable[Event]) -> _Run:
    arrivals: list[float] = []
    prefill = 0.0
    for event in events:
        if isinstance(event, Token):
            arrivals.append(time.perf_counter() - began)
        elif isinstance(event, Finished):
            prefill = prefill or event.timings.prefill_tokens_per_second
        elif isinstance(event, Failed):
            raise error_from_kind(event.kind, event.message)
    if not arrivals:
        raise EngineError("the model wrote nothing, so there is nothing to measure; verify its folder")
    return _Run(arrivals[0], arrivals[-1], len(arrivals), prefill)
