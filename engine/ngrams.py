"""The n-grams of a model folder: what came behind the last few tokens in the training text, mixed with the network.

For: sessions and batches, which mix every row of logits; the export side, which fits the gate to the same numbers.
Knows: the file format, how an n-gram model predicts, and the gate. Must not know: graphs, caches, requests.

    p(token) = gate * p_network(token) + (1 - gate) * p_ngrams(token)

    gate     a logistic function of the network's logits and of how much the n-grams know here, so the two take turns:
             the network has the long view, the n-grams the names, turns and rare words it is too small for
    answer   ln p + ln Σ exp(logits of the network): a softmax gives p, and the row keeps the network's own scale, on
             which a repetition penalty works; where the gate trusts the network, the row is the network's

Everything is elementwise, or a sum of NumPy's own over one row: the same row and history give the same bits, alone or
among others. A small network gains most; see `nextstroke ngrams`.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.contracts import ngram_format
from engine.contracts.errors import ModelFolderError

Floats = NDArray[np.float64]
Row = NDArray[np.float32]  # (vocabulary,)
Words = NDArray[np.unsignedinteger[Any]]  # token ids, as small as the vocabulary lets them be

_SHARES = np.exp([ngram_format.share_of(level) for level in range(ngram_format.LEVELS)])
_LEAST_SHARE = 1e-6  # of the mixture for either side: nothing becomes impossible by rounding


@dataclass(frozen=True)
class _Order:
    """The n-grams of one order: those behind context `c` stand at starts[c] : starts[c + 1], sorted by token."""

    starts: NDArray[np.uint32]
    words: Words
    levels: NDArray[np.uint8]


@dataclass(frozen=True)
class Behind:
    """What is known behind one context: tokens and their shares of the probability; `rest` is what they leave."""

    words: Words
    shares: Floats
    rest: float


class NgramModel:
    """An n-gram model in memory."""

    def __init__(self, unigram: Row, levels: Mapping[int, _Order], gate_logits: Row, gate_features: Row) -> None:
        self.unigram, self._levels = unigram, dict(levels)
        self.gate_logits, self.gate_features = gate_logits, gate_features
        self.order = max(levels)

    @property
    def entries(self) -> int:
        """N-grams of all orders."""
        return sum(len(level.words) for level in self._levels.values())

    def behind(self, history: Sequence[int]) -> list[Behind | None]:
        """For each order from 2 on, what is known behind the last tokens of `history`; None: nothing."""
        return [self._behind(order, history) for order in self._levels]

    def _behind(self, order: int, history: Sequence[int]) -> Behind | None:
        if len(history) < order - 1:
            return None
        context = history[len(history) - order + 1 :]
        if not all(0 <= token < len(self.unigram) for token in context):
            return None
        node = int(context[0])
        for depth in range(2, order):
            child = self._child(self._levels[depth], node, context[depth - 1])
            if child is None:
                return None
            node = child
        level = self._levels[order]
        start, end = int(level.starts[node]), int(level.starts[node + 1])
        if start == end:
            return None
        shares = _SHARES[level.levels[start:end]]
        taken, most = float(shares.sum()), 1 - ngram_format.LEAST_REST
        if taken > most:
            shares, taken = shares * (most / taken), most
        return Behind(level.words[start:end], shares, 1 - taken)

    @staticmethod
    def _child(level: _Order, node: int, token: int) -> int | None:
        start, end = int(level.starts[node]), int(level.starts[node + 1])
        place = start + _place(level.words[start:end], token)
        return place if place < end and level.words[place] == token else None


def _place(words: Words, token: int) -> int:
    """Where `token` stands in sorted ids, or would. A key of another type would have all of them converted."""
    return int(words.searchsorted(words.dtype.type(token)))


def probabilities(model: NgramModel, behind: Sequence[Behind | None]) -> Row:
    """The probability of every token, (vocabulary,), from what `behind` found."""
    result = model.unigram.copy()
    for found in behind:
        if found is not None:
            result *= np.float32(found.rest)
            result[found.words] += found.shares.astype(np.float32)
    return result


def probability(model: NgramModel, behind: Sequence[Behind | None], token: int) -> float:
    """The same of one token."""
    result = float(model.unigram[token])
    for found in behind:
        if found is not None:
            place = _place(found.words, token)
            known = place < len(found.words) and found.words[place] == token
            result = found.rest * result + (float(found.shares[place]) if known else 0.0)
    return result


def features(behind: Sequence[Behind | None], highest: float) -> Floats:
    """What the gate weighs beside the logits, in the order of `ngram_format.feature_count`.

    `highest` is the network's highest logarithm of probability.
    """
    matches = np.zeros(len(behind) + 1)
    matches[max((order for order, found in enumerate(behind, 1) if found is not None), default=0)] = 1.0
    rests = [0.0 if found is None else float(np.log(found.rest)) for found in behind]
    return np.array([*matches, *rests, highest])


def mixed(model: NgramModel, logits: Row, history: Sequence[int]) -> Row:
    """Logits of the mixture, float32 (vocabulary,), from the network's logits behind `history`; not finite where those
    are not numbers.
    """
    behind = model.behind(history)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        highest = float(logits.max())
        weights = np.exp(logits - np.float32(highest))
        total = float(weights.sum(dtype=np.float64))
        # Sums of NumPy's own: a product of BLAS would round by the number of its threads.
        score = float((logits * model.gate_logits).sum(dtype=np.float64))
        if not np.isfinite(score):  # a token that the network forbids says nothing of who is right
            score = float(np.where(logits > -np.inf, logits * model.gate_logits, 0).sum(dtype=np.float64))
        score += float((features(behind, -float(np.log(total))) * model.gate_features).sum())
        gate = min(max(float(1 / (1 + np.exp(-score))), _LEAST_SHARE), 1 - _LEAST_SHARE)
        weights *= np.float32(gate / total)
        result = probabilities(model, behind)
        result *= np.float32(1 - gate)
        result += weights
        answer: Row = np.log(result, out=result)
        answer += np.float32(highest + float(np.log(total)))
    return answer


def mixed_rows(model: NgramModel, logits: NDArray[np.float32], tokens: Sequence[int]) -> NDArray[np.float32]:
    """`mixed` of the last rows of a sequence: logits (rows, vocabulary), the last of them behind all of `tokens`."""
    rows, reach = len(logits), model.order - 1
    ends = range(len(tokens) - rows + 1, len(tokens) + 1)
    return np.stack(
        [mixed(model, row, tokens[max(end - reach, 0) : end]) for row, end in zip(logits, ends, strict=True)]
    )


def read_ngrams(path: Path, vocabulary: int) -> NgramModel:
    """The n-grams of a file of `ngram_format`. Raises `ModelFolderError` for one that is damaged or does not fit."""
    try:
        return unpack_ngrams(path.read_bytes(), vocabulary)
    except Exception as error:  # whatever zipfile, its decompressors and NumPy's parser of headers make of damage
        raise ModelFolderError(
            f"{path} holds no n-grams that fit this model ({error}); fetch the model folder again"
        ) from error


def unpack_ngrams(content: bytes, vocabulary: int) -> NgramModel:
    """The n-grams of a file's bytes. What a damaged one raises, `read_ngrams` says in words."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > ngram_format.MOST_BYTES:
        raise ValueError(f"{unpacked} bytes of arrays")
    with warnings.catch_warnings(), np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        warnings.simplefilter("error")  # what NumPy finds odd in a header, this format does not have
        return model_of(arrays, vocabulary)


