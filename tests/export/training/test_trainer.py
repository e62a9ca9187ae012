"""Training runs on a toy corpus: the loss falls; a stopped run that goes on is bit-equal to one that never stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine.contracts.errors import CheckpointError, CorpusError, RecipeError
from export.training.checkpoint import list_checkpoints, load_checkpoint
from export.training.recipe import Recipe
from export.training.run_log import read_log
from export.training.train_command import find_recipe
from export.training.trainer import Trainer

Load = Callable[..., Recipe]
QUIET = ("training.evaluate_every_tokens=1000000000", "training.samples_every_tokens=1000000000")


def final_files(folder: Path) -> dict[str, bytes]:
    newest = list_checkpoints(folder)[-1]
    return {name: (newest / name).read_bytes() for name in ("model.safetensors", "optimizer.safetensors")}


def test_a_whole_run_learns_and_leaves_its_reports(tmp_path: Path, toy_recipe: Load) -> None:
    assert Trainer(toy_recipe(), tmp_path).run()
    log = read_log(tmp_path / "log.jsonl")
    steps = [line for line in log if line["event"] == "step"]
    assert steps[-1]["loss"] < 0.55 * steps[0]["loss"]
    assert {line["event"] for line in log} >= {"start", "step", "evaluation", "samples", "end"}
    report = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    assert 0 < report["groups"]["stories"]["bits_per_byte"] < 2.0
    assert report["groups"]["stories"] == report["languages"]["en"] == report["all"]
    samples = json.loads((tmp_path / "samples.json").read_text(encoding="utf-8"))
    assert [sample["prompt"] for sample in samples] == ["The cat", "小猫"]
    assert (tmp_path / "curve.svg").read_text().startswith("<svg")
    final = load_checkpoint(tmp_path / "final")
    assert final.progress.tokens == 32_768
    assert not final.optimizer
    assert len(list_checkpoints(tmp_path)) <= 2
    assert not list(tmp_path.rglob(".*")), "nothing half-written is left"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_resumed_run_is_bit_equal_to_an_uninterrupted_one(tmp_path: Path, toy_recipe: Load, workers: int) -> None:
    # 60 documents make about 5,000 tokens, so 32,768 tokens are several epochs; stage 2 starts at step 48.
    recipe = toy_recipe(*QUIET, f"training.workers={workers}")
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert Trainer(recipe, whole).run()
    assert not Trainer(recipe, parts).run(stop_after_steps=1)
    for steps in (6, 20, 21, 5):
        assert not Trainer(recipe, parts).run(resume=True, stop_after_steps=steps)
    assert Trainer(recipe, parts).run(resume=True)
    assert final_files(whole) == final_files(parts)
    assert (
        json.loads((whole / "evaluation.json").read_text())["groups"]
        == (json.loads((parts / "evaluation.json").read_text())["groups"])
    )


def test_the_log_of_a_resumed_run_has_each_step_once(tmp_path: Path, toy_recipe: Load) -> None:
    recipe = toy_recipe(*QUIET, "training.tokens=16384", "training.log_every_steps=1")
    Trainer(recipe, tmp_path).run(stop_after_steps=4)
    with (tmp_path / "log.jsonl").open("a") as log:
        log.write('{"event": "step", "step": 5}\n{"event": "st')  # steps after the checkpoint, and a torn line
    Trainer(recipe, tmp_path).run(resume=True)
    steps = [line["step"] for line in read_log(tmp_path / "log.jsonl") if line["event"] == "step"]
    assert steps == list(range(1, 33))


def test_the_end_may_be_moved_when_resuming(tmp_path: Path, toy_recipe: Load) -> None:
    Trainer(toy_recipe(*QUIET), tmp_path).run(stop_after_steps=10)
    assert Trainer(toy_recipe(*QUIET, "training.tokens=20480"), tmp_path).run(resume=True)
    assert load_checkpoint(tmp_path / "final").progress.tokens == 20_480
    assert load_checkpoint(tmp_path / "final").progress.stage == 1


def test_accumulation_gives_the_gradient_of_the_whole_batch(tmp_path: Path, toy_recipe: Load) -> None:
    results = []
    for size in (512, 256, 128):
        trainer = Trainer(toy_recipe(*QUIET, f"training.microbatch_tokens={size}"), tmp_path / str(size))
        trainer.run(stop_after_steps=1)
        results.append(trainer.model.state_dict())
    for other in results[1:]:
        for name, tensor in results[0].items():
            torch.testing.assert_close(tensor, other[name], rtol=1e-3, atol=1e-4)


def first_gradient(recipe: Recipe, folder: Path) -> dict[str, torch.Tensor]:
    """What the optimizer is given in the first step, by parameter."""
    trainer, given = Trainer(recipe, folder), dict[str, torch.Tensor]()

    def record(*_: float) -> None:
        parameters = trainer.model.named_parameters()
        given.update({name: value.grad.clone() for name, value in parameters if value.grad is not None})

    trainer.optimizer.step = record  # type: ignore[method-assign]
    trainer.run(stop_after_steps=1)
    return given


def length_of(gradient: dict[str, torch.Tensor]) -> float:
    """The Euclidean norm of all of it as one vector."""
    return float(torch.stack([tensor.double().square().sum() for tensor in gradient.values()]).sum().sqrt())


def test_the_gradient_of_a_step_is_clipped_to_the_recipe_s_length(tmp_path: Path, toy_recipe: Load) -> None:
    """g · min(1, clip / |g|), |g| over all parameters and all microbatches of the step (Pascanu et al. 2013)."""

    def clipped_to(clip: float) -> dict[str, torch.Tensor]:
        return first_gradient(toy_recipe(*QUIET, f"training.clip={clip}"), tmp_path / f"{clip}")

    free = clipped_to(1e9)
    length = length_of(free)
    assert all(torch.equal(free[name], tensor) for name, tensor in clipped_to(2 * length).items()), "left as it is"
    for clip in (0.5 * length, 0.01 * length):
        clipped = clipped_to(clip)
        assert length_of(clipped) == pytest.approx(clip, rel=1e-4)
        assert clipped.keys() == free.keys()
        for name, tensor in clipped.items():
            torch.testing.assert_close(tensor, free[name] * (clip / length), rtol=1e-4, atol=0)


def test_a_run_is_never_overwritten_by_accident(tmp_path: Path, toy_recipe: Load) -> None:
    Trainer(toy_recipe(*QUIET), tmp_path).run(stop_after_steps=1)
    with pytest.raises(RecipeError, match="already holds a run"):
        Trainer(toy_recipe(*QUIET), tmp_path).run()


def test_resuming_with_another_model_is_refused(tmp_path: Path, toy_recipe: Load) -> None:
    Trainer(toy_recipe(*QUIET), tmp_path).run(stop_after_steps=1)
    with pytest.raises(CheckpointError, match="another model"):
        Trainer(toy_recipe(*QUIET, "model.layers=1"), tmp_path).run(resume=True)


def test_divergence_ends_the_run_in_words(tmp_path: Path, toy_recipe: Load) -> None:
    with pytest.raises(CorpusError, match="training diverged; lower the rates"):
        Trainer(toy_recipe(*QUIET, "training.adam_rate=1e30", "training.warmup_tokens=0"), tmp_path).run()


def test_a_device_that_is_not_there_is_said(tmp_path: Path, toy_recipe: Load) -> None:
    with pytest.raises(RecipeError, match="cannot be used here"):
        Trainer(toy_recipe(*QUIET, "training.device=warp"), tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
def test_a_terminated_run_leaves_a_checkpoint_and_says_how_to_go_on(tmp_path: Path, toy_corpus: Path) -> None:
    settings = [f"corpus.folder={toy_corpus}", "training.tokens=100000000", "training.threads=1", *QUIET]
    arguments = ["train", str(find_recipe("toy")), "--output", str(tmp_path / "run")]
    for setting in settings:
        arguments += ["--set", setting]
    process = subprocess.Popen(
        [sys.executable, "-m", "export", *arguments], stderr=subprocess.PIPE, text=True, env={**os.environ}
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("step "):
            break
    process.send_signal(signal.SIGTERM)
    started = time.monotonic()
    rest = process.stderr.read()
    assert process.wait(timeout=60) == 130
    process.stderr.close()
    assert time.monotonic() - started < 30
    assert "continue with --resume" in rest
    assert "Traceback" not in rest
    [checkpoint] = list_checkpoints(tmp_path / "run")
    assert load_checkpoint(checkpoint).progress.step > 0
