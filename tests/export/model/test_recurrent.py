"""The recurrent network: its equations against PyTorch's LSTM, its cache, its causality, its configuration."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from engine.contracts.errors import CheckpointError
from export.model.architectures import build
from export.model.recurrent import RecurrentNetwork
from export.model.recurrent_config import RecurrentConfig, read_config

TINY = RecurrentConfig(vocabulary_size=40, context_length=24, width=12, units=16)


def made(seed: int = 3) -> RecurrentNetwork:
    model = build(TINY)
    assert isinstance(model, RecurrentNetwork)
    model.initialize(seed)
    return model.eval()


def tokens(count: int, batch: int = 1, seed: int = 5) -> torch.Tensor:
    return torch.randint(0, 40, (batch, count), generator=torch.Generator().manual_seed(seed))


def test_state_dict_has_exactly_the_named_tensors_and_shapes() -> None:
    found = {name: tuple(tensor.shape) for name, tensor in made().state_dict().items()}
    assert found == TINY.tensor_shapes()
    assert sum(parameter.numel() for parameter in made().parameters()) == TINY.parameters


@torch.no_grad()
def test_fast_forward_equals_the_equations() -> None:
    model, ids = made(), tokens(20, batch=3)
    torch.testing.assert_close(model(ids), model(ids, naive=True), rtol=1e-5, atol=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("naive", [False, True])
@pytest.mark.parametrize("cuts", [[1] * 20, [7, 13], [19, 1]])
def test_cached_forward_equals_the_whole_one(cuts: list[int], naive: bool) -> None:
    model, ids = made(), tokens(20)
    cache = model.new_cache()
    parts = [model(part, cache, naive) for part in ids.split(cuts, dim=1)]
    assert cache.length == 20
    torch.testing.assert_close(torch.cat(parts, dim=1), model(ids, naive=naive), rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_no_token_sees_a_later_one() -> None:
    model, ids = made(), tokens(20)
    changed = ids.clone()
    changed[0, 12:] = (changed[0, 12:] + 1) % 40
    before, after = model(ids), model(changed)
    assert torch.equal(before[0, :12], after[0, :12])
    assert not torch.allclose(before[0, 12:], after[0, 12:])


def test_fast_and_naive_forward_have_the_same_gradients() -> None:
    model, ids = made(), tokens(15, batch=2)
    fast = torch.autograd.grad(model(ids).square().sum(), list(model.parameters()))
    naive = torch.autograd.grad(model(ids, naive=True).square().sum(), list(model.parameters()))
    for one, two in zip(fast, naive, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)


def test_configuration_comes_back_from_json() -> None:
    assert read_config(json.loads(json.dumps(TINY.to_dict()))) == TINY


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"units": 12}, "units"),
        ({"width": 0}, "width"),
        ({"architecture": "rwkv"}, "rwkv"),
        ({"layers": 2}, "layers"),
        ({"units": 8 * 10**400}, "about 401 digits"),
        ({"architecture": "x" * 10**5}, "…"),
        ({"context_length": 2**31 - 1}, "4194304"),
    ],
)
def test_an_impossible_configuration_is_refused_by_name(change: dict[str, Any], word: str) -> None:
    with pytest.raises(CheckpointError, match=word):
        read_config({**TINY.to_dict(), **change})


def test_a_missing_size_is_refused_by_name() -> None:
    values = TINY.to_dict()
    del values["units"]
    with pytest.raises(CheckpointError, match="units is missing"):
        read_config(values)
