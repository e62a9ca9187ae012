"""Teaching starts where the checkpoint ended, keeps its tokenizer, and ends in a folder that does the task."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from engine.contracts.errors import CheckpointError, RecipeError
from engine.folder import open_folder
from export.convert import convert
from export.tasks.formats import known_tasks
from export.tasks.train import RECIPE, main, train
from export.training.checkpoint import load_checkpoint
from export.training.recipe import load_recipe
from export.training.run_log import read_log
from tests.export.tasks.conftest import PAIRS, TASK, TOY, toy_recipe


def test_the_bundled_recipe_teaches_the_bundled_network_all_tasks() -> None:
    recipe = load_recipe(RECIPE)
    assert recipe.model.parameters == 3_934_272
    assert recipe.tasks == known_tasks()
    assert all(group.licence and group.language for group in recipe.groups)
    assert recipe.source["tasks"][0] == vars(known_tasks()[0])  # whole, so that a checkpoint needs no table


def test_teaching_starts_from_the_checkpoint(words: Path, checkpoint: Path, tmp_path: Path) -> None:
    recipe = toy_recipe(words, 512, training=TOY["training"] | {"tokens": 512, "muon_rate": 1e-9, "adam_rate": 1e-9})
    assert train(checkpoint, recipe, tmp_path / "run")
    before, after = load_checkpoint(checkpoint), load_checkpoint(tmp_path / "run" / "final")
    assert after.tokenizer == before.tokenizer
    for name, tensor in before.model.items():
        torch.testing.assert_close(after.model[name], tensor, rtol=0, atol=1e-6)
    assert after.recipe["start"] == {"recipe": "before", "tokens": 1024}


def test_the_task_is_learnt(taught_run: Path) -> None:
    losses = [line["loss"] for line in read_log(taught_run / "log.jsonl") if line["event"] == "step"]
    assert losses[-1] < 0.4 * losses[0]


def test_the_model_folder_does_its_task(taught: Path, taught_run: Path) -> None:
    assert open_folder(taught).manifest.tasks == (TASK,)
    for source, target in list(PAIRS.items())[:2]:
        answer = subprocess.run(
            [sys.executable, "-m", "engine", "generate", source, "--task", TASK.name, "--model", str(taught)],
            capture_output=True,
            check=True,
        )
        assert answer.stdout.decode() == target


def test_another_network_is_refused(words: Path, checkpoint: Path, tmp_path: Path) -> None:
    recipe = toy_recipe(words, 512, model=TOY["model"] | {"layers": 3})
    with pytest.raises(RecipeError, match="is not the network in"):
        train(checkpoint, recipe, tmp_path / "run")


@pytest.mark.parametrize(
    ("tasks", "words_said"),
    [(["sing"], "no task 'sing'"), ([{"name": "a"}], "lacks its name"), ("translate", "no task"), ([7], "no list")],
)
def test_impossible_tasks_of_a_recipe_are_refused(words: Path, tasks: object, words_said: str) -> None:
    with pytest.raises(RecipeError, match=words_said):
        toy_recipe(words, 512, tasks=tasks)


def test_a_checkpoint_with_an_impossible_task_is_not_converted(taught_run: Path, tmp_path: Path) -> None:
    for file in (taught_run / "final").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    meta = json.loads((tmp_path / "checkpoint.json").read_text(encoding="utf-8"))
    meta["recipe"]["tasks"] = [{"name": "a", "before": "", "after": "b"}]
    (tmp_path / "checkpoint.json").write_text(json.dumps(meta), encoding="utf-8")
    with pytest.raises(CheckpointError, match="a piece of the task 'a' is empty"):
        convert(tmp_path, tmp_path / "model", "fp32")


def test_a_missing_checkpoint_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none"), "--output", str(tmp_path / "run")]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: cannot read the checkpoint")
