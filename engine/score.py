"""How probable a text is under a model.

For: `nextstroke score`, evaluation, verification. Knows: sessions and logarithms.
Must not know: sampling, command lines.

    context C, half H:   window 0: tokens [0, C)     scores 1 … C-1
                         window k: tokens [kH, kH+C) scores what no window before it has scored

so behind the first window every token is judged with at least H tokens before it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.contracts.errors import EmptyPromptError, EngineError
from engine.loaded_model import LoadedModel
from engine.prompt import refuse_unknown_ids
from engine.sampling.candidates import best_ids
from engine.session import Session

Top = tuple[tuple[int, float], ...]  # (id, natural logarithm of probability), best first


@dataclass(frozen=True)
class ScoredToken:
    """One token; `logprob` is None for the first, which has nothing before it. `top` is what was expected here."""

    id: int
    text: str
    logprob: float | None
    top: Top


@dataclass(frozen=True)
class ScoreResult:
    """Bits per byte count the bytes of scored tokens only; both figures are None when nothing was scored."""

    tokens: tuple[ScoredToken, ...]
    bits_per_byte: float | None
    perplexity: float | None
    next_top: Top


def score(model: LoadedModel, ids: Sequence[int], top: int = 0, session: Session | None = None) -> ScoreResult:
    """Score every token given those before it; `top` alternatives at each place. Natural logarithms, float64."""
    refuse_unknown_ids(model, ids)
    if not ids:
        raise EmptyPromptError("there is nothing to score: the text is empty; give at least one word")
    judged: list[tuple[float | None, Top]] = [(None, ())]
    next_top: Top = ()
    for row, following in _rows(session or model.new_session(), ids):
        logprobs = log_softmax(row)
        best = tuple((int(token), float(logprobs[token])) for token in best_ids(row, top)) if top else ()
        if following is None:
            next_top = best
        else:
            judged.append((float(logprobs[following]), best))
    tokens = tuple(
        ScoredToken(token, _text_of(model, token), logprob, best)
        for token, (logprob, best) in zip(ids, judged, strict=True)
    )
    return ScoreResult(tokens, *_summary(model, tokens), next_top)


def log_softmax(row: NDArray[np.float32]) -> NDArray[np.float64]:
    """Natural logarithms of probability (vocabulary,), float64. Raises `EngineError` for non-finite numbers."""
    highest = float(row.max())
    if not math.isfinite(highest):
        raise EngineError(
            "the model answers with numbers that are not finite, so its weights are damaged; "
            "fetch or export the model again"
        )
    shifted = row.astype(np.float64) - highest
    result: NDArray[np.float64] = shifted - math.log(float(np.exp(shifted).sum()))
    return result


def _rows(session: Session, ids: Sequence[int]) -> Iterator[tuple[NDArray[np.float32], int | None]]:
    """For every token once, in order: the logits behind it, and the token that follows (None behind the last)."""
    context = session.context_length
    half = max(context // 2, 1)
    start = told = 0
    while told < len(ids):
        end = min(start + context, len(ids))
        # The row behind a window's last token belongs to the next window, unless the text ends there.
        last = end if end == len(ids) else end - 1
        session.rewind(0)
        place = start
        for logits in session.prefill_all(ids[start:end]):
            for row in logits:
                if told <= place < last:
                    yield row, ids[place + 1] if place + 1 < len(ids) else None
                place += 1
        told = last
        start += half


def _text_of(model: LoadedModel, token: int) -> str:
    tokenizer = model.tokenizer
    return tokenizer.decode([token]) if token < tokenizer.vocabulary_size else ""


def _summary(model: LoadedModel, tokens: Sequence[ScoredToken]) -> tuple[float | None, float | None]:
    scored = [token for token in tokens if token.logprob is not None]
    if not scored:
        return None, None
    nats = -math.fsum(token.logprob or 0.0 for token in scored)
    known = (token.id for token in scored if token.id < model.tokenizer.vocabulary_size)
    size = sum(len(model.tokenizer.token_bytes(token)) for token in known)
    perplexity = math.exp(min(nats / len(scored), 700.0))  # e^709 is the largest float
    return (nats / math.log(2) / size if size else None), perplexity
