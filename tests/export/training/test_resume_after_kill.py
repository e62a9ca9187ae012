"""A run that is killed again and again, by SIGKILL and at the worst places, ends bit for bit as one that never was."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from export.training.checkpoint import list_checkpoints, newest_recipe
from export.training.corpus import Sampler, pack
from export.training.recipe import Recipe
from export.training.run_log import read_log
from export.training.tokenizer import TextTokenizer
from export.training.train_command import find_recipe

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL"),
    pytest.mark.timeout(1800),  # half a minute of one core, shared with whatever else runs
]
Load = Callable[..., Recipe]
RUN = (
    "training.threads=1",
    "training.tokens=20480",
    "training.log_every_steps=5",
    "training.evaluate_every_tokens=5120",
    "training.samples_every_tokens=10240",
)
SAVE_EVERY_STEP = "training.checkpoint_minutes=0"

# A process that trains and kills itself, unasked and uncleaned, at one place: the N-th call of something.
CHILD = """
import os, signal, sys
from types import SimpleNamespace
place, number, arguments = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
from export.training import checkpoint, corpus, evaluation, optimizer, run_log
calls = 0

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def at_call(function, end):
    def counted(*given, **named):
        global calls
        calls += 1
        return end(function, *given, **named) if calls == number else function(*given, **named)
    return counted

def half_a_step(step, *given):  # Muon's matrices have moved, AdamW's have not
    step(*given)
    die()

