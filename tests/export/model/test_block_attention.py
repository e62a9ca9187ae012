"""Attention in blocks of queries is the formula: in its value, its gradient and where it is used."""

import pytest
import torch
from torch import Tensor

from export.model.block_attention import BLOCK, LONGEST, block_attention, block_attention_serves
from export.model.gpt import naive_attention


def _heads(tokens: int, dtype: torch.dtype) -> list[Tensor]:
    generator = torch.Generator().manual_seed(3)
    made = [torch.randn(2, 3, tokens, 8, generator=generator, dtype=torch.float64).to(dtype) for _ in range(3)]
    return [x.requires_grad_() for x in made]


@pytest.mark.parametrize("tokens", [2, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 37])
def test_value_and_gradient_are_those_of_the_formula(tokens: int) -> None:
    q, k, v = _heads(tokens, torch.float64)
    slope = torch.randn(q.shape, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    ours, judge = block_attention(q, k, v, 0.3), naive_attention(q, k, v, 0.3)
    torch.testing.assert_close(ours, judge, rtol=0, atol=1e-12)
    for one, two in zip(
        torch.autograd.grad(ours, (q, k, v), slope), torch.autograd.grad(judge, (q, k, v), slope), strict=True
    ):
        torch.testing.assert_close(one, two, rtol=0, atol=1e-11)


def test_its_derivative_passes_the_numerical_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.model.block_attention.BLOCK", 3)
    q, k, v = (x[:1, :2, :7, :4].detach().requires_grad_() for x in _heads(7, torch.float64))
    assert torch.autograd.gradcheck(lambda *x: block_attention(*x, 0.5), (q, k, v))


def test_it_serves_training_alone() -> None:
    q = torch.zeros(1, 1, 8, 8, requires_grad=True)
    assert block_attention_serves(q)
    assert not block_attention_serves(q.detach())
    with torch.no_grad():
        assert not block_attention_serves(q)
    assert not block_attention_serves(q[:, :, :1])
    assert not block_attention_serves(torch.zeros(1, 1, LONGEST + 1, 1, requires_grad=True))
