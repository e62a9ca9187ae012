"""The gate between a network and its n-grams, fitted to text that the n-grams were not counted in.

For: the command. Knows: logistic regression on what `judged` found. Must not know: files, how n-grams are stored.

    score = w . hidden + u . features          fitted: the mean ln p of the mixture is highest (L-BFGS, a small L2 term)
    score = v . logits + u . features          stored: v = pinv(E)' w, since logits = E . hidden

so the engine needs nothing of the network but its logits.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from export.ngrams.judged import Judged

_STEPS = 200
_DECAY = 1e-4  # of squared weights, per token


@dataclass(frozen=True)
class Gate:
    """Weights of the hidden state (C,) and of the features (F,), float64."""

    hidden: Tensor
    features: Tensor

    def score(self, judged: Judged) -> Tensor:
        """(T,): the network's share of the mixture is its logistic function."""
        return judged.hidden.double() @ self.hidden + judged.features @ self.features

    def of_logits(self, head: Tensor) -> Tensor:
        """The weights of the logits (V,) that give the same score; `head` (V, C) makes logits of the hidden state."""
        return torch.linalg.pinv(head.double()).T @ self.hidden

    @classmethod
    def of_stored(cls, logits: Tensor, features: Tensor, head: Tensor) -> Gate:
        """What stored weights come to for hidden states: the same, but for rounding and a head of too low a rank."""
        return cls(head.double().T @ logits.double(), features.double())


def fit_gate(judged: Judged) -> Gate:
    """The gate under which the judged text is most probable."""
    inputs = torch.cat([judged.hidden.double(), judged.features], dim=1)
    scale = inputs.square().mean(dim=0).sqrt().clamp_min(1e-6)
    inputs = inputs / scale
    weights = torch.zeros(inputs.shape[1], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=_STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = -judged.mixed(inputs @ weights).mean() + _DECAY * weights.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    found = weights.detach() / scale
    width = judged.hidden.shape[1]
    return Gate(found[:width], found[width:])
