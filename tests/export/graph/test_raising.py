"""Weights read back from a graph are the ones it was made of, to within the rounding of its precision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.contracts.errors import CheckpointError
from export.graph.lowering import FLOAT, INT4, INT8, INT8_BLOCKS, Plan
from export.graph.raising import canonical_tensors, read_weights
from export.model.config import ModelConfig, gpt2_config
from tests.export.graph_runner import random_model, tiny_config, write_graph

GROUPS = ("embedding", "attention", "mlp", "head")
# Largest error as a share of the largest weight of the matrix: half a step of the rounding, more where int4 cuts.
STEPS = {FLOAT: 1e-7, INT8_BLOCKS: 0.6 / 127, INT4: 1.0 / 7}
CONFIGS = {
    "llama-like": tiny_config(),
    "padded heads, value embeddings": tiny_config(width=60, heads=3, kv_heads=1, head_size=20, value_embedding_every=1),
    "gpt2-like": gpt2_config(vocabulary_size=97, context_length=64, layers=2, width=60, heads=3),
    "own head": tiny_config(tied_head=False),
}


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS.keys())
def test_weights_come_back(tmp_path: Path, config: ModelConfig, kind: str) -> None:
    model = random_model(config)
    graph = write_graph(tmp_path, model, Plan(dict.fromkeys(GROUPS, kind)))
    found = canonical_tensors(read_weights(graph), config)
    for name, wanted in model.state_dict().items():
        step = STEPS[kind] if wanted.ndim == 2 and name != "position_embedding.weight" else 1e-7
        np.testing.assert_allclose(found[name], wanted.numpy(), atol=step * float(wanted.abs().max()), err_msg=name)
    assert set(found) == set(model.state_dict())


def test_columns_of_int8_come_back(tmp_path: Path) -> None:
    config = tiny_config()
    model = random_model(config)
    kinds = {"embedding": INT8_BLOCKS, "attention": INT8, "mlp": INT8, "head": INT8_BLOCKS}
    found = canonical_tensors(read_weights(write_graph(tmp_path, model, Plan(kinds))), config)
    wanted = model.state_dict()["layers.1.mlp.down.weight"].numpy()
    np.testing.assert_allclose(found["layers.1.mlp.down.weight"], wanted, atol=0.51 / 63 * np.abs(wanted).max())


def test_a_graph_without_some_weights_is_named(tmp_path: Path) -> None:
    config = tiny_config()
    stored = dict(read_weights(write_graph(tmp_path, random_model(config), Plan(dict.fromkeys(GROUPS, FLOAT)))))
    del stored["layers.1.mlp.up.weight"]
    with pytest.raises(CheckpointError, match=r"no weights of layers\.1\.mlp\.up"):
        canonical_tensors(stored, config)
