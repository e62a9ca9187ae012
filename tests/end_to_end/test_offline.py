"""Nothing leaves the machine: the engine, watched by strace for longer than ONNX Runtime waits before it phones home.

Two processes run side by side. The engine must open no internet socket and leave no file outside its own folders. The
control is ONNX Runtime alone with its telemetry left on: it must be caught, or this test would prove nothing. CI
variables are removed, since the library is silent under CI.
"""

import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine.contracts.frames import encode_frame, read_frame
from engine.contracts.generation import GenerationRequest
from tests.end_to_end.conftest import clean_environment
from tests.support.strace import strace

ALIVE_SECONDS = 22  # the library waits about ten before its first look-up
INTERNET = re.compile(r"AF_INET6?\b")
CONTROL = f"import onnxruntime, time; time.sleep({ALIVE_SECONDS})"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="system calls are watched with Linux's strace"),
]


@dataclass(frozen=True)
class Watched:
    """What a process did: its calls to the network, and the files that it left in its home."""

    calls: str
    files: list[str]
    events: list[str]


def start(home: Path, arguments: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
    home.mkdir()
    traced = [strace(), "-f", "-qq", "-e", "trace=%network", "-o", str(home.with_suffix(".trace"))]
    inherited = {name: value for name, value in clean_environment(home).items() if name != "NEXTSTROKE_PROFILE"}
    return subprocess.Popen(
        [*traced, sys.executable, "-P", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=inherited | {"HOME": str(home)} | environment,
    )


def watched(home: Path, events: list[str]) -> Watched:
    files = sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())
    return Watched(home.with_suffix(".trace").read_text(encoding="utf-8", errors="replace"), files, events)


def write_with(engine: subprocess.Popen[bytes], model: Path) -> list[str]:
    """Open the model and generate; the names of the events."""
    assert engine.stdin is not None
    assert engine.stdout is not None
    request = GenerationRequest("g", "Once upon a time", max_tokens=20)
    engine.stdin.write(encode_frame({"type": "open", "id": "o", "model": str(model)}))
    engine.stdin.write(encode_frame({"type": "generate", "request": request.to_dict()}))
    engine.stdin.flush()
    events: list[str] = []
    while "done" not in events and (message := read_frame(engine.stdout)) is not None:
        if message["type"] == "event":
            events.append(message["event"]["event"])
    return events


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> tuple[Watched, Watched]:
    """The engine and the control, alive at the same time."""
    place = tmp_path_factory.mktemp("offline")
    with (
        start(place / "engine", ["-m", "desktop_app", "host"], {}) as engine,
        start(place / "control", ["-c", CONTROL], {}) as control,
    ):
        events = write_with(engine, tiny)
        time.sleep(ALIVE_SECONDS)
        assert engine.poll() is None, "the engine must be alive the whole time"
        control.communicate()
        engine.communicate()  # closes its input: it ends
    return watched(place / "engine", events), watched(place / "control", [])


def test_the_control_is_caught(both: tuple[Watched, Watched]) -> None:
    _, control = both
    assert INTERNET.search(control.calls) or any("onnxruntime" in name for name in control.files)


def test_the_engine_opens_no_internet_socket(both: tuple[Watched, Watched]) -> None:
    engine, _ = both
    assert engine.events[-1] == "done"
    assert "token" in engine.events
    assert INTERNET.findall(engine.calls) == []


def test_the_engine_leaves_no_file_outside_its_own_folders(both: tuple[Watched, Watched]) -> None:
    engine, _ = both
    assert [name for name in engine.files if "nextstroke" not in Path(name).parts] == []
