"""A conversion that is stopped, killed or runs out of disk leaves no folder, and the old one as it was."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.contracts.errors import DiskFullError, FileError
from export.convert import convert
from export.folder_writer import new_folder
from tests.export.checkpoints import own_checkpoint


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return own_checkpoint(tmp_path_factory.mktemp("own") / "checkpoint")


@pytest.fixture(autouse=True)
def own_profile(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTSTROKE_PROFILE", str(tmp_path_factory.mktemp("profile")))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_export_leaves_nothing(own: Path, tmp_path: Path, number: int) -> None:
    process = _start(own, tmp_path / "model")
    _wait_for(process, "comparing")
    process.send_signal(number)
    output, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert output == ""
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def test_a_killed_export_leaves_no_folder_and_the_next_one_cleans_up(own: Path, tmp_path: Path) -> None:
    process = _start(own, tmp_path / "model")
    _wait_for(process, "comparing")
    process.kill()
    process.communicate(timeout=30)
    assert not (tmp_path / "model").exists()
    assert all(path.name.startswith(".model.part-") for path in tmp_path.iterdir())
    convert(own, tmp_path / "model", "fp32")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("step", ["convert.write_manifest", "whole_folder._flush", "whole_folder._put_in_place"])
def test_a_full_disk_is_one_line_and_leaves_nothing(
    own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(f"export.{step}", full)
    with pytest.raises(DiskFullError, match="disk is full"):
        convert(own, tmp_path / "model", "fp32")
    assert list(tmp_path.iterdir()) == []


def test_a_real_full_disk_is_one_line(own: Path, tmp_path: Path) -> None:
    """The operating system's limit on file size stands in for a small disk: every write of the conversion may fail."""
    import resource

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    arguments = [sys.executable, "-m", "export", "export", str(own), str(tmp_path / "model")]
    done = subprocess.run(arguments, capture_output=True, text=True, preexec_fn=limit)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert str(tmp_path / "model") in done.stderr
    assert "write" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_failed_swap_brings_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "model"
    target.mkdir()
    (target / "nextstroke.json").write_text("old")
    rename = Path.rename

    def fails_for_the_new_one(self: Path, to: Path) -> Path:
        if self.name.startswith(".model.part-") and not self.name.endswith("-old"):
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", fails_for_the_new_one)
    with pytest.raises(FileError), new_folder(target, force=True) as hidden:
        (hidden / "nextstroke.json").write_text("new")
    assert (target / "nextstroke.json").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_old_folder_left_aside_by_a_crash_comes_back(tmp_path: Path) -> None:
    aside = tmp_path / ".model.part-1-old"
    aside.mkdir()
    (aside / "nextstroke.json").write_text("old")
    with pytest.raises(RuntimeError), new_folder(tmp_path / "model", force=True):
        raise RuntimeError("stopped for another reason")
    assert (tmp_path / "model" / "nextstroke.json").read_text() == "old"


def test_a_model_that_appeared_meanwhile_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "model"

    def convert_while_another_is_faster() -> None:
        with new_folder(target, force=False):
            target.mkdir()
            (target / "nextstroke.json").write_text("another conversion's")

    with pytest.raises(FileError, match="appeared while"):
        convert_while_another_is_faster()
    assert (target / "nextstroke.json").read_text() == "another conversion's"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_read_only_place_says_so(own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: Path, *arguments: object, **options: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(FileError, match="no permission"):
        convert(own, tmp_path / "model", "fp32")


def _start(own: Path, target: Path) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-m", "export", "export", str(own), str(target), "--json"]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _wait_for(process: subprocess.Popen[str], word: str) -> None:
    assert process.stderr is not None
    deadline = time.monotonic() + 120
    for line in process.stderr:
        if word in json.loads(line)["doing"]:
            return
        assert time.monotonic() < deadline
    raise AssertionError("it ended before it came that far")
