"""Rounding with feedback: what its paper computes, never worse than plain rounding, and what it is given."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from export.error_feedback import DAMPINGS, cost_of_errors, costs_of, round_with_feedback
from export.layer_inputs import LayerInputs
from export.quantize import BLOCK, dequantize_blocks, quantize_blocks, search_scales
from tests.export.graph_runner import random_model, tiny_config

Float32 = NDArray[np.float32]
TEXTS = [np.random.default_rng(seed).integers(0, 97, 50).tolist() for seed in (1, 2)]


def some_weights(rows: int, width: int, seed: int = 3) -> Float32:
    return (np.random.default_rng(seed).standard_t(4, (rows, width)) * 0.02).astype(np.float32)


def some_moment(width: int, rows: int = 400, directions: int = 12, seed: int = 5) -> Float32:
    """Of inputs as networks have them: correlated, some channels far larger than the others."""
    dice = np.random.default_rng(seed)
    inputs = dice.normal(size=(rows, directions)) @ dice.normal(size=(directions, width))
    inputs = (inputs + dice.normal(size=(rows, width))) * np.exp(dice.normal(size=width))
    return (inputs.T @ inputs / rows).astype(np.float32)


def rounded_plainly(weight: Float32, bits: int) -> Float32:
    """To each block's largest weight."""
    half, padding = 2 ** (bits - 1), -weight.shape[1] % BLOCK
    blocks = np.pad(weight, ((0, 0), (0, padding))).reshape(len(weight), -1, BLOCK)
    scales = np.maximum(np.abs(blocks).max(axis=2, keepdims=True) / (half - 1), np.float32(1e-12))
    found = np.clip(np.rint(blocks / scales), -half, half - 1) * scales
    return found.reshape(len(weight), -1)[:, : weight.shape[1]].astype(np.float32)


def as_published(weight: Float32, moment: Float32, bits: int) -> NDArray[np.float64]:
    """GPTQ as Frantar et al. 2022 write it, algorithm 1 in float64: through the inverse of H, whose Cholesky factor U
    spreads a column's error over the columns behind it; scales by block as it comes, by what errors cost: 1 / U_jj².
    """
    width, half = weight.shape[1], 2 ** (bits - 1)
    damped = moment.astype(np.float64) + DAMPINGS[0] * np.trace(moment) / width * np.eye(width)
    upper = np.linalg.cholesky(np.linalg.inv(damped)).T
    left, found = weight.astype(np.float64), np.zeros(weight.shape)
    for start in range(0, width, BLOCK):
        block = np.ascontiguousarray(left[:, None, start : start + BLOCK], np.float32)
        costs = (1 / np.diag(upper)[start : start + BLOCK] ** 2).astype(np.float32)
        scales = search_scales(block, bits, costs[None, None])[:, 0].astype(np.float64)
        for column in range(start, start + BLOCK):
            found[:, column] = np.clip(np.rint(left[:, column] / scales), -half, half - 1) * scales
            error = (left[:, column] - found[:, column]) / upper[column, column]
            left[:, column:] -= np.outer(error, upper[column, column:])
    return found


@pytest.mark.parametrize("bits", [4, 8])
def test_it_is_what_its_paper_computes(bits: int) -> None:
    weight, moment = some_weights(60, 128), some_moment(128)
    largest_first = np.argsort(-np.diag(moment).reshape(-1, BLOCK).mean(axis=1))
    order = (largest_first[:, None] * BLOCK + np.arange(BLOCK)).ravel()
    mine = dequantize_blocks(round_with_feedback(weight, bits, costs_of(moment)), 128)
    published = np.empty(weight.shape)
    published[:, order] = as_published(weight[:, order], moment[np.ix_(order, order)], bits)
    # A number between two integers may fall to the other side in float32, and takes its row along from there.
    is_equal = np.isclose(mine, published, rtol=1e-3, atol=1e-7)
    assert is_equal.mean() > 0.95

    def cost(rounded: NDArray[np.floating]) -> float:
        errors = weight - rounded
        return float(np.einsum("oi,ij,oj->", errors, moment.astype(np.float64), errors))

    assert cost(mine) == pytest.approx(cost(published), rel=0.01)


