"""A grown network: the same logits, a gradient everywhere it counts, and one line where growth cannot be."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.contracts.errors import CheckpointError
from export.model.config import ModelConfig
from export.model.gpt import GPT
from export.training.checkpoint import Checkpoint, Progress, load_checkpoint, save_checkpoint
from export.training.grow import grown, main

SMALL = ModelConfig(
    vocabulary_size=61,
    context_length=32,
    layers=3,
    width=24,
    heads=3,
    kv_heads=1,
    head_size=8,
    mlp_width=40,
    norm="rms",
    norm_epsilon=1e-5,
    positions="rotary",
    mlp="swiglu",
    qkv_bias=False,
    projection_bias=False,
    norm_bias=False,
    tied_head=True,
)
LARGER: dict[str, dict[str, Any]] = {
    "wider": {"width": 32},
    "deeper": {"layers": 5},
    "more heads": {"heads": 4, "kv_heads": 2},
    "wider MLP": {"mlp_width": 64},
    "value embeddings": {"value_embedding_every": 2},
    "all at once": {"layers": 8, "width": 40, "heads": 6, "kv_heads": 2, "mlp_width": 96, "value_embedding_every": 2},
}
TOKENS = torch.randint(0, 61, (2, 20), generator=torch.Generator().manual_seed(1))


def small_model() -> GPT:
    model = GPT(SMALL)
    generator = torch.Generator().manual_seed(2)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    return model


@pytest.mark.parametrize("change", LARGER.values(), ids=LARGER.keys())
def test_the_grown_network_computes_the_same(change: dict[str, Any]) -> None:
    small, config = small_model(), dataclasses.replace(SMALL, **change)
    large = GPT(config)
    large.load_state_dict(grown(small.state_dict(), SMALL, config, seed=3))
    assert config.parameters > SMALL.parameters
    torch.testing.assert_close(large(TOKENS), small(TOKENS), rtol=1e-4, atol=1e-4)


def test_after_a_few_steps_every_added_number_of_the_layers_has_moved() -> None:
    config = dataclasses.replace(SMALL, **LARGER["all at once"])
    large = GPT(config)
    large.load_state_dict(grown(small_model().state_dict(), SMALL, config, seed=3))
    before = {name: tensor.clone() for name, tensor in large.state_dict().items()}
    optimizer = torch.optim.Adam(large.parameters(), lr=1e-2)
    for _ in range(3):
        optimizer.zero_grad()
        large.loss(TOKENS[:, :-1], TOKENS[:, 1:]).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    stuck = {
        name: int((tensor == before[name]).sum())
        for name, tensor in large.state_dict().items()
        if name.startswith("layers.")
    }
    assert not any(stuck.values()), stuck


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"width": 16, "layers": 4}, "width would shrink from 24 to 16"),
        ({"vocabulary_size": 62}, "vocabulary_size is 61 here and 62 there"),
        ({"attention_scale": 0.5}, "attention scale must stay"),
    ],
)
def test_what_cannot_grow_is_said_in_one_line(change: dict[str, Any], words: str) -> None:
    with pytest.raises(CheckpointError, match=words):
        grown(small_model().state_dict(), SMALL, dataclasses.replace(SMALL, **change), seed=3)


def test_heads_that_would_have_to_be_several_old_ones_are_refused() -> None:
    old = dataclasses.replace(SMALL, heads=4, kv_heads=4)
    new = dataclasses.replace(old, heads=8, kv_heads=4)
    with pytest.raises(CheckpointError, match="several old ones at once"):
        grown(GPT(old).state_dict(), old, new, seed=3)


def test_the_command_writes_a_checkpoint_at_its_start(tmp_path: Path) -> None:
    small = small_model()
    saved = Checkpoint(SMALL, Progress(step=9, tokens=99), {"name": "small"}, {}, small.state_dict(), {}, b"pieces")
    save_checkpoint(tmp_path / "small", saved)
    sizes = dataclasses.asdict(dataclasses.replace(SMALL, layers=4))
    del sizes["attention_scale"]
    words = "\n".join(
        f"{name} = {str(value).lower() if type(value) is bool else repr(value)}" for name, value in sizes.items()
    )
    (tmp_path / "recipe.toml").write_text(
        f"[model]\n{words}\n[tokenizer]\nvocabulary = 61\n[training]\ntokens = 16384\n[[stage]]\nlength = 32\n"
        '[corpus]\n[[corpus.group]]\nname = "text"\nfiles = ["text.txt"]\n'
    )
    assert main([str(tmp_path / "small"), str(tmp_path / "recipe.toml"), str(tmp_path / "large")]) == 0
    large = load_checkpoint(tmp_path / "large")
    assert (large.config.layers, large.progress, large.tokenizer) == (4, Progress(), b"pieces")
    assert main([str(tmp_path / "large"), str(tmp_path / "none.toml"), str(tmp_path / "larger")]) == 1
