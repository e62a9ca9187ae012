"""What was compared, how far apart it was, and how far it may be: plain values, figures and words.

For: `verify.py`, which measures, and everyone who reads certificate.json. Knows thresholds. Must not know models.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

FORMAT = "nextstroke-certificate"
VERSION = 1


@dataclass(frozen=True)
class Threshold:
    """The most a precision may differ. None = not limited.

    `max_error_per_rms`: largest |Δlogit| over max(1, RMS of the logits). `perplexity_loss`: relative, over all natural
    texts. `kl_divergence`: mean over positions, in nats; over much text a model that knows its language loses about as
    much perplexity, so it is the steadier of the two. `greedy`: the continuation must be the reference's own.
    """

    max_error_per_rms: float | None
    perplexity_loss: float | None
    kl_divergence: float | None
    greedy: bool


THRESHOLDS: Mapping[str, Threshold] = {
    "fp32": Threshold(1e-3, None, None, greedy=True),
    "fp16": Threshold(None, 0.005, 0.01, greedy=False),
    "int8": Threshold(None, 0.005, 0.02, greedy=False),
    "int4": Threshold(None, 0.04, 0.06, greedy=False),
}


@dataclass(frozen=True)
class TextReport:
    """One text: errors of the logits, and both models' mean negative log-likelihood in nats a token."""

    name: str
    natural: bool
    tokens: int
    max_error: float
    mean_error: float
    rms_logits: float
    nmse: float
    kl_divergence: float
    same_top_1: float
    nats_reference: float
    nats_converted: float

    @property
    def perplexities(self) -> tuple[float, float]:
        """Of the reference and of the converted model."""
        return _perplexity(self.nats_reference), _perplexity(self.nats_converted)


@dataclass(frozen=True)
class Greedy:
    """The greedy continuation; `excused`: where it first differs, the reference's two best are nearly equal."""

    tokens: int
    first_difference: int | None
    margin_there: float | None
    excused: bool


@dataclass(frozen=True)
class Rounding:
    """What was done to the weights: each tensor group's layout in words, and where it is more precise than asked, why.

    `raised` holds sentences without their full stop; it is empty where the first attempt was inside its thresholds.
    """

    groups: Mapping[str, str] = field(default_factory=dict)
    raised: tuple[str, ...] = ()


