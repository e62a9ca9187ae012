"""The sample texts that conversions are measured on.

For: `convert.py` and `verify.py`. Knows where the texts lie and how they become token lists. Must not know models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

LONGEST = 2048  # tokens of the long text, where the context allows it
SHORT = 256
RANDOM = 64
FEEDBACK, PIECE = 1536, 1024
_SEED = 20260101

Encode = Callable[[str], list[int]]


@dataclass(frozen=True)
class Sample:
    """One text as tokens. `natural` ones count for perplexity; random ids only show that the numbers agree."""

    name: str
    ids: tuple[int, ...]
    natural: bool = True


def samples_folder() -> Path:
    """resources/samples."""
    return Path(__file__).resolve().parents[1] / "resources" / "samples"


def read_text(name: str) -> str:
    """One sample text."""
    return (samples_folder() / f"{name}.txt").read_text(encoding="utf-8")


def verification_samples(
    encode: Encode, begin: Sequence[int], context: int, vocabulary: int, with_random_of: int
) -> tuple[Sample, ...]:
    """English, Chinese, random ids below `with_random_of`, and a long text of min(context, 2048) tokens."""
    english, chinese = _cut(encode(read_text("english")), vocabulary), _cut(encode(read_text("chinese")), vocabulary)
    short, longest = min(SHORT, context), min(LONGEST, context)
    random = np.random.default_rng(_SEED).integers(0, with_random_of, min(RANDOM, context)).tolist()
    # Half Chinese, half English, so that the long text counts for both languages.
    half = longest // 2
    mixed = [*begin, *chinese[SHORT : SHORT + half], *english[SHORT:]][:longest]
    return (
        Sample("english", tuple([*begin, *english][:short])),
        Sample("chinese", tuple([*begin, *chinese][:short])),
        Sample("random ids", tuple(random), natural=False),
        Sample("long", tuple(mixed)),
    )


def calibration_samples(encode: Encode, begin: Sequence[int], context: int, vocabulary: int) -> list[list[int]]:
    """Texts to measure activations on: other ones than those a conversion is judged by.

    Each language in a run of its own where the context is short, else both in one: with learned positions a key
    depends on where it stands, so the far positions must be seen too.
    """
    english, chinese = (_cut(encode(read_text(f"calibration_{name}")), vocabulary) for name in ("english", "chinese"))
    longest = min(context, LONGEST)
    if longest <= 2 * SHORT:
        found = [[*begin, *english][:longest], [*begin, *chinese][:longest]]
    else:
        found = [[*begin, *english[: longest // 2], *chinese][:longest]]
    return [ids for ids in found if len(ids) > 1]


def feedback_samples(encode: Encode, begin: Sequence[int], context: int, vocabulary: int) -> list[list[int]]:
    """The same texts whole, for rounding with feedback: a moment of few tokens says nothing of most directions.

    In pieces of at most the context and 1,024 tokens, at most 1,536 tokens a language: more cost more time than they
    bring, and a byte-level tokenizer makes many tokens of Chinese.
    """
    found = []
    for name in ("english", "chinese"):
        ids = _cut(encode(read_text(f"calibration_{name}")), vocabulary)[:FEEDBACK]
        length = max(min(context, PIECE) - len(begin), 1)
        found += [[*begin, *ids[start : start + length]] for start in range(0, len(ids), length)]
    return found


def _cut(ids: Sequence[int], vocabulary: int) -> list[int]:
    return [token for token in ids if token < vocabulary]
