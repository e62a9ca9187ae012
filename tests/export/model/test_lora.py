"""Low-rank adapters: nothing changes at the start, only the factors learn, and merged equals adapted."""

import copy

import pytest
import torch

from export.model.config import ModelConfig, gpt2_config
from export.model.gpt import GPT
from export.model.lora import AdaptedLinear, add_adapters, is_factor
from export.model.recurrent import RecurrentNetwork
from export.model.recurrent_config import RecurrentConfig
from export.training.optimizer import MixedOptimizer
from tests.export.checkpoints import own_config

TOKENS = torch.randint(0, 40, (2, 9), generator=torch.Generator().manual_seed(5))
GPT2 = gpt2_config(vocabulary_size=40, context_length=16, layers=2, width=16, heads=2)
CONFIGS = [GPT2, own_config(40)]


def network(config: ModelConfig) -> GPT:
    model = GPT(config)
    model.initialize(3)
    return model


def trained(config: ModelConfig, steps: int = 4) -> tuple[GPT, GPT]:
    """The network as it was, and the same with adapters after a few large steps."""
    before, model = network(config), network(config)
    add_adapters(model, rank=4, alpha=8.0, seed=1)
    optimizer = MixedOptimizer(model, weight_decay=0.0)
    for _ in range(steps):
        model.loss(TOKENS[:, :-1], TOKENS[:, 1:]).backward()
        optimizer.step(0.05, 0.05)
        optimizer.zero()
    return before, model


@pytest.mark.parametrize("config", CONFIGS, ids=["gpt2", "own"])
def test_new_adapters_change_nothing_and_only_their_factors_learn(config: ModelConfig) -> None:
    before, model = network(config), network(config)
    added = add_adapters(model, rank=4, alpha=8.0, seed=1)
    assert torch.equal(before(TOKENS), model(TOKENS))
    learning = {name: p for name, p in model.named_parameters() if p.requires_grad}
    assert learning.keys() == model.adapter_state().keys()
    assert added == sum(p.numel() for p in learning.values())
    matrices = 6 if config.mlp != "swiglu" else 7
    assert len(learning) == 2 * matrices * config.layers


@pytest.mark.parametrize("config", CONFIGS, ids=["gpt2", "own"])
def test_merged_equals_adapted_and_the_frozen_weights_stay(config: ModelConfig) -> None:
    before, model = trained(config)
    merged = GPT(config)
    merged.load_state_dict(model.merged_state())
    assert set(model.merged_state()) == set(config.tensor_shapes())
    torch.testing.assert_close(merged(TOKENS), model(TOKENS), rtol=0, atol=1e-5)
    assert (model(TOKENS) - before(TOKENS)).abs().max() > 0.01, "something was learned"
    for name, tensor in before.state_dict().items():
        assert torch.equal(tensor, model.state_dict()[name])


def test_the_formula_with_numbers() -> None:
    linear = torch.nn.Linear(2, 2, bias=False)
    linear.weight.data = torch.eye(2)
    adapted = AdaptedLinear(linear, rank=1, alpha=3.0, generator=torch.Generator())
    adapted.lora_a.data, adapted.lora_b.data = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.5], [0.0]])
    assert torch.equal(adapted.merged(), torch.tensor([[1 + 1.5, 3.0], [0.0, 1.0]]))
    assert torch.equal(adapted(torch.tensor([1.0, 1.0])), torch.tensor([1 + 4.5, 1.0]))


def test_a_restored_network_goes_on_from_its_adapters() -> None:
    _, model = trained(GPT2)
    fresh = network(GPT2)
    add_adapters(fresh, rank=4, alpha=8.0, seed=9)
    fresh.restore(copy.deepcopy(model.merged_state()), copy.deepcopy(model.adapter_state()))
    assert torch.equal(fresh(TOKENS), model(TOKENS))


def test_adapters_of_another_run_do_not_fit() -> None:
    _, model = trained(GPT2, steps=0)
    other = network(GPT2)
    assert model.fits(model.adapter_state())
    assert not model.fits({})
    assert not other.fits(model.adapter_state())
    add_adapters(other, rank=2, alpha=8.0, seed=1)
    assert not other.fits(model.adapter_state())


def test_the_factors_are_adamws_whatever_layer_they_stand_in() -> None:
    _, model = trained(GPT2)
    state = MixedOptimizer(model, weight_decay=0.0).state()
    assert not [name for name in state if name.startswith("muon.")]
    assert is_factor("layers.0.attention.query.lora_a")
    assert not is_factor("layers.0.attention.query.weight")


def test_a_network_without_such_matrices_gets_none() -> None:
    model = RecurrentNetwork(RecurrentConfig(vocabulary_size=20, context_length=8, width=8, units=8))
    assert add_adapters(model, rank=4, alpha=8.0, seed=1) == 0
