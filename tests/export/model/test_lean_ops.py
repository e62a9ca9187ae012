"""RMSNorm and rotation with backward passes of their own are the plain formulas, in value and gradient."""

import dataclasses

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from export.model.config import gpt2_config
from export.model.gpt import Norm, rotary_angles, rotate
from export.model.lean_ops import lean_ops_serve, lean_rms_norm, lean_rotate, product_dtype

EPSILON = 1e-5


def numbers(*shape: int, seed: int = 1, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def angles(tokens: int, size: int) -> Tensor:
    config = gpt2_config(vocabulary_size=4, context_length=tokens, layers=1, width=size, heads=1)
    return rotary_angles(config)


def test_the_norms_value_and_gradient_are_those_of_the_formula() -> None:
    x, weight, slope = numbers(3, 5, 8).requires_grad_(), numbers(8, seed=2).requires_grad_(), numbers(3, 5, 8, seed=3)
    ours = lean_rms_norm(x, weight, EPSILON, torch.float64)
    judge = F.rms_norm(x, (8,), weight, EPSILON)
    torch.testing.assert_close(ours, judge)
    for one, two in zip(
        torch.autograd.grad(ours, (x, weight), slope), torch.autograd.grad(judge, (x, weight), slope), strict=True
    ):
        torch.testing.assert_close(one, two)
    assert torch.autograd.gradcheck(lambda *given: lean_rms_norm(*given, EPSILON, torch.float64), (x, weight))


def test_the_rotations_value_and_gradient_are_those_of_the_formula() -> None:
    x, slope = numbers(2, 3, 6, 8).requires_grad_(), numbers(2, 3, 6, 8, seed=3)
    rotation = angles(6, 8).double()
    ours = lean_rotate(x, rotation)
    with torch.no_grad():
        judge = rotate(x, rotation)
    torch.testing.assert_close(ours, judge)
    torch.testing.assert_close(lean_rotate(ours, torch.stack([rotation[0], -rotation[1]])), x, msg="it turns back")
    first, second = x.chunk(2, dim=-1)
    plain = x * rotation[0] + torch.cat([-second, first], dim=-1) * rotation[1]
    torch.testing.assert_close(torch.autograd.grad(ours, x, slope), torch.autograd.grad(plain, x, slope))
    assert torch.autograd.gradcheck(lambda given: lean_rotate(given, rotation), (x,))


def test_sums_are_float32_and_the_result_is_rounded_once() -> None:
    x, weight = numbers(4, 64, dtype=torch.float32), numbers(64, seed=2, dtype=torch.float32)
    exact = F.rms_norm(x.double(), (64,), weight.double(), EPSILON)
    ours = lean_rms_norm(x.requires_grad_(), weight, EPSILON, torch.bfloat16)
    assert ours.dtype == torch.bfloat16
    assert torch.equal(ours, exact.to(torch.bfloat16)) or (ours.double() - exact).abs().max() < 0.01
    turned = lean_rotate(numbers(1, 1, 6, 8, dtype=torch.bfloat16).requires_grad_(), angles(6, 8))
    assert turned.dtype == torch.bfloat16
    [back] = torch.autograd.grad(ours.float().sum(), x)
    assert back.dtype == torch.float32


@pytest.mark.parametrize("norm", ["rms", "layer"])
def test_a_norm_gives_what_the_next_product_multiplies_in(norm: str) -> None:
    config = gpt2_config(vocabulary_size=4, context_length=4, layers=1, width=8, heads=1)
    module = Norm(dataclasses.replace(config, norm=norm, norm_bias=norm == "layer"))
    x = numbers(2, 8, dtype=torch.float32).requires_grad_()
    assert module(x).dtype == torch.float32
    with torch.autocast("cpu", torch.bfloat16):
        assert module(x).dtype == product_dtype(x) == torch.bfloat16
        with torch.no_grad():
            assert module(x).dtype == torch.bfloat16


def test_they_serve_training_alone() -> None:
    x = numbers(2, 8).requires_grad_()
    assert lean_ops_serve(x)
    assert lean_ops_serve(x.detach()), "frozen layers compute what others do"
    with torch.no_grad():
        assert not lean_ops_serve(x)
