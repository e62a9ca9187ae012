"""Every shape of decoder: the graph equals the PyTorch reference, whole equals chunked equals token by token."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from export.calibration import calibrate
from export.graph.lowering import FLOAT, INT4, INT8, INT8_BLOCKS, Plan
from tests.export.graph_runner import GraphRunner, random_model, tiny_config, write_graph

GPT2_LIKE = {
    "positions": "learned",
    "norm": "layer",
    "norm_bias": True,
    "qkv_bias": True,
    "projection_bias": True,
    "mlp": "gelu_tanh",
    "kv_heads": 4,
}
SHAPES: dict[str, dict[str, object]] = {
    "llama-like": {},
    "gpt2-like": GPT2_LIKE,
    "exact gelu, biases, rms with bias": {"mlp": "gelu", "norm_bias": True, "projection_bias": True},
    "padded rotary head, untied": {"head_size": 20, "tied_head": False},
    "padded head, own scale": {"head_size": 20, "positions": "learned", "attention_scale": 0.3},
    "odd widths": {"norm": "layer", "head_size": 6, "qkv_bias": True, "width": 40, "mlp_width": 50},
    "one key/value head": {"kv_heads": 1},
    "value embeddings": {"layers": 3, "value_embedding_every": 2},
    "value embeddings, padded head": {"value_embedding_every": 1, "head_size": 20},
}
PLANS = {
    "fp32": Plan(dict.fromkeys(("embedding", "attention", "mlp", "head"), FLOAT)),
    "int8": Plan({"embedding": INT8_BLOCKS, "attention": INT8, "mlp": INT8, "head": INT8_BLOCKS}),
    "int4": Plan(dict.fromkeys(("embedding", "attention", "mlp", "head"), INT4)),
    "int4, 8-bit head": Plan({"embedding": INT8_BLOCKS, "attention": INT4, "mlp": INT4, "head": INT8_BLOCKS}),
}
TOKENS = np.random.default_rng(5).integers(0, 97, 40).tolist()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_float_graph_equals_the_naive_reference(tmp_path: Path, shape: dict[str, object]) -> None:
    model = random_model(tiny_config(**shape))
    wanted = model(torch.tensor([TOKENS]), naive=True)[0].numpy()
    path = write_graph(tmp_path, model, PLANS["fp32"])
    whole = GraphRunner(path).step(TOKENS, keep=0)
    runner = GraphRunner(path, buffer=41)
    single = np.concatenate([runner.step([token]) for token in TOKENS])
    assert np.abs(whole - wanted).max() < 1e-5 * max(1, np.sqrt((wanted**2).mean()))
    assert np.abs(single - wanted).max() < 1e-5 * max(1, np.sqrt((wanted**2).mean()))


@pytest.mark.parametrize("plan", [name for name in PLANS if name != "fp32"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_quantized_graph_is_row_invariant_and_close(tmp_path: Path, shape: dict[str, object], plan: str) -> None:
    model = random_model(tiny_config(**shape))
    measured = calibrate(model, [TOKENS])
    path = write_graph(tmp_path, model, Plan(PLANS[plan].kinds, measured.second_moment), measured.scales)
    whole = GraphRunner(path).step(TOKENS, keep=0)
    runner = GraphRunner(path, buffer=47, threads=1)
    single = np.concatenate([runner.step([token]) for token in TOKENS])
    runner = GraphRunner(path, buffer=40)
    chunks = [TOKENS[0:3], TOKENS[3:20], TOKENS[20:21], TOKENS[21:]]
    chunked = np.concatenate([runner.step(chunk, keep=0) for chunk in chunks])
    np.testing.assert_array_equal(single, whole)
    np.testing.assert_array_equal(chunked, whole)
    wanted = model(torch.tensor([TOKENS]), naive=True)[0].numpy()
    error = np.sqrt(((whole - wanted) ** 2).mean()) / wanted.std()
    assert error < (0.04 if plan == "int8" else 0.25)


def test_candidates_in_a_batch_equal_one_alone(tmp_path: Path) -> None:
    model = random_model(tiny_config())
    path = write_graph(tmp_path, model, PLANS["int8"], calibrate(model, [TOKENS]).scales)
    alone = GraphRunner(path).step(TOKENS)
    together = GraphRunner(path, batch=4).step(TOKENS)
    for row in together:
        np.testing.assert_array_equal(row, alone)


def test_logits_to_keep_is_optional(tmp_path: Path) -> None:
    path = write_graph(tmp_path, random_model(tiny_config()), PLANS["fp32"])
    whole = GraphRunner(path).step(TOKENS, keep=0)
    np.testing.assert_array_equal(GraphRunner(path).step(TOKENS), whole[-1:])
    np.testing.assert_array_equal(GraphRunner(path).step(TOKENS, keep=3), whole[-3:])


def test_a_silent_row_stays_finite(tmp_path: Path) -> None:
    model = random_model(tiny_config())
    for layer in model.layers:
        layer.attention.value.weight.data.zero_()  # the attention output is exactly zero, and so is its row scale
    path = write_graph(tmp_path, model, PLANS["int8"], calibrate(model, [TOKENS]).scales)
    assert np.isfinite(GraphRunner(path).step(TOKENS, keep=0)).all()