def half_a_file(save, tensors, path):
    save(tensors, path)
    os.truncate(path, path.stat().st_size // 2)
    die()

def half_a_removal(remove, folder, **_):
    next(folder.iterdir()).unlink()
    die()

def half_a_line(write, log, event, **values):
    write(log, event, **values)
    os.truncate(log.path, log.path.stat().st_size - 40)
    die()

if place == "step":
    optimizer.Muon.step = at_call(optimizer.Muon.step, half_a_step)
elif place == "save":
    checkpoint._save = at_call(checkpoint._save, half_a_file)
elif place == "rotation":
    checkpoint.shutil = SimpleNamespace(rmtree=at_call(checkpoint.shutil.rmtree, half_a_removal))
elif place == "evaluation":
    evaluation._nats = at_call(evaluation._nats, lambda *_: die())
elif place == "log":
    write = run_log.RunLog.write
    log_line = at_call(write, half_a_line)
    run_log.RunLog.write = lambda log, event, **v: (log_line if event == "evaluation" else write)(log, event, **v)
from export.cli import main
sys.exit(main(["train", *arguments]))
"""


def arguments(corpus: Path, folder: Path, *settings: str) -> list[str]:
    made = [str(find_recipe("toy")), "--output", str(folder)]
    for setting in (f"corpus.folder={corpus}", *RUN, *settings):
        made += ["--set", setting]
    return made


def child(place: str, number: int, given: list[str]) -> int:
    """Train in a process of its own; its exit status, -9 when it was killed."""
    command = [sys.executable, "-c", CHILD, place, str(number), *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode


def killed_at_line(given: list[str], beginning: str) -> int:
    """The same, killed from outside as soon as it says a line that begins so: somewhere in the next step."""
    with subprocess.Popen([sys.executable, "-m", "export", "train", *given], stderr=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if line.startswith(beginning):
                run.kill()
    return run.returncode


def results(folder: Path) -> dict[str, Any]:
    """Everything a run leaves that does not speak of time."""
    newest = list_checkpoints(folder)[-1]
    timed = {"tokens_per_second", "flops_per_second", "share_of_peak", "peak_memory_bytes", "seconds"}
    kept = [line for line in read_log(folder / "log.jsonl") if line["event"] != "start"]
    return {
        "weights": (newest / "model.safetensors").read_bytes(),
        "optimizer": (newest / "optimizer.safetensors").read_bytes(),
        "final weights": (folder / "final" / "model.safetensors").read_bytes(),
        "log": [{key: value for key, value in line.items() if key not in timed} for line in kept],
        "evaluation": json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))["groups"],
        "samples": json.loads((folder / "samples.json").read_text(encoding="utf-8")),
    }


def second_epoch_step(recipe: Recipe, folder: Path) -> int:
    """The first step whose windows come from the second reading of the only group."""
    tokenizer = TextTokenizer.open(folder / "tokenizer.model")
    [packed] = [pack(group, tokenizer, folder / "packed") for group in recipe.groups]
    length = recipe.stages[0].length
    windows = max(1, (len(packed.tokens) - 1) // length - 1)
    assert Sampler([packed], {}, length, 1, 0).window(windows)[0] == 0
    return windows * length // recipe.training.batch_tokens + 1


@pytest.mark.slow  # each kill needs a process of its own, which loads PyTorch
def test_killed_at_six_places_it_ends_as_if_nothing_had_been(
    tmp_path: Path, toy_corpus: Path, toy_recipe: Load
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert child("nowhere", 0, arguments(toy_corpus, whole)) == 0
    given = arguments(toy_corpus, parts, SAVE_EVERY_STEP)
    assert child("step", 4, given) == -signal.SIGKILL
    assert [path.name for path in list_checkpoints(parts)] == ["checkpoint-00000002", "checkpoint-00000003"]
    given.append("--resume")
    assert child("save", 2, given) == -signal.SIGKILL  # step 4's optimizer file; its model file is whole
    assert list_checkpoints(parts)[-1].name == "checkpoint-00000003"
    assert list(parts.glob(".checkpoint-00000004.part-*"))
    assert child("rotation", 1, given) == -signal.SIGKILL
    assert child("evaluation", 1, given) == -signal.SIGKILL
    assert child("log", 1, given) == -signal.SIGKILL  # in the middle of the line of the evaluation after step 10
    assert list_checkpoints(parts)[-1].name == "checkpoint-00000009"
    assert not (parts / "log.jsonl").read_text(encoding="utf-8").endswith("\n")
    second = 5 * -(-second_epoch_step(toy_recipe(*RUN), parts) // 5)
    assert 10 <= second <= 20
    assert killed_at_line(given, f"step {second} ") == -signal.SIGKILL
    assert child("nowhere", 0, given) == 0
    assert results(parts) == results(whole)
    assert not list(parts.rglob(".*")), "nothing half-written is left"
    assert newest_recipe(parts) is not None


COMPILED = (
    "training.compile=true",
    "model.layers=1",
    "training.tokens=10240",
    "training.prompts=[]",
    "stage=[{length=32}]",
)


@pytest.mark.long  # two compilations of half a minute each, and seven processes that load PyTorch
def test_a_compiled_run_killed_at_five_places_is_bit_equal_too(
    tmp_path: Path, toy_corpus: Path, toy_recipe: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The uninterrupted run and the one that is killed compile apart; what follows a kill finds its code again."""
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "compiled"))
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert child("nowhere", 0, arguments(toy_corpus, whole, *COMPILED)) == 0
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "compiled_again"))
    given = arguments(toy_corpus, parts, *COMPILED, SAVE_EVERY_STEP)
    assert child("step", 4, given) == -signal.SIGKILL
    assert os.listdir(tmp_path / "compiled_again"), "it was compiled again, not only found again"
    given.append("--resume")
    assert child("save", 2, given) == -signal.SIGKILL
    assert child("rotation", 1, given) == -signal.SIGKILL
    assert child("evaluation", 1, given) == -signal.SIGKILL
    second = 5 * -(-second_epoch_step(toy_recipe(*RUN, *COMPILED), parts) // 5)
    assert 10 <= second < 20, "there is a step of the second epoch to be killed in, and one after it"
    assert killed_at_line(given, f"step {second} ") == -signal.SIGKILL
    assert child("nowhere", 0, given) == 0
    assert results(parts) == results(whole)
