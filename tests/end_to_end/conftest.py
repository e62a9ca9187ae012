"""The program as a child process with a profile of its own, and tiny models for it.

Knows: the command `python -m desktop_app`. Must not know: anything inside the program.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.contracts.manifest import read_manifest
from tests.support.tiny_graph import TinyShape
from tests.support.tiny_models import file_entries, write_manifest, write_tiny_model

SECONDS = 120
Run = Callable[..., subprocess.CompletedProcess[bytes]]


def clean_environment(profile: Path) -> dict[str, str]:
    """What the program starts with: no CI variables, all per-user data under `profile`, words in English."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ}
    root = str(Path(__file__).resolve().parents[2])
    return kept | {"NEXTSTROKE_PROFILE": str(profile), "PYTHONPATH": root, "LANG": "C.UTF-8"}


@pytest.fixture(scope="session")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("资料 夹")


@pytest.fixture(scope="session")
def nextstroke(profile: Path) -> Run:
    """Run `nextstroke …`; standard input, output and errors are bytes."""

    def run(*arguments: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            [sys.executable, "-P", "-m", "desktop_app", *arguments],
            input=stdin,
            capture_output=True,
            env=clean_environment(profile) | environment,
            timeout=SECONDS,
            check=False,
        )

    return run


def certified(folder: Path) -> Path:
    """Give a tiny model the certificate that the export side would have written."""
    (folder / "certificate.json").write_text(json.dumps({"made": "for tests"}), encoding="utf-8")
    manifest = read_manifest((folder / "nextstroke.json").read_text(encoding="utf-8"))
    files = (*manifest.files, *file_entries(folder, ["certificate.json"]))
    write_manifest(folder, replace(manifest, files=files, certificate={"max_abs_logit_difference": 0.0}))
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder named in Chinese with a space."""
    folder = tmp_path_factory.mktemp("models") / "小 模型"
    write_tiny_model(folder)
    return certified(folder)


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another model with the same tokenizer."""
    folder = tmp_path_factory.mktemp("models") / "other"
    write_tiny_model(folder, seed=2)
    return certified(folder)


@pytest.fixture(scope="session")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with room for seconds of writing, to be interrupted in."""
    folder = tmp_path_factory.mktemp("models") / "endless"
    write_tiny_model(folder, TinyShape(context=16384))
    return certified(folder)


@pytest.fixture(scope="session")
def endless_settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Settings under which it goes on until its context is full."""
    path = tmp_path_factory.mktemp("settings") / "endless.json"
    path.write_text(json.dumps({"max_tokens": 16000, "ignore_end_of_text": True}))
    return path


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Ctrl+C."""
    process.send_signal(signal.SIGINT)
