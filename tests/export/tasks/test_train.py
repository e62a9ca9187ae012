"""Teaching a task: from a recipe that names it, over a checkpoint that remembers it, to a folder that does it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.contracts.errors import CheckpointError, RecipeError
from engine.folder import open_folder
from export.convert import convert
from export.tasks.formats import group_name, known_tasks
from export.training.checkpoint import load_checkpoint
from export.training.recipe import load_recipe
from export.training.run_log import read_log
from export.training.train_command import find_recipe
from tests.export.tasks.conftest import PAIRS, TASK, toy_recipe


def test_the_bundled_recipe_teaches_the_small_network_all_tasks() -> None:
    recipe = load_recipe(find_recipe("tiny-zh-en-tasks"))
    assert recipe.model.parameters == 3_934_272
    assert recipe.start.checkpoint
    assert recipe.tasks == known_tasks()
    assert {group_name(task) for task in recipe.tasks} < {group.name for group in recipe.groups}
    assert recipe.source["tasks"][0] == vars(known_tasks()[0])  # whole, so that a checkpoint needs no table


def test_the_checkpoint_remembers_its_tasks_and_its_start(taught_run: Path) -> None:
    recipe = load_checkpoint(taught_run / "final").recipe
    assert recipe["tasks"] == [vars(TASK)]
    assert (recipe["start"]["name"], recipe["start"]["tokens"]) == ("before", 1024)


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
