"""`nextstroke generate --task`: the task's pieces around the text, greedy, one line; and who knows which task."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from engine.contracts.manifest import read_manifest
from engine.contracts.tasks import TaskFormat
from tests.end_to_end.conftest import Run
from tests.support.tiny_models import write_manifest, write_tiny_model

TASK = TaskFormat("translate-en-zh", "从前：\n", "\n=\n", stop="cat", description="English in Chinese")


@pytest.fixture(scope="module")
def tasked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "会翻译"
    write_tiny_model(folder)
    manifest = read_manifest((folder / "nextstroke.json").read_text(encoding="utf-8"))
    write_manifest(folder, replace(manifest, tasks=(TASK,)))
    return folder


def test_a_task_is_its_prompt_continued_greedily_to_its_stop(nextstroke: Run, tasked: Path) -> None:
    common = ("--model", str(tasked), "--max-tokens", "30", "--json")
    by_task = nextstroke("generate", "the dogs ran", "--task", "translate-en-zh", *common)
    by_hand = nextstroke(
        "generate", "从前：\nthe dogs ran\n=\n", "--temperature", "0", "--stop", "cat", *common, "--seed", "5"
    )
    assert by_task.returncode == by_hand.returncode == 0
    ours, theirs = (json.loads(answer.stdout.splitlines()[-1]) for answer in (by_task, by_hand))
    assert ours["record"]["prompt_ids"] == theirs["record"]["prompt_ids"]
    assert ours["record"]["output_ids"] == theirs["record"]["output_ids"] != []
    assert ours["record"]["request"]["sampling"]["temperature"] == 0
    assert ours["record"]["request"]["stop"] == ["cat"]


def test_a_temperature_of_ones_own_wins(nextstroke: Run, tasked: Path) -> None:
    arguments = ("generate", "-", "--task", "translate-en-zh", "--temperature", "0.7", "--model", str(tasked), "--json")
    answer = nextstroke(*arguments, "--max-tokens", "2", stdin=b"the dogs ran")
    assert json.loads(answer.stdout.splitlines()[-1])["record"]["request"]["sampling"]["temperature"] == 0.7


def test_a_model_shows_its_tasks(nextstroke: Run, tasked: Path) -> None:
    shown = json.loads(nextstroke("models", "show", str(tasked), "--json").stdout)
    assert shown["tasks"] == {"translate-en-zh": "English in Chinese"}
    assert (
        'tasks: {"translate-en-zh": "English in Chinese"}' in nextstroke("models", "show", str(tasked)).stdout.decode()
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("the dogs", "--task", "sing"), "no task 'sing' here; there are translate-en-zh"),
        (("--ids", "5 6", "--task", "translate-en-zh"), "works on a text, not on token ids"),
        (("a\n=\nb", "--task", "translate-en-zh"), "change that line"),
        ((" ", "--task", "translate-en-zh"), "give it a text"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    nextstroke: Run, tasked: Path, arguments: tuple[str, ...], words: str
) -> None:
    answer = nextstroke("generate", *arguments, "--model", str(tasked))
    (line,) = answer.stderr.decode().splitlines()
    assert (answer.returncode, answer.stdout) == (2, b"")
    assert line.startswith("error: ")
    assert words in line


def test_a_model_without_tasks_says_so(nextstroke: Run, tiny: Path) -> None:
    answer = nextstroke("generate", "the dogs", "--task", "translate-en-zh", "--model", str(tiny))
    assert answer.returncode == 2
    assert "there is no task here" in answer.stderr.decode()
