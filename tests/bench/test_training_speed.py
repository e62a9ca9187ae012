"""The benchmark itself: it runs, its contestants compute the same loss, and it says what it needs."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.bench import training_speed

# Stands in for a clone's model.py: the same names, a network too small to be compared.
STAND_IN = """
from dataclasses import dataclass
import torch

@dataclass
class GPTConfig:
    block_size: int
    vocab_size: int
    n_layer: int
    n_head: int
    n_embd: int
    dropout: float
    bias: bool

class GPT(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.table = torch.nn.Embedding(config.vocab_size, config.n_embd)
        self.scale = torch.nn.Parameter(torch.ones(config.n_embd))

    def forward(self, tokens, targets):
        logits = self.table(tokens) * self.scale @ self.table.weight.T
        return logits, torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
"""
TINY = ["--context", "8", "--layers", "1", "--width", "8", "--heads", "2", "--rows", "2", "--threads", "1"]


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_every_round_and_the_ratio_are_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.py").write_text(STAND_IN)
    chosen = ["--vocabularies", "64", "--formats", "float32", "--rounds", "2"]
    ratios = training_speed.main(["--nanogpt", str(tmp_path), *chosen, *TINY])
    assert list(ratios) == [(64, "float32")]
    assert ratios[64, "float32"] > 0
    words = capsys.readouterr().out
    assert words.count("  round ") == 2
    assert "ours / nanoGPT" in words
    first = [float(line.split()[-1]) for line in words.splitlines() if "first loss" in line]
    assert first[1] == first[2] == pytest.approx(math.log(64), rel=0.01), "ours begins at the loss of a guess"


def test_the_ratio_compares_each_round_with_itself() -> None:
    assert training_speed.ratio([2.0, 40.0, 3.0], [1.0, 20.0, 1.0]) == 2.0


def test_without_a_clone_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="wants a clone"):
        training_speed.main(["--nanogpt", str(tmp_path)])
