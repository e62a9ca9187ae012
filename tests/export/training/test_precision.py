"""Which number format a run takes: asked of the processor without danger, kept for the whole run, float32 weights."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine.contracts.errors import RecipeError
from export.training import precision
from export.training.checkpoint import list_checkpoints, load_checkpoint
from export.training.precision import Precision, Probe, choose_precision, probe_cpu
from export.training.recipe import Recipe
from export.training.run_log import read_log
from export.training.trainer import Trainer

Load = Callable[..., Recipe]
QUIET = ("training.evaluate_every_tokens=1000000000", "training.samples_every_tokens=1000000000")
FAST, SLOW, DEAD, NONE = Probe(100.0, 200.0), Probe(100.0, 120.0), Probe(100.0, None), Probe(None, None)


@pytest.mark.parametrize(
    ("setting", "device", "width", "probe", "expected"),
    [
        ("auto", "cpu", 384, FAST, "bfloat16"),
        ("auto", "cpu", 384, SLOW, "float32"),
        ("auto", "cpu", 384, DEAD, "float32"),
        ("auto", "cpu", 384, NONE, "float32"),
        ("auto", "cpu", 64, FAST, "float32"),
        ("auto", "cuda", 64, NONE, "bfloat16"),
        ("float32", "cpu", 384, FAST, "float32"),
        ("float32", "cuda", 384, FAST, "float32"),
        ("bfloat16", "cpu", 64, SLOW, "bfloat16"),
    ],
)
def test_the_format_follows_the_setting_the_device_and_what_was_measured(
    setting: str, device: str, width: int, probe: Probe, expected: str
) -> None:
    chosen = choose_precision(setting, device, width, lambda: probe)
    assert chosen.name == expected
    assert chosen.reason


def test_what_cannot_be_is_refused_in_words() -> None:
    with pytest.raises(RecipeError, match="autocast is 'half', but must be auto, float32 or bfloat16"):
        choose_precision("half", "cpu", 64, lambda: FAST)
    with pytest.raises(RecipeError, match="fails on this processor"):
        choose_precision("bfloat16", "cpu", 64, lambda: DEAD)


def test_the_processor_is_not_asked_where_the_answer_is_known() -> None:
    def never() -> Probe:
        raise AssertionError

    assert choose_precision("float32", "cpu", 384, never).name == "float32"
    assert choose_precision("auto", "cuda", 384, never).name == "bfloat16"
    assert choose_precision("auto", "cpu", 32, never).name == "float32"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such signal")
@pytest.mark.parametrize("how", ["os.kill(os.getpid(), signal.SIGILL)", "time.sleep(60)"])
def test_a_processor_that_dies_of_bfloat16_or_hangs_is_survived(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    code = f"import os, signal, time\nprint('[\"float32\", 5.0]', flush=True)\n{how}\nprint('[\"bfloat16\", 9.0]')"
    monkeypatch.setattr(precision, "_CHILD", code)
    monkeypatch.setattr(precision, "_CHILD_SECONDS", 1)
    found = probe_cpu.__wrapped__(1, 2, 3, 4)
    assert found == Probe(5.0, None)
    assert found.gain == 0.0


def test_a_real_probe_measures_float32_and_is_asked_once() -> None:
    found = probe_cpu(1, 64, 64, 64)
    assert found.float32 is not None
    assert found.float32 > 1e6
    assert probe_cpu(1, 64, 64, 64) is found


def test_the_choice_is_in_the_log_and_in_the_checkpoint(tmp_path: Path, toy_recipe: Load) -> None:
    Trainer(toy_recipe(*QUIET), tmp_path).run(stop_after_steps=1)
    [start, *_] = read_log(tmp_path / "log.jsonl")
    assert start["precision"] == {"name": "float32", "reason": "width 32 is too narrow for bfloat16 to pay"}
    saved = load_checkpoint(list_checkpoints(tmp_path)[-1])
    assert start["recipe"]["training"]["autocast"] == saved.recipe["training"]["autocast"] == "float32"


def test_a_resumed_run_keeps_the_format_it_began_with(
    tmp_path: Path, toy_recipe: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    Trainer(toy_recipe(*QUIET), tmp_path).run(stop_after_steps=1)
    asked = []

    def choose(setting: str, *_: object) -> Precision:
        asked.append(setting)
        return Precision("float32" if setting == "float32" else "bfloat16", "as this test says")

    monkeypatch.setattr(precision, "choose_precision", choose)
    Trainer(toy_recipe(*QUIET), tmp_path).run(resume=True, stop_after_steps=1)
    assert asked == ["float32"]


@pytest.fixture
def _bfloat16() -> None:
    """Skips where this processor cannot run the format; found out in a child process."""
    if probe_cpu(1, 64, 64, 64).bfloat16 is None:
        pytest.skip("a product in bfloat16 fails on this processor")


@pytest.mark.usefixtures("_bfloat16")
def test_bfloat16_trains_with_float32_weights_and_resumes_bit_for_bit(tmp_path: Path, toy_recipe: Load) -> None:
    recipe = toy_recipe(*QUIET, "training.autocast=bfloat16", "training.tokens=20480")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert Trainer(recipe, whole).run()
    losses = [line["loss"] for line in read_log(whole / "log.jsonl") if line["event"] == "step"]
    assert losses[-1] < 0.6 * losses[0]
    assert not Trainer(recipe, parts).run(stop_after_steps=11)
    assert Trainer(recipe, parts).run(resume=True)
    for name in ("model.safetensors", "optimizer.safetensors"):
        one, two = (list_checkpoints(folder)[-1] / name for folder in (whole, parts))
        assert one.read_bytes() == two.read_bytes()
        assert {tensor.dtype for tensor in load_file(one).values()} == {torch.float32}


@pytest.mark.usefixtures("_bfloat16")
def test_bfloat16_products_are_really_used(tmp_path: Path, toy_recipe: Load) -> None:
    finals = []
    for name in ("float32", "bfloat16"):
        run = Trainer(toy_recipe(*QUIET, f"training.autocast={name}"), tmp_path / name)
        run.run(stop_after_steps=2)
        finals.append(run.model.state_dict())
    for name, tensor in finals[0].items():
        assert not torch.equal(tensor, finals[1][name]), name
        # Muon turns any difference of direction into a step of full length, so the bound is two steps' size.
        torch.testing.assert_close(tensor, finals[1][name], rtol=0, atol=0.05)
