"""Small n-gram files made by hand, and what they mean by the plainest code.

For: tests of the engine that need n-grams. Knows: the format. Must not know: the engine's reader, the export side.
"""

import itertools
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp
from pathlib import Path
from typing import Any

import numpy as np

from engine.contracts import ngram_format
from engine.contracts.manifest import MANIFEST_NAME, read_manifest
from tests.support.tiny_models import file_entries, write_manifest

Levels = Mapping[tuple[int, ...], Mapping[int, int]]  # context -> token -> level


@dataclass(frozen=True)
class TinyNgrams:
    """N-grams as a person would write them down; a context of n tokens has n-grams of order n + 1."""

    vocabulary: int
    order: int
    unigram: np.ndarray[Any, Any]
    behind: Levels
    gate_logits: np.ndarray[Any, Any]
    gate_features: np.ndarray[Any, Any]

    def probability(self, history: Sequence[int], token: int) -> float:
        """By the definition: from the shortest context to the longest."""
        result = float(self.unigram[token] / self.unigram.sum(dtype=np.float64))
        for length in range(1, self.order):
            shares = self.shares(history, length)
            if shares:
                result = shares.get(token, 0.0) + (1 - sum(shares.values())) * result
        return result

    def shares(self, history: Sequence[int], length: int) -> dict[int, float]:
        """What is kept behind the last `length` tokens."""
        if len(history) < length:
            return {}
        found = self.behind.get(tuple(history[len(history) - length :]), {})
        steps = ngram_format.LEVELS - 1
        shares = {token: exp(ngram_format.LOWEST_LOG_SHARE * (1 - level / steps)) for token, level in found.items()}
        taken, most = sum(shares.values()), 1 - ngram_format.LEAST_REST
        return {token: share * min(1.0, most / taken) for token, share in shares.items()} if shares else {}


def tiny_ngrams(vocabulary: int, seed: int = 1, order: int = 4, spread: int = 30) -> TinyNgrams:
    """Random n-grams among the first `spread` ids, each of which begins with one that is there."""
    draw = random.Random(seed)
    behind: dict[tuple[int, ...], dict[int, int]] = {}
    contexts: list[tuple[int, ...]] = [(token,) for token in range(spread)]
    for _ in range(order - 1):
        longer = []
        for context in contexts:
            tokens = draw.sample(range(spread), draw.choice((0, 1, 3, 6)))
            if tokens:
                behind[context] = {token: draw.randrange(25, ngram_format.LEVELS) for token in tokens}
                longer += [(*context, token) for token in sorted(tokens)]
        contexts = longer
    numbers = np.random.default_rng(seed)
    return TinyNgrams(
        vocabulary,
        order,
        numbers.uniform(0.1, 1.0, vocabulary).astype(np.float32),
        behind,
        numbers.normal(0, 0.02, vocabulary).astype(np.float32),
        numbers.normal(0, 0.3, ngram_format.feature_count(order)).astype(np.float32),
    )


def ngram_arrays(ngrams: TinyNgrams) -> dict[str, Any]:
    """The file's arrays."""
    arrays: dict[str, Any] = {
        ngram_format.UNIGRAM: ngrams.unigram,
        ngram_format.GATE_LOGITS: ngrams.gate_logits,
        ngram_format.GATE_FEATURES: ngrams.gate_features,
    }
    contexts: list[tuple[int, ...]] = [(token,) for token in range(ngrams.vocabulary)]
    for order in range(2, ngrams.order + 1):
        found = [dict(sorted(ngrams.behind.get(context, {}).items())) for context in contexts]
        steps = [b - a for tokens in found if tokens for a, b in itertools.pairwise([0, *tokens])]
        arrays[ngram_format.children(order)] = np.array([len(tokens) for tokens in found], np.uint16)
        planes = [[step & 255 for step in steps], [step >> 8 for step in steps]]
        arrays[ngram_format.words(order)] = np.array(planes, np.uint8)
        arrays[ngram_format.shares(order)] = np.array(
            [level for tokens in found for level in tokens.values()], np.uint8
        )
        contexts = [(*context, token) for context, tokens in zip(contexts, found, strict=True) for token in tokens]
    return arrays


def write_ngrams(path: Path, ngrams: TinyNgrams, **changes: Any) -> None:
    """The file; `changes` replace arrays by name, dots written as two underscores, and None removes one."""
    arrays = ngram_arrays(ngrams)
    arrays.update({name.replace("__", "."): array for name, array in changes.items()})
    np.savez_compressed(path, allow_pickle=False, **{name: a for name, a in arrays.items() if a is not None})


def add_ngrams(folder: Path, ngrams: TinyNgrams, name: str = "ngrams.npz") -> None:
    """Put them into a model folder whose manifest is right before and after."""
    write_ngrams(folder / name, ngrams)
    manifest = read_manifest((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    entry = file_entries(folder, (name,))
    write_manifest(folder, replace(manifest, ngrams=name, files=(*manifest.files, *entry)))
