"""Training FLOPs a token: the formula, against a count of the multiplications that a forward pass makes."""

import dataclasses

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from export.model.architectures import build
from export.model.config import gpt2_config
from export.model.recurrent_config import RecurrentConfig
from export.training.compute import flops_per_token, matrix_parameters

SMALL = gpt2_config(vocabulary_size=40, context_length=16, layers=3, width=8, heads=2)


def test_gpt2_small_counts_as_published() -> None:
    # 85 M parameters inside the layers and a head of 38.6 M (Radford et al. 2019's sizes); 12 x 12 x 768 x 1024.
    assert matrix_parameters(gpt2_config(), head=False) == 12 * 12 * 768**2
    assert flops_per_token(gpt2_config(), 1024) == 6 * (12 * 12 * 768**2 + 50257 * 768) + 113_246_208


@pytest.mark.parametrize(
    "change", [{}, {"tied_head": False}, {"mlp": "swiglu", "kv_heads": 1, "value_embedding_every": 2}]
)
def test_the_formula_is_what_a_forward_pass_multiplies(change: dict[str, object]) -> None:
    config = dataclasses.replace(SMALL, **change)  # type: ignore[arg-type]
    model = build(config)
    model.initialize(1)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 16, dtype=torch.long), naive=True)
    assert counter.get_total_flops() == 16 * flops_per_token(config, 16) // 3


def test_a_recurrent_network_is_counted_too() -> None:
    config = RecurrentConfig(vocabulary_size=40, context_length=16, width=8, units=8)
    assert flops_per_token(config, 16) == 6 * (32 * 8 + 32 * 8 + 40 * 16) + 12 * 8 * 16
