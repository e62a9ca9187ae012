"""What a network and n-grams each say of a text, token by token.

For: the gate, which is fitted to it, and the figures. Knows: windows of evaluation, `engine.ngrams`.
Must not know: how n-grams were counted, files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.ngrams import Floats, NgramModel, features, probability
from export.model.language_model import LanguageModel
from export.model.loss import IGNORED
from export.training.evaluation import cut_windows
from export.training.tokenizer import END_OF_TEXT_ID


@dataclass(frozen=True)
class Judged:
    """T tokens, each given END_OF_TEXT and the text before it in its document."""

    hidden: Tensor  # (T, C) float32: the network's last hidden state before each token
    features: Tensor  # (T, F) float64: what the gate weighs beside the logits
    network: Tensor  # (T,) float64: ln p of the token by the network
    ngrams: Tensor  # (T,) float64: and by the n-grams

    def mixed(self, score: Tensor) -> Tensor:
        """ln p of both together, (T,), with the gate's scores (T,)."""
        log_sigmoid = torch.nn.functional.logsigmoid
        return torch.logaddexp(log_sigmoid(score) + self.network, log_sigmoid(-score) + self.ngrams)


@torch.no_grad()
def judge(model: LanguageModel, ngrams: NgramModel, documents: Sequence[Sequence[int]]) -> Judged:
    """Read `documents`, each without END_OF_TEXT, in the windows that evaluation reads."""
    hidden, network, highest = [], [], []
    for ids in documents:
        for inputs, targets in cut_windows(list(ids), model.config.context_length):
            counted = torch.tensor(targets) != IGNORED
            states = model.hidden(torch.tensor([inputs]))[0][counted]
            wanted = torch.tensor(targets)[counted]
            for part, tokens in zip(states.split(64), wanted.split(64), strict=True):  # logits of a few rows at once
                logprobs = torch.log_softmax(part @ model.head_weight.T, dim=1)
                network.append(logprobs.gather(1, tokens[:, None])[:, 0].double())
                highest.append(logprobs.max(dim=1).values.double())
            hidden.append(states)
    found_features, found = _ngram_side(ngrams, documents, torch.cat(highest).numpy())
    return Judged(torch.cat(hidden), torch.from_numpy(found_features), torch.cat(network), torch.from_numpy(found))


def _ngram_side(ngrams: NgramModel, documents: Sequence[Sequence[int]], highest: Floats) -> tuple[Floats, Floats]:
    """(features (T, F), ln p (T,)) of every token."""
    rows, chances = list[Floats](), list[float]()
    for ids in documents:
        text = [END_OF_TEXT_ID, *ids]
        for place in range(1, len(text)):
            behind = ngrams.behind(text[max(place - ngrams.order + 1, 0) : place])
            rows.append(features(behind, float(highest[len(rows)])))
            chances.append(math.log(probability(ngrams, behind, text[place])))
    return np.array(rows), np.array(chances)