@dataclass(frozen=True)
class Certificate:
    """All measurements of one conversion."""

    precision: str
    source: Mapping[str, Any]
    reference: str
    engine: Mapping[str, str]
    texts: tuple[TextReport, ...]
    cached_versus_uncached: float
    tokenizer_round_trip: bool
    greedy: Greedy
    threshold: Threshold
    prompt_texts: tuple[TextReport, ...] = ()  # the same texts through the graph for prompts, where there is one
    rounding: Rounding = Rounding()

    @property
    def max_error(self) -> float:
        """Largest |Δlogit| anywhere."""
        return max(text.max_error for text in self.texts)

    @property
    def kl_divergence(self) -> float:
        """Mean over all positions, in nats."""
        return _mean(self.texts, lambda text: text.kl_divergence)

    @property
    def same_top_1(self) -> float:
        """Share of positions with the same most probable token."""
        return _mean(self.texts, lambda text: text.same_top_1)

    @property
    def perplexity_loss(self) -> float:
        """Relative rise of perplexity over all natural texts; below zero where the conversion happens to be better."""
        return _perplexity_loss(self.texts)

    def problems(self) -> list[str]:
        """Every figure of the decoder that is outside its threshold, in words."""
        found = _problems(self.texts, self.threshold)
        if self.threshold.greedy and self.greedy.first_difference is not None and not self.greedy.excused:
            found.append(f"the greedy continuation differs from token {self.greedy.first_difference + 1}")
        return found

    def prompt_problems(self) -> list[str]:
        """Every figure of the graph for prompts that is outside its threshold."""
        return [f"as a prompt: {problem}" for problem in _problems(self.prompt_texts, self.threshold)]

    def summary(self) -> dict[str, Any]:
        """The figures that go into the manifest."""
        prompts = {
            "perplexity_loss": _perplexity_loss(self.prompt_texts),
            "kl_divergence": _mean(self.prompt_texts, lambda text: text.kl_divergence),
            "same_top_1": _mean(self.prompt_texts, lambda text: text.same_top_1),
        }
        figures = {
            "precision": self.precision,
            "max_error": self.max_error,
            "perplexity_loss": self.perplexity_loss,
            "kl_divergence": self.kl_divergence,
            "same_top_1": self.same_top_1,
            "cached_versus_uncached": self.cached_versus_uncached,
            "tokenizer_round_trip": self.tokenizer_round_trip,
            "words": self.words(),
        }
        raised = {"raised": list(self.rounding.raised)} if self.rounding.raised else {}
        return figures | ({"prompts": prompts} if self.prompt_texts else {}) | raised

    def words(self) -> str:
        """The loss in one sentence, and what is more precise than asked, in another."""
        agreement = f"the most probable next token is the same at {self.same_top_1:.1%} of positions"
        if self.precision == "fp32":
            return f"Computes what its checkpoint computes: logits differ by at most {self.max_error:.1g}, {agreement}."
        words = [f"Rounded to {self.precision}: perplexity {_change(self.perplexity_loss)}, {agreement}."]
        if self.prompt_texts:
            words.append(f"Through the faster graph for prompts it {_change(_perplexity_loss(self.prompt_texts))}.")
        return " ".join([*words, *(f"{sentence}." for sentence in self.rounding.raised)])

    def to_json(self) -> str:
        """The text of certificate.json."""
        plain: dict[str, Any] = {"format": FORMAT, "version": VERSION, **asdict(self), "summary": self.summary()}
        entries = (*plain["texts"], *plain["prompt_texts"])
        for text, entry in zip((*self.texts, *self.prompt_texts), entries, strict=True):
            entry["perplexity_reference"], entry["perplexity_converted"] = text.perplexities
        if not self.prompt_texts:
            del plain["prompt_texts"]
        return json.dumps(plain, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def _perplexity(nats: float) -> float:
    return math.exp(min(nats, 700.0))


def _change(loss: float) -> str:
    return f"rises by {loss:.2%}" if loss > 0 else "does not rise"


def _mean(texts: Sequence[TextReport], figure: Callable[[TextReport], float]) -> float:
    total = sum(text.tokens for text in texts)
    return math.fsum(figure(text) * text.tokens for text in texts) / max(total, 1)


def _perplexity_loss(texts: Sequence[TextReport]) -> float:
    natural = [text for text in texts if text.natural and text.tokens > 1]
    total = sum(text.tokens - 1 for text in natural)
    if not total:
        return 0.0
    rise = math.fsum((text.nats_converted - text.nats_reference) * (text.tokens - 1) for text in natural) / total
    return math.expm1(min(rise, 50.0))


def _problems(texts: Sequence[TextReport], limit: Threshold) -> list[str]:
    found = []
    if limit.max_error_per_rms is not None:
        for text in texts:
            allowed = limit.max_error_per_rms * max(1.0, text.rms_logits)
            if text.max_error > allowed:
                found.append(f"on the text '{text.name}' logits differ by {text.max_error:.2g}, allowed {allowed:.2g}")
    loss, divergence = _perplexity_loss(texts), _mean(texts, lambda text: text.kl_divergence)
    if limit.perplexity_loss is not None and loss > limit.perplexity_loss:
        found.append(f"perplexity rises by {loss:.2%}, allowed {limit.perplexity_loss:.2%}")
    if limit.kl_divergence is not None and divergence > limit.kl_divergence:
        found.append(f"KL divergence is {divergence:.3g}, allowed {limit.kl_divergence:.3g}")
    return found
