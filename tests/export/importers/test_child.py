"""The process that reads checkpoints: it never outlives the one that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
# A parent that starts the reader with its standard input held open by somebody else, so that only the parent's own
# end can end it.
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "export.importers.child"], stdin=0)
print(child.pid, flush=True)
time.sleep(120)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have no parent-death signal")
def test_the_reader_ends_when_its_parent_is_killed() -> None:
    held_open, writing = os.pipe()
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdin=held_open,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    try:
        assert parent.stdout is not None
        reader = int(parent.stdout.readline())
        _wait_until(lambda: _rests(reader))  # imports are over: it waits for a request that never comes
        assert _is_alive(reader)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        _wait_until(lambda: not _is_alive(reader))
    finally:
        parent.kill()
        parent.wait()
        if parent.stdout is not None:
            parent.stdout.close()
        os.close(held_open)
        os.close(writing)


def _wait_until(holds: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def _rests(process: int) -> bool:
    """Whether it used no processor time for a second, after having used some."""
    before = _processor_ticks(process)
    time.sleep(1.0)
    return 0 < before == _processor_ticks(process)


def _processor_ticks(process: int) -> int:
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def _state(process: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return ""


def _is_alive(process: int) -> bool:
    return _state(process) not in ("", "Z", "X")
