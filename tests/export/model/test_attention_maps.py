"""The drawn attention is the network's own: the formula by hand, and the values it mixes give the layer's output."""

from __future__ import annotations

import math

import pytest
import torch

from export.model.architectures import build
from export.model.attention_maps import attention_maps, logits_without_looking_back
from export.model.config import ModelConfig, gpt2_config
from export.model.gpt import GPT
from export.model.recurrent import RecurrentNetwork
from export.model.recurrent_config import AnyConfig, RecurrentConfig
from tests.export.model.test_gpt import MODERN

GPT2 = gpt2_config(vocabulary_size=30, context_length=12, layers=2, width=16, heads=2)
RECURRENT = RecurrentConfig(vocabulary_size=30, context_length=12, width=10, units=8)
IDS = [0, 7, 3, 19, 7, 2]


def random_model(config: AnyConfig) -> GPT | RecurrentNetwork:
    """Weights large enough that attention is far from even."""
    model = build(config)
    generator = torch.Generator().manual_seed(4)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.7, generator=generator)
    assert isinstance(model, GPT | RecurrentNetwork)
    return model


@pytest.mark.parametrize("config", [GPT2, MODERN, RECURRENT], ids=["gpt2", "modern", "recurrent"])
def test_rows_sum_to_one_and_nothing_looks_ahead(config: AnyConfig) -> None:
    heads = config.heads if isinstance(config, ModelConfig) else 1
    maps = attention_maps(random_model(config), IDS)
    assert maps.shape == (config.layers, heads, len(IDS), len(IDS))
    torch.testing.assert_close(maps.sum(dim=-1), torch.ones(maps.shape[:3]))
    assert not maps.triu(1).any()
    assert maps[..., 0, 0].eq(1).all()
    assert maps[..., -1, :].std(dim=-1).max() > 0.01, "even weights would hide a wrong order"


@torch.no_grad()
@pytest.mark.parametrize("config", [GPT2, MODERN], ids=["gpt2", "modern"])
def test_what_the_first_layer_takes_is_what_it_gives(config: ModelConfig) -> None:
    model = random_model(config)
    assert isinstance(model, GPT)
    given: list[torch.Tensor] = []
    layer = next(iter(model.layers))
    hook = layer.attention.register_forward_hook(lambda _module, inputs, output: given.extend([inputs[0], output]))
    model.hidden(torch.tensor([IDS]))
    hook.remove()
    x, output = given
    values = layer.attention.value(x)[0].view(len(IDS), config.kv_heads, config.head_size)
    shared = values.repeat_interleave(config.heads // config.kv_heads, dim=1)  # (T, H, D)
    mixed = torch.einsum("hts,shd->thd", attention_maps(model, IDS)[0], shared)
    torch.testing.assert_close(layer.attention.output(mixed.flatten(1))[None], output, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_the_recurrent_maps_are_the_formula_over_its_own_outputs() -> None:
    model = random_model(RECURRENT)
    assert isinstance(model, RecurrentNetwork)
    hidden = model.hidden(torch.tensor([IDS]))[0]
    outputs, mixed = hidden[:, :8], hidden[:, 8:]
    (maps,) = attention_maps(model, IDS)[0]
    for i in range(len(IDS)):
        powers = [math.exp(float(outputs[i] @ outputs[j]) / math.sqrt(8)) for j in range(i + 1)]
        expected = torch.tensor([power / sum(powers) for power in powers])
        torch.testing.assert_close(maps[i, : i + 1], expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(maps @ outputs, mixed, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("config", [GPT2, MODERN], ids=["gpt2", "modern"])
def test_a_gpt_that_may_not_look_back_depends_on_the_token_and_its_place_alone(config: ModelConfig) -> None:
    model, others = random_model(config), [0, 9, 11, 2, 7, 2]  # the same at places 0, 4 and 5
    one, two = logits_without_looking_back(model, IDS), logits_without_looking_back(model, others)
    torch.testing.assert_close(one[[0, 4, 5]], two[[0, 4, 5]])
    assert not torch.allclose(one[1], two[1])
    with torch.no_grad():
        seeing = model(torch.tensor([IDS]))[0]
    torch.testing.assert_close(one[0], seeing[0], rtol=1e-4, atol=1e-4)  # the first token sees itself in any case
    assert not torch.allclose(one[5], seeing[5])


@torch.no_grad()
def test_a_recurrent_network_without_attention_has_its_state() -> None:
    model = random_model(RECURRENT)
    outputs = model.hidden(torch.tensor([IDS]))[0, :, :8]
    expected = outputs @ model.head_weight[:, :8].T
    torch.testing.assert_close(logits_without_looking_back(model, IDS), expected, rtol=1e-4, atol=1e-5)
