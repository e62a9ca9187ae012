"""Every n-gram of a training text and how often it stands there.

For: smoothing. Knows: tokens of documents, one after another, each begun by the end-of-text token.
Must not know: files, probabilities, what becomes of the counts.

    order 1                  the tokens themselves
    order n                  key = (number of its first n - 1 tokens in order n - 1, its last token), sorted
                             so an n-gram's number is its place in the order of contexts, and all are exact, no hashing

An n-gram holds the end-of-text token at its beginning or its end only: across it, texts do not continue each other.
Takes up to 80 bytes of memory for each n-gram of the text: 8.5 GB for 53 million tokens up to order 5.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer[Any]]
_NONE = -1


@dataclass(frozen=True)
class Counts:
    """The n-grams of one order, sorted by context and last token."""

    order: int
    context: Ints  # number of the first n - 1 tokens in the order before
    word: Ints  # the last token
    count: Ints  # how often it stands in the text
    weight: NDArray[np.float32]  # the same, each place weighed by its kind of text
    suffix: Ints  # number of the last n - 1 tokens in the order before
    begins: NDArray[np.bool_]  # whether it begins a document: its first token is the end-of-text token


def count_ngrams(
    tokens: Ints, weights: NDArray[np.float32], order: int, vocabulary: int, end_of_text: int
) -> list[Counts]:
    """Orders 2 to `order` of `tokens` (T,); `weights` (T,) of the places at which n-grams begin."""
    tokens = tokens.astype(np.int64)
    numbers = tokens.copy()  # of the n-gram that begins at each place, or _NONE
    levels = list[Counts]()
    begins = np.arange(vocabulary) == end_of_text
    for length in range(2, order + 1):
        places = np.flatnonzero(_may_begin(numbers, tokens, length, end_of_text))
        keys = numbers[places] * vocabulary + tokens[places + length - 1]
        found, first, inverse, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
        context = (found // vocabulary).astype(np.int32)
        begins = begins[context]
        levels.append(
            Counts(
                length,
                context,
                (found % vocabulary).astype(np.int32),
                counts.astype(np.int32),
                np.bincount(inverse, weights=weights[places], minlength=len(found)).astype(np.float32),
                numbers[places[first] + 1].astype(np.int32),
                begins,
            )
        )
        numbers = np.full(len(tokens), _NONE, np.int64)
        numbers[places] = inverse
    return levels


def _may_begin(numbers: Ints, tokens: Ints, length: int, end_of_text: int) -> NDArray[np.bool_]:
    """Where an n-gram of that length begins, given the numbers of those that are one shorter."""
    result = np.zeros(len(tokens), bool)
    room = len(tokens) - length + 1
    if room > 0:
        result[:room] = numbers[:room] != _NONE
        inner = tokens[length - 2 : length - 2 + room] != end_of_text
        result[:room] &= inner if length > 2 else inner | (tokens[1 : 1 + room] != end_of_text)  # no empty document
    return result


def document_bounds(tokens: Ints, end_of_text: int) -> Sequence[tuple[int, int]]:
    """(start, end) of each document with the end-of-text token before it, in a group's packed tokens."""
    marks = np.flatnonzero(tokens == end_of_text)
    return [(int(start), int(end)) for start, end in itertools.pairwise(marks) if end - start > 1]
