"""The kept n-grams as arrays of the model folder's file, and the file.

For: the command. Knows: `engine.contracts.ngram_format`. Must not know: how shares came about, what a gate is.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.contracts import ngram_format
from engine.contracts.errors import CorpusError
from export.ngrams.pruning import Kept
from export.ngrams.smoothing import Floats, Smoothed

Arrays = dict[str, NDArray[Any]]


def arrays_of(unigram: Floats, levels: Sequence[Smoothed], kept: Sequence[Kept], vocabulary: int) -> Arrays:
    """All arrays but the gate's, which are zeros: a gate of one half."""
    order = levels[-1].counts.order
    result: Arrays = {
        ngram_format.UNIGRAM: unigram.astype(np.float32),
        ngram_format.GATE_LOGITS: np.zeros(vocabulary, np.float32),
        ngram_format.GATE_FEATURES: np.zeros(ngram_format.feature_count(order), np.float32),
    }
    numbers, contexts = np.arange(vocabulary), vocabulary  # of each kept n-gram of the order before
    planes = max(1, (max(vocabulary - 1, 1).bit_length() + 7) // 8)
    for level, here in zip(levels, kept, strict=True):
        counts = level.counts
        context, words = numbers[counts.context[here]], counts.word[here].astype(np.int64)
        children = np.bincount(context, minlength=contexts)
        if len(children) and int(children.max()) > np.iinfo(np.uint16).max:
            raise CorpusError(
                f"{int(children.max())} different tokens follow one context, more than the n-gram file can hold; "
                "keep fewer entries"
            )
        steps = words.copy()
        follows = np.flatnonzero(context[1:] == context[:-1]) + 1
        steps[follows] -= words[follows - 1]
        bytes_of = [(steps >> (8 * plane)).astype(np.uint8) for plane in range(planes)]
        result[ngram_format.children(counts.order)] = children.astype(np.uint16)
        result[ngram_format.words(counts.order)] = np.stack(bytes_of)
        result[ngram_format.shares(counts.order)] = levels_of(level.share[here])
        contexts = int(here.sum())
        numbers = np.cumsum(here) - 1
    return result


def levels_of(share: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
    """The nearest level of each share, by its logarithm."""
    steps = ngram_format.LEVELS - 1
    logs = np.log(np.maximum(share, 1e-12))
    return np.clip(np.rint(steps * (1 - logs / ngram_format.LOWEST_LOG_SHARE)), 0, steps).astype(np.uint8)


def as_file(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The bytes of the file, the same for the same arrays."""
    buffer = io.BytesIO()
    entries: dict[str, Any] = dict(arrays)
    np.savez_compressed(buffer, **entries)  # its ZIP entries carry no time of day
    return buffer.getvalue()
