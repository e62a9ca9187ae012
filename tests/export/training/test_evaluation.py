"""Bits per byte: every token counted once, long documents in overlapping windows, the same as a plain computation."""

import math
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from engine.contracts.errors import CorpusError
from export.model.config import gpt2_config
from export.model.gpt import GPT
from export.model.loss import IGNORED
from export.training.corpus import Group
from export.training.evaluation import HeldOut, cut_windows, evaluate, read_heldout
from export.training.ppmd_baseline import ppmd_bits_per_byte
from export.training.samples import sample
from export.training.tokenizer import END_OF_TEXT_ID, TextTokenizer, TokenizerSettings, train_tokenizer


def model_of(vocabulary: int, context: int = 16) -> GPT:
    model = GPT(gpt2_config(vocabulary, context, layers=1, width=8, heads=2))
    for seed, parameter in enumerate(model.parameters()):
        torch.nn.init.normal_(parameter, std=0.5, generator=torch.Generator().manual_seed(seed))
    return model


@pytest.fixture(scope="module")
def tokenizer() -> TextTokenizer:
    return train_tokenizer(["one two three 一二三 " * 40], TokenizerSettings(vocabulary=290))


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 12, 13, 40])
def test_every_token_is_a_target_once_and_sees_enough_before_it(length: int) -> None:
    ids = list(range(100, 100 + length))
    windows = cut_windows(ids, 8)
    counted = [goal for _, goals in windows for goal in goals if goal != IGNORED]
    assert counted == ids
    for inputs, goals in windows:
        assert len(inputs) == len(goals) <= 8
        for before, goal, place in zip(inputs, goals, range(8), strict=False):
            if goal != IGNORED:
                assert before == (goal - 1 if goal > 100 else END_OF_TEXT_ID)
                assert place >= 4 or goal - 100 == place


def test_the_sum_equals_a_plain_computation_document_by_document() -> None:
    model = model_of(50)
    documents = [list(range(1, 12)), [3], list(range(20, 35))]
    nats = 0.0
    with torch.no_grad():
        for ids in documents:
            logits = model(torch.tensor([[END_OF_TEXT_ID, *ids[:-1]]]))[0]
            nats += float(F.cross_entropy(logits, torch.tensor(ids), reduction="sum"))
    heldout = [
        HeldOut("a", "en", ((documents[0], 30), (documents[1], 2))),
        HeldOut("b", "zh", ((documents[2], 40),)),
    ]
    report = evaluate(model, heldout, rows=2)
    assert report["all"]["bits_per_byte"] == pytest.approx(nats / math.log(2) / 72, rel=1e-5)
    assert report["all"]["tokens"] == 27
    assert report["languages"]["zh"] == report["groups"]["b"]


def test_held_out_text_is_read_up_to_the_limit(tmp_path: Path, tokenizer: TextTokenizer) -> None:
    path = tmp_path / "held.txt"
    path.write_text("one two\n<|endoftext|>\none two three\n<|endoftext|>\n")
    groups = [Group("a", 1.0, (), (path,)), Group("none", 1.0, ())]
    [everything] = read_heldout(groups, tokenizer)
    assert [size for _, size in everything.documents] == [7, 13]
    [part] = read_heldout(groups, tokenizer, limit_bytes=10)
    assert [size for _, size in part.documents] == [7, 3]


def test_samples_are_reproducible_and_stay_inside_the_context(tokenizer: TextTokenizer) -> None:
    model = model_of(tokenizer.vocabulary, context=12)
    one, two, other = (sample(model, tokenizer, "one", 50, seed) for seed in (1, 1, 2))
    assert one == two
    assert one.continuation != other.continuation
    assert len(tokenizer.encode("one")) + 50 > 12


def test_ppmd_learns_from_the_training_text() -> None:
    pytest.importorskip("pyppmd", reason="the baseline's compressor comes with the test extra only")
    text = "The cat sees the red ball. 小猫看见红球。\n" * 40
    fresh = ppmd_bits_per_byte([], [text[:200]], memory=1 << 20)
    taught = ppmd_bits_per_byte([text], [text[:200]], memory=1 << 20)
    assert taught["bits_per_byte"] < 0.3 * fresh["bits_per_byte"]
    assert taught["bytes"] == len(text[:200].encode())
    with pytest.raises(CorpusError, match="no held-out text"):
        ppmd_bits_per_byte([text], [], memory=1 << 20)
