"""Muon and AdamW: the orthogonal step, who updates what, and state that survives a file."""

import pytest
import torch

from engine.contracts.errors import CheckpointError
from export.model.config import gpt2_config
from export.model.gpt import GPT
from export.training.optimizer import MixedOptimizer, Muon, orthogonalized

CONFIG = gpt2_config(vocabulary_size=20, context_length=8, layers=2, width=8, heads=2)


def stepped(steps: int, rule: str = "muon") -> tuple[GPT, MixedOptimizer]:
    model = GPT(CONFIG)
    model.initialize(1)
    optimizer = MixedOptimizer(model, weight_decay=0.1, rule=rule)
    for step in range(steps):
        one_step(model, optimizer, step)
    return model, optimizer


def one_step(model: GPT, optimizer: MixedOptimizer, seed: int) -> None:
    tokens = torch.randint(0, 20, (2, 9), generator=torch.Generator().manual_seed(seed))
    model.loss(tokens[:, :-1], tokens[:, 1:]).backward()
    optimizer.step(0.02, 0.01)
    optimizer.zero()


@pytest.mark.parametrize("shape", [(3, 6, 6), (2, 4, 9), (2, 9, 4)])
def test_orthogonalized_keeps_directions_and_makes_singular_values_near_one(shape: tuple[int, ...]) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    left, _, right = torch.linalg.svd(matrices, full_matrices=False)
    found = orthogonalized(matrices, torch.float32)
    values = torch.linalg.svdvals(found)
    assert 0.3 < float(values.min()) <= float(values.max()) < 1.3
    assert ((left @ right - found) ** 2).mean() < 0.1 * ((left @ right) ** 2).mean()


def test_a_batch_of_matrices_gets_what_each_would_get_alone() -> None:
    parameters = {
        name: torch.nn.Parameter(torch.randn(6, 4, generator=torch.Generator().manual_seed(seed)))
        for seed, name in enumerate("abc")
    }
    alone = {name: torch.nn.Parameter(parameter.detach().clone()) for name, parameter in parameters.items()}
    for name, parameter in parameters.items():
        parameter.grad = torch.sin(parameter.detach())
        alone[name].grad = parameter.grad.clone()
        Muon({name: alone[name]}, weight_decay=0.1).step(0.05)
    Muon(parameters, weight_decay=0.1).step(0.05)
    for name, parameter in parameters.items():
        torch.testing.assert_close(parameter, alone[name])


def test_every_parameter_is_updated_by_exactly_one_rule() -> None:
    before, _ = stepped(0)
    after, optimizer = stepped(1)
    state = optimizer.state()
    for name, parameter in after.named_parameters():
        assert not torch.equal(parameter, dict(before.named_parameters())[name]), name
        rules = [rule for rule in ("muon.momentum", "adam.exp_avg") if f"{rule}.{name}" in state]
        inner = name.startswith("layers.") and parameter.ndim == 2
        assert rules == (["muon.momentum"] if inner else ["adam.exp_avg"])


def test_adamw_for_everything_is_pytorchs_own_with_decay_inside_the_layers_only() -> None:
    model, optimizer = stepped(2, "adamw")
    judge = GPT(CONFIG)
    judge.initialize(1)
    inner = [p for n, p in judge.named_parameters() if p.ndim == 2 and n.startswith("layers.")]
    outer = [p for p in judge.parameters() if not any(p is q for q in inner)]
    groups = [{"params": inner, "weight_decay": 0.1}, {"params": outer, "weight_decay": 0.0}]
    adam = torch.optim.AdamW(groups, lr=0.01, betas=(0.9, 0.95), fused=True)
    for seed in range(2):
        tokens = torch.randint(0, 20, (2, 9), generator=torch.Generator().manual_seed(seed))
        judge.loss(tokens[:, :-1], tokens[:, 1:]).backward()
        adam.step()
        adam.zero_grad()
    for name, parameter in judge.named_parameters():
        torch.testing.assert_close(dict(model.named_parameters())[name], parameter)
    assert not [name for name in optimizer.state() if name.startswith("muon")]


@pytest.mark.parametrize("rule", ["muon", "adamw"])
def test_state_that_was_put_back_continues_exactly(rule: str) -> None:
    model, optimizer = stepped(3, rule)
    copy = GPT(CONFIG)
    copy.load_state_dict(model.state_dict())
    again = MixedOptimizer(copy, weight_decay=0.1, rule=rule)
    again.load({name: tensor.clone() for name, tensor in optimizer.state().items()})
    one_step(model, optimizer, 9)
    one_step(copy, again, 9)
    for name, parameter in model.named_parameters():
        assert torch.equal(parameter, dict(copy.named_parameters())[name]), name


def test_muon_computes_in_the_format_it_is_told_and_keeps_its_momentum_in_float32() -> None:
    parameters = [torch.nn.Parameter(torch.zeros(4, 6)) for _ in range(2)]
    for parameter, dtype in zip(parameters, (torch.float32, torch.bfloat16), strict=True):
        muon = Muon({"layers.matrix": parameter}, weight_decay=0.0, dtype=dtype)
        parameter.grad = torch.randn(4, 6, generator=torch.Generator().manual_seed(5))
        muon.step(1.0)
        assert muon.buffers["layers.matrix"].dtype == torch.float32
    assert not torch.equal(*parameters)
    torch.testing.assert_close(*parameters, rtol=0, atol=0.05)


def test_state_of_another_model_is_refused() -> None:
    model, optimizer = stepped(1)
    state = optimizer.state()
    for change, words in (({"adam.exp_avg.extra": torch.zeros(1)}, "unknown"), ({"bad": None}, "missing")):
        wrong = {**state, **{name: tensor for name, tensor in change.items() if tensor is not None}}
        if None in change.values():
            del wrong["adam.exp_avg.final_norm.weight"]
        with pytest.raises(CheckpointError, match=words):
            MixedOptimizer(model, weight_decay=0.1).load(wrong)
