"""Learning from a teacher's probabilities as well as from the text (Hinton, Vinyals & Dean 2015).

For: `nextstroke distill`, as the objective of a training run.
Knows: the loss (1 - mix) · CE + mix · T² · KL(teacher_T || student_T) and its derivative, a few positions at a time.
Must not know: what a teacher is made of, files, the trainer.

    student logits z, teacher logits w (n, V);  p = softmax(z), q = softmax(z / T), t = softmax(w / T)

    loss   (1 - mix) · -log p[target]  +  mix · T² · Σ t (log t - log q)
    slope  (1 - mix) · (p - one-hot)   +  mix · T · (q - t)                 d loss / d z

Like `export/model/loss.py`, each piece's logits live once: the teacher hands over rows, the slope is formed at once and
leaves as gradients of the hidden state and of the head, so memory does not grow with vocabulary x tokens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from export.model.language_model import LanguageModel
from export.model.loss import IGNORED
from export.training.recipe import DistillationSettings

_LEAST = 1.2e-38  # float32 has no smaller normal number


class Teacher(Protocol):
    """What a student learns from."""

    def rows(self, tokens: Tensor) -> Iterator[Tensor]:
        """tokens (B, T) -> logits (n, V) of all B * T positions in order, a few rows at a time, where `tokens` lies.

        The rows are the caller's to write into.
        """


@dataclass(frozen=True)
class Distillation:
    """The objective of a student: from the text and from `teacher`, shared out by `settings.mix`."""

    teacher: Teacher
    settings: DistillationSettings

    def __call__(self, model: LanguageModel, windows: Tensor) -> Tensor:
        """Sum of the loss over the tokens of `windows` (rows, length + 1), in nats."""
        tokens, targets = windows[:, :-1], windows[:, 1:]
        hidden = model.hidden_for_loss(tokens)
        return distillation_loss(hidden, model.head_weight, targets, self.teacher.rows(tokens), self.settings)


def distillation_loss(
    hidden: Tensor, weight: Tensor, targets: Tensor, teacher: Iterator[Tensor], settings: DistillationSettings
) -> Tensor:
    """The formula above, summed; hidden (..., C), weight (V, C), targets (...) with IGNORED where none counts."""
    flat = hidden.flatten(0, -2)
    loss: Tensor = _ChunkedDistillation.apply(flat, weight, targets.flatten(), teacher, settings)
    return loss


class _ChunkedDistillation(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, targets: Tensor, teacher: Iterator[Tensor], how: DistillationSettings
    ) -> Tensor:
        # hidden (N, C), weight (V, C), targets (N,) -> sum over the N targets that count
        total = hidden.new_zeros((), dtype=torch.promote_types(hidden.dtype, torch.float32))
        hidden_gradient = torch.empty_like(hidden)
        weight_gradient = torch.zeros_like(weight)
        head = weight.to(hidden.dtype)
        start = 0
        for wanted in teacher:
            end = start + len(wanted)
            piece = hidden[start:end]
            logits = (piece @ head.T).to(total.dtype)
            loss, slope = _loss_and_slope(logits, wanted.to(total.dtype), targets[start:end], how)
            total += loss
            slope = slope.to(hidden.dtype)
            torch.mm(slope, head, out=hidden_gradient[start:end])
            weight_gradient.add_(slope.T @ piece)
            start = end
        assert start == len(hidden), "the teacher answered other positions than it was asked"
        ctx.save_for_backward(hidden_gradient, weight_gradient)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        hidden_gradient, weight_gradient = ctx.saved_tensors
        slope = gradients[0]
        return (
            slope.to(hidden_gradient.dtype) * hidden_gradient,
            slope.to(weight_gradient.dtype) * weight_gradient,
            None,
            None,
            None,
        )


def _loss_and_slope(logits: Tensor, wanted: Tensor, target: Tensor, how: DistillationSettings) -> tuple[Tensor, Tensor]:
    """Loss () and d loss / d logits (n, V) of a few positions; works in the memory of `wanted`."""
    heat, mix = how.temperature, how.mix
    counts = target != IGNORED
    chosen = torch.where(counts, target, 0).unsqueeze(1)  # (n, 1)
    plain = logits.softmax(dim=1)
    own = plain if heat == 1.0 else (logits / heat).softmax(dim=1)
    taught = (wanted if heat == 1.0 else wanted / heat).softmax(dim=1)
    # Σ t (log t - log q) = Σ t (w - z) / T - log Σ e^(w/T) + log Σ e^(z/T)
    logs = _log_sum(logits, own, heat) - _log_sum(wanted, taught, heat)
    divergence = torch.linalg.vecdot(taught, wanted.sub_(logits)) / heat + logs
    surprise = -plain.gather(1, chosen).clamp_min(_LEAST).log().squeeze(1)
    loss = (((1 - mix) * surprise + mix * heat * heat * divergence) * counts).sum()
    if heat == 1.0:
        slope = plain.sub_(taught, alpha=mix)
    else:
        slope = own.sub_(taught).mul_(mix * heat).add_(plain, alpha=1 - mix)
    slope.scatter_add_(1, chosen, torch.full_like(slope[:, :1], mix - 1))
    if not bool(counts.all()):
        slope.mul_(counts.unsqueeze(1))
    return loss, slope


def _log_sum(logits: Tensor, softmax: Tensor, heat: float) -> Tensor:
    """log Σ e^(logits / heat) of each row, read where its softmax is largest: two passes without an exponential."""
    return logits.amax(dim=1) / heat - softmax.amax(dim=1).log()