def test_costs_are_the_mean_square_of_what_comes_out_wrong() -> None:
    moment, errors = some_moment(96), some_weights(7, 96)
    damped = moment + DAMPINGS[0] * np.trace(moment) / 96 * np.eye(96, dtype=np.float32)
    wanted = np.einsum("oi,ij,oj->o", errors, damped, errors)
    np.testing.assert_allclose(cost_of_errors(errors, costs_of(moment)), wanted, rtol=1e-4)


@settings(deadline=None, max_examples=60)
@given(
    rows=st.integers(1, 40),
    width=st.integers(1, 150),
    texts=st.integers(1, 300),
    directions=st.integers(1, 20),
    bits=st.sampled_from([4, 8]),
    silent=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_no_row_is_ever_worse_than_rounded_plainly(
    rows: int, width: int, texts: int, directions: int, bits: int, silent: bool, seed: int
) -> None:
    weight, moment = some_weights(rows, width, seed), some_moment(width, texts, directions, seed)
    if silent:  # channels that the texts never used, and a row of zeros
        moment[: width // 2] = moment[:, : width // 2] = 0
        weight[0] = 0
    costs = costs_of(moment)
    mine = round_with_feedback(weight, bits, costs)
    cost_of_mine = cost_of_errors(weight - dequantize_blocks(mine, width), costs)
    cost_of_plain = cost_of_errors(weight - rounded_plainly(weight, bits), costs)
    assert np.isfinite(cost_of_mine).all()
    assert (cost_of_mine <= cost_of_plain * 1.001 + 1e-12).all()


def test_correlated_inputs_lose_far_less() -> None:
    weight, costs = some_weights(200, 256), costs_of(some_moment(256))
    mine = cost_of_errors(weight - dequantize_blocks(round_with_feedback(weight, 4, costs), 256), costs).sum()
    plain = cost_of_errors(weight - dequantize_blocks(quantize_blocks(weight, 4), 256), costs).sum()
    assert mine < 0.6 * plain


def test_a_moment_without_a_factor_still_rounds() -> None:
    broken = np.full((64, 64), np.float32(1), np.float32)
    broken[0, 1] = broken[1, 0] = 1e6  # no moment of anything
    weight = some_weights(8, 64)
    found = dequantize_blocks(round_with_feedback(weight, 4, costs_of(broken)), 64)
    assert np.linalg.norm(found - weight) / np.linalg.norm(weight) < 0.12


def test_the_same_input_gives_the_same_bytes() -> None:
    weight, moment = some_weights(1500, 128), some_moment(128)
    first, second = (round_with_feedback(weight, 4, costs_of(moment)) for _ in range(2))
    np.testing.assert_array_equal(first.packed, second.packed)
    np.testing.assert_array_equal(first.scales, second.scales)


@pytest.mark.parametrize("changes", [{}, {"positions": "learned", "mlp": "gelu"}, {"value_embedding_every": 1}])
def test_moments_are_those_of_a_whole_run(changes: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.layer_inputs._COLUMNS_AT_ONCE", 40)  # the last strip is narrower than the others
    model = random_model(tiny_config(layers=3, **changes))
    seen: dict[str, list[torch.Tensor]] = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_pre_hook(lambda _, given, name=name: seen.setdefault(name, []).append(given[0][0]))
    for text in TEXTS:
        model.hidden(torch.tensor([text]))
    rows = {name: torch.cat(parts).double() for name, parts in seen.items()}
    inputs = LayerInputs(model, TEXTS)
    asked = [f"layers.{layer}.{name}" for layer in (0, 1, 2) for name in ("attention.query", "attention.output")]
    for name in [*asked, "layers.0.mlp.down", "layers.2.mlp.up"]:  # back to an earlier layer, too
        wanted = rows[name].T @ rows[name] / len(rows[name])
        np.testing.assert_allclose(inputs.second_moment(name), wanted.numpy(), rtol=1e-4, atol=1e-5)
    for name in ("layers.0.attention.key", "token_embedding", "head"):
        assert inputs.second_moment(name) is None
