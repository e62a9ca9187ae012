"""`make run` without a display says so in one line and names what works there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")


def open_window(root: Path, bin_folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    script = root / "resources" / "packaging" / "open_window.py"
    environment = {"PATH": os.environ["PATH"], **variables}
    command = [sys.executable, str(script), str(bin_folder)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    program = tmp_path / "nextstroke"
    program.write_text("#!/bin/sh\necho opened; exit 7\n")
    program.chmod(0o755)
    return tmp_path


def test_without_a_display_one_line_names_generate(root: Path, bin_folder: Path) -> None:
    done = open_window(root, bin_folder)
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert f'{bin_folder}/nextstroke generate "Once upon a time"' in done.stderr


@pytest.mark.parametrize("variable", ["DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"])
def test_with_a_display_the_program_runs_and_its_status_counts(root: Path, bin_folder: Path, variable: str) -> None:
    done = open_window(root, bin_folder, **{variable: "somewhere"})
    assert (done.returncode, done.stdout) == (7, "opened\n")
