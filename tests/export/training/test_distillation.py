"""The distillation loss: equal to the plain formula, in value and gradient, and flat in memory."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from export.model.loss import IGNORED, chunked_cross_entropy
from export.training.distillation import distillation_loss
from export.training.recipe import DistillationSettings

SETTINGS = [
    DistillationSettings(temperature=heat, mix=mix) for heat, mix in [(1.0, 0.5), (2.0, 0.7), (0.5, 1.0), (3.0, 0.0)]
]
NAMES = [f"T{how.temperature:g} mix{how.mix:g}" for how in SETTINGS]


def inputs(
    tokens: int = 7, vocabulary: int = 11, width: int = 5, dtype: torch.dtype = torch.float64
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """hidden, weight, targets with one that does not count, and the teacher's logits."""
    generator = torch.Generator().manual_seed(2)
    hidden, weight, teacher = (
        torch.randn(shape, generator=generator, dtype=dtype)
        for shape in ((tokens, width), (vocabulary, width), (tokens, vocabulary))
    )
    targets = torch.randint(0, vocabulary, (tokens,), generator=generator)
    targets[2] = IGNORED
    return hidden.requires_grad_(), weight.requires_grad_(), targets, 2 * teacher


def in_pieces(teacher: Tensor, size: int = 3) -> Iterator[Tensor]:
    return iter([part.clone() for part in teacher.split(size)])


def plain_formula(
    hidden: Tensor, weight: Tensor, targets: Tensor, teacher: Tensor, how: DistillationSettings
) -> Tensor:
    logits, heat = hidden @ weight.T, how.temperature
    surprise = F.cross_entropy(logits, targets, ignore_index=IGNORED, reduction="none")
    divergence = F.kl_div(
        (logits / heat).log_softmax(1), (teacher / heat).log_softmax(1), reduction="none", log_target=True
    ).sum(1)
    losses = (1 - how.mix) * surprise + how.mix * heat**2 * divergence
    return (losses * (targets != IGNORED)).sum()


@pytest.mark.parametrize("how", SETTINGS, ids=NAMES)
def test_value_and_gradient_are_those_of_the_plain_formula(how: DistillationSettings) -> None:
    hidden, weight, targets, teacher = inputs()
    found = distillation_loss(hidden, weight, targets, in_pieces(teacher), how)
    wanted = plain_formula(hidden, weight, targets, teacher, how)
    torch.testing.assert_close(found, wanted)
    ours, theirs = (torch.autograd.grad(3 * loss, [hidden, weight]) for loss in (found, wanted))
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("how", SETTINGS, ids=NAMES)
def test_the_gradient_is_the_slope_of_the_value(how: DistillationSettings) -> None:
    hidden, weight, targets, teacher = inputs()

    def loss(hidden: Tensor, weight: Tensor) -> Tensor:
        return distillation_loss(hidden, weight, targets, in_pieces(teacher), how)

    assert torch.autograd.gradcheck(loss, (hidden, weight))


def test_without_a_share_for_the_teacher_it_is_cross_entropy() -> None:
    hidden, weight, targets, teacher = inputs(dtype=torch.float32)
    found = distillation_loss(hidden, weight, targets, in_pieces(teacher), DistillationSettings(mix=0.0))
    torch.testing.assert_close(found, chunked_cross_entropy(hidden, weight, targets))


def test_a_student_equal_to_its_teacher_has_no_divergence_and_no_slope() -> None:
    hidden, weight, targets, _ = inputs()
    how = DistillationSettings(temperature=2.0, mix=1.0)
    loss = distillation_loss(hidden, weight, targets, in_pieces((hidden @ weight.T).detach()), how)
    assert abs(float(loss.detach())) < 1e-9
    assert float(torch.autograd.grad(loss, hidden)[0].abs().max()) < 1e-9


def test_extreme_logits_stay_finite() -> None:
    hidden, weight, targets, teacher = inputs(dtype=torch.float32)
    for factor in (1e4, 1e-9):
        loss = distillation_loss(factor * hidden, weight, targets, in_pieces(factor * teacher), DistillationSettings())
        gradient = torch.autograd.grad(loss, hidden)[0]
        assert loss.isfinite()
        assert gradient.isfinite().all()


def test_only_one_piece_of_logits_is_ever_kept() -> None:
    """What the backward pass holds on to has the sizes of hidden state and head, never tokens x vocabulary."""
    hidden, weight, targets, teacher = inputs(tokens=64, vocabulary=50)
    kept: list[int] = []

    def note(tensor: Tensor) -> Tensor:
        kept.append(tensor.numel())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        distillation_loss(hidden, weight, targets, in_pieces(teacher, 8), DistillationSettings(temperature=2.0))
    assert sorted(set(kept)) == sorted({hidden.numel(), weight.numel()})


def test_a_teacher_that_answers_too_little_is_a_mistake() -> None:
    hidden, weight, targets, teacher = inputs()
    with pytest.raises(AssertionError, match="other positions"):
        distillation_loss(hidden, weight, targets, in_pieces(teacher[:-1]), DistillationSettings())
