"""A process of several that is killed, stopped or wrong: one line, a status, and a run that goes on bit for bit."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from export.training.checkpoint import list_checkpoints
from export.training.run_log import read_log
from tests.export.training.together import ROOT, Job, run_together

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL and no SIGTERM to catch"),
]
QUIET = (
    "training.autocast=float32",
    "training.threads=1",
    "training.evaluate_every_tokens=1000000000",
    "training.samples_every_tokens=1000000000",
    "training.log_every_steps=1",
    "training.tokens=12288",  # 24 steps, the first eight of the short stage
    "training.checkpoint_minutes=0",  # after every step
)


@contextmanager
def training(folder: Path, settings: Sequence[str], *more: str) -> Iterator["subprocess.Popen[str]"]:
    """`nextstroke train toy --processes 2` under way."""
    command = [sys.executable, "-m", "export", "train", "toy", "--output", str(folder), "--processes", "2", *more]
    for setting in settings:
        command += ["--set", setting]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    children: list[psutil.Process] = []
    try:
        yield process
    finally:
        children = psutil.Process(process.pid).children() if process.poll() is None else []
        for one in (process, *children):
            one.kill()
        process.communicate()


def wait_for_steps(process: "subprocess.Popen[str]", count: int = 3) -> None:
    """Three, so that the checkpoint after the first is there."""
    assert process.stderr is not None
    for line in process.stderr:
        count -= line.startswith("step ")
        if not count:
            return
    raise AssertionError("it ended too early")


def rest(process: "subprocess.Popen[str]") -> str:
    said = process.communicate(timeout=120)[1]
    assert "Traceback" not in said
    return said


def worker(process: "subprocess.Popen[str]", rank: int) -> psutil.Process:
    [found] = [child for child in psutil.Process(process.pid).children() if child.environ()["RANK"] == str(rank)]
    return found


def losses(folder: Path) -> list[tuple[int, float]]:
    """(step, loss) of every step in a run's log."""
    return [(line["step"], line["loss"]) for line in read_log(folder / "log.jsonl") if line["event"] == "step"]


def differing_tensors(one: Path, two: Path) -> list[str]:
    """All that is not bit-equal in two checkpoints, whole or in shards, as `file: tensor`."""
    names = sorted(path.name for path in one.glob("*.safetensors"))
    assert names
    assert names == sorted(path.name for path in two.glob("*.safetensors"))
    files = {name: (load_file(one / name), load_file(two / name)) for name in names}
    assert all(left.keys() == right.keys() for left, right in files.values())
    return [
        f"{name}: {key}"
        for name, (left, right) in files.items()
        for key in left
        if not torch.equal(left[key], right[key])
    ]


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_a_run_that_lost_a_process_says_so_and_goes_on_to_the_same_end(
    tmp_path: Path, toy_corpus: Path, strategy: str
) -> None:
    settings = (f"corpus.folder={toy_corpus}", f"distributed.strategy={strategy}", *QUIET)
    broken = tmp_path / "broken"
    with training(broken, settings) as process:
        wait_for_steps(process)
        worker(process, 1).send_signal(signal.SIGKILL)
        started = time.monotonic()
        errors = [line for line in rest(process).splitlines() if line.startswith("error: ")]
        assert process.returncode == 1
        assert time.monotonic() - started < 60
    kept = list_checkpoints(broken)[-1].name
    assert errors == [
        "error: process 1 of 2 (counted from 0) is gone: killed, out of memory, or its machine is out of reach; "
        f"go on from {kept} with --resume"
    ]
    with training(broken, settings, "--resume") as process:
        wait_for_steps(process)
        worker(process, 1).send_signal(signal.SIGTERM)  # asked of one, done by all
        assert "continue with --resume" in rest(process)
        assert process.returncode == 130
    whole = tmp_path / "whole"
    settings = (*settings, "training.checkpoint_minutes=10")
    run_together([Job(str(broken), settings, resume=True), Job(str(whole), settings)], tmp_path / "meeting")
    assert losses(broken) == losses(whole)
    assert differing_tensors(list_checkpoints(whole)[-1], list_checkpoints(broken)[-1]) == []


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("training.microbatch_tokens=512", "cannot be shared out evenly among 2 processes"),  # both find out
        ("corpus.folder=/nowhere", "cannot read training text"),  # the first finds out, the other waits for it
    ],
)
def test_what_is_wrong_for_all_is_said_once(tmp_path: Path, toy_corpus: Path, setting: str, words: str) -> None:
    with training(tmp_path / "run", (f"corpus.folder={toy_corpus}", *QUIET, setting)) as process:
        errors = [line for line in rest(process).splitlines() if line.startswith("error: ")]
        assert process.returncode == 1
    assert len(errors) == 1
    assert words in errors[0]
