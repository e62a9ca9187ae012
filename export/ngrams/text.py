"""The text that n-grams are counted in, and the part of it that is kept aside for the gate.

For: the command. Knows: a recipe's groups, packed tokens, and which documents are drawn. Must not know: n-grams.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.contracts.errors import CorpusError
from export.ngrams.counts import Ints, document_bounds
from export.ngrams.settings import NgramSettings
from export.training.corpus import PackedGroup
from export.training.tokenizer import END_OF_TEXT_ID

Documents = list[list[int]]


@dataclass(frozen=True)
class Texts:
    """`tokens` (T,) with the end-of-text token before each document and at the end of each group; `weights` (T,)."""

    tokens: Ints
    weights: NDArray[np.float32]
    reserved: Documents  # whole documents, without the end-of-text token


def read_texts(packed: Sequence[PackedGroup], settings: NgramSettings) -> Texts:
    """All groups that weigh anything, each without its reserved documents."""
    weighed = [(item, settings.weights.get(item.group.name, 1.0)) for item in packed]
    weighed = [(item, weight) for item, weight in weighed if weight > 0]
    if not weighed:
        raise CorpusError("all groups weigh 0 in [ngrams], so there is no text to count; give one a weight above 0")
    total = sum(weight for _, weight in weighed)
    tokens: list[NDArray[Any]] = []
    weights, reserved = list[NDArray[np.float32]](), Documents()
    for index, (item, weight) in enumerate(weighed):
        counted, aside = _split(np.asarray(item.tokens), settings, index)
        tokens.append(counted)
        weights.append(np.full(len(counted), weight, np.float32))
        reserved += _at_most(aside, int(settings.gate_tokens * weight / total))
    if not reserved:
        raise CorpusError("no document is left for the gate: raise [ngrams] reserved or gate_tokens, or add documents")
    return Texts(np.concatenate(tokens), np.concatenate(weights), reserved)


def _split(tokens: Ints, settings: NgramSettings, index: int) -> tuple[Ints, Documents]:
    """(what is counted, the reserved documents in random order); a group of one document is counted whole."""
    bounds = document_bounds(tokens, END_OF_TEXT_ID)
    count = min(max(1, round(settings.reserved * len(bounds))), len(bounds) - 1)
    random = np.random.Generator(np.random.Philox(np.random.SeedSequence([settings.seed, index])))
    drawn = random.permutation(len(bounds))[: max(count, 0)]
    counted = np.ones(len(tokens), bool)
    for place in drawn:
        start, end = bounds[place]
        counted[start:end] = False
    return tokens[counted], [tokens[bounds[place][0] + 1 : bounds[place][1]].tolist() for place in drawn]


def _at_most(documents: Documents, tokens: int) -> Documents:
    """The first documents, the last of them cut, of `tokens` tokens together."""
    result = Documents()
    for ids in documents:
        if tokens <= 0:
            break
        result.append(ids[:tokens])
        tokens -= len(ids)
    return result