def model_of(arrays: Mapping[str, Any], vocabulary: int) -> NgramModel:
    """The n-grams of a file's arrays. Raises `ValueError` or `KeyError` where they do not fit."""
    orders = list(_orders(arrays))
    unigram = _floats(arrays, ngram_format.UNIGRAM, vocabulary)
    if not (unigram > 0).all():
        raise ValueError("a token without any probability")
    levels: dict[int, _Order] = {}
    contexts = vocabulary
    for order in orders:
        levels[order] = _level(arrays, order, contexts, vocabulary)
        contexts = len(levels[order].words)
    return NgramModel(
        unigram / np.float32(unigram.sum(dtype=np.float64)),
        levels,
        _floats(arrays, ngram_format.GATE_LOGITS, vocabulary),
        _floats(arrays, ngram_format.GATE_FEATURES, ngram_format.feature_count(orders[-1])),
    )


def _orders(arrays: Mapping[str, Any]) -> Iterator[int]:
    for order in range(ngram_format.LOWEST_ORDER, ngram_format.HIGHEST_ORDER + 1):
        if order > ngram_format.LOWEST_ORDER and ngram_format.words(order) not in arrays:
            return
        yield order


def _level(arrays: Mapping[str, Any], order: int, contexts: int, vocabulary: int) -> _Order:
    children = _array(arrays, ngram_format.children(order), np.uint16, (contexts,))
    count = int(children.sum(dtype=np.int64))
    if count > ngram_format.MOST_ENTRIES:
        raise ValueError(f"{count} n-grams of order {order}")
    levels = _array(arrays, ngram_format.shares(order), np.uint8, (count,))
    planes, most_planes = arrays[ngram_format.words(order)], 2 if vocabulary <= 2**16 else 4
    if planes.dtype != np.uint8 or planes.ndim != 2 or planes.shape[1] != count or not 0 < len(planes) <= most_planes:
        raise ValueError(f"last tokens of order {order} in another shape")
    if count and int(levels.max()) >= ngram_format.LEVELS:
        raise ValueError(f"an unknown level of order {order}")
    starts = np.zeros(contexts + 1, np.uint32)
    np.cumsum(children, out=starts[1:])
    return _Order(starts, _words(planes, starts, vocabulary), levels)


def _words(planes: NDArray[np.uint8], starts: NDArray[np.uint32], vocabulary: int) -> Words:
    """Last tokens from the distances between siblings; sums wrap around, and differences of them are right again."""
    small: Any = np.uint16 if vocabulary <= 2**16 else np.uint32
    sums = np.zeros(planes.shape[1] + 1, small)
    for place, plane in enumerate(planes):
        sums[1:] |= plane.astype(small) << small(8 * place)
    np.cumsum(sums, out=sums)
    firsts, counts = starts[:-1], np.diff(starts)
    words: Words = sums[1:] - np.repeat(sums[firsts], counts)
    if len(words):
        is_first = np.zeros(len(words), bool)
        is_first[firsts[counts > 0]] = True
        if int(words.max()) >= vocabulary or not (is_first[1:] | (words[1:] > words[:-1])).all():
            raise ValueError("last tokens that are unknown or not in order")
    return words


def _floats(arrays: Mapping[str, Any], name: str, count: int) -> Row:
    array: Row = _array(arrays, name, np.float32, (count,))
    if not np.isfinite(array).all():
        raise ValueError(f"{name} with numbers that are not finite")
    return array


def _array(arrays: Mapping[str, Any], name: str, dtype: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    array: NDArray[Any] = arrays[name]
    if array.dtype != dtype or array.shape != shape:
        raise ValueError(f"{name} in another shape")
    return array
