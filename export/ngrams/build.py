"""From a recipe's text and a network to the arrays of an n-gram file, its gate fitted; and how well both predict.

For: the command. Knows: the order of the steps. Must not know: command lines, model folders' files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from engine.contracts import ngram_format
from engine.ngrams import NgramModel, model_of
from export.model.language_model import LanguageModel
from export.ngrams.counts import count_ngrams
from export.ngrams.gate import Gate, fit_gate
from export.ngrams.judged import judge
from export.ngrams.pruning import most_useful
from export.ngrams.settings import NgramSettings
from export.ngrams.smoothing import smooth
from export.ngrams.table import arrays_of, as_file
from export.ngrams.text import Texts
from export.progress import Report
from export.training.evaluation import HeldOut
from export.training.tokenizer import END_OF_TEXT_ID


@dataclass(frozen=True)
class Built:
    """An n-gram file, what it holds, and its gate as it is stored."""

    content: bytes
    ngrams: NgramModel
    gate: Gate


def build_ngrams(model: LanguageModel, texts: Texts, settings: NgramSettings, report: Report) -> Built:
    """Count, smooth, prune, and fit the gate to the reserved documents."""
    vocabulary = model.config.vocabulary_size
    report(0.05, "counting n-grams")
    counts = count_ngrams(texts.tokens, texts.weights, settings.order, vocabulary, END_OF_TEXT_ID)
    report(0.4, "smoothing")
    unigram, levels = smooth(counts, vocabulary)
    report(0.5, "pruning")
    arrays = arrays_of(unigram, levels, most_useful(levels, settings.entries), vocabulary)
    del counts, levels
    report(0.55, "fitting the gate")
    gate = fit_gate(judge(model, model_of(arrays, vocabulary), texts.reserved))
    arrays[ngram_format.GATE_LOGITS] = gate.of_logits(model.head_weight.detach()).numpy().astype(np.float32)
    arrays[ngram_format.GATE_FEATURES] = gate.features.numpy().astype(np.float32)
    logits, features = (
        torch.from_numpy(arrays[name]) for name in (ngram_format.GATE_LOGITS, ngram_format.GATE_FEATURES)
    )
    stored = Gate.of_stored(logits, features, model.head_weight.detach())
    return Built(as_file(arrays), model_of(arrays, vocabulary), stored)


@dataclass(frozen=True)
class Figures:
    """Bits per byte of one held-out group."""

    bytes: int
    network: float
    ngrams: float
    both: float


def figures_of(model: LanguageModel, built: Built, heldout: Sequence[HeldOut], report: Report) -> Mapping[str, Figures]:
    """For each group, the same text and counting as `evaluation`."""
    result = {}
    for place, item in enumerate(heldout):
        report(place / len(heldout), f"measuring: {item.group}")
        judged = judge(model, built.ngrams, [ids for ids, _ in item.documents])
        size = sum(size for _, size in item.documents)
        logprobs = (judged.network, judged.ngrams, judged.mixed(built.gate.score(judged)))
        result[item.group] = Figures(size, *(-float(part.sum()) / math.log(2) / size for part in logprobs))
    return result
