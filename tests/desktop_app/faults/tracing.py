"""System calls of an operation, written down or hurt, by strace.

    Tracer.run(name, folder, faults)  the operation in a child of its own, under strace from its first call to its last
    calls_in(trace, folder)           the calls that touch files below the folder, each with its number among its name

Knows: strace's options and lines. Must not know: what an operation should leave behind.
"""

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.support.strace import strace

ROOT = Path(__file__).resolve().parents[3]
SECONDS = 20
_LINE = re.compile(r"^(?:\d+ +)?(?P<name>[a-z0-9_]+)\((?P<rest>.*)$", re.DOTALL)


@dataclass(frozen=True)
class Ended:
    """How a child ended: "exit 0", "signal 9", and its traceback where it broke."""

    how: str
    words: str
    trace: str


@dataclass(frozen=True)
class Call:
    """One system call: its name, and its number among all of that name since the operation began, from 1."""

    name: str
    number: int
    line: str


class Tracer:
    """A helper process that forks children, and a strace for each of them."""

    def __init__(self) -> None:
        self._strace = strace()
        environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": str(ROOT)}
        self._helper = subprocess.Popen(
            [sys.executable, "-m", "tests.desktop_app.faults.hurt_child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )

    def __enter__(self) -> "Tracer":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._helper.terminate()
        self._helper.communicate()

    def seconds_of(self, name: str, folder: Path) -> float:
        """How long one operation takes that nobody hurts or watches."""
        process = self._start(name, folder)
        began = time.perf_counter()
        os.kill(process, signal.SIGCONT)
        assert self._line_in_time(process).startswith("exit 0")
        return time.perf_counter() - began

    def run_for(self, name: str, folder: Path, seconds: float) -> str:
        """One operation that nobody watches, killed after a time; how it ended."""
        process = self._start(name, folder)
        os.kill(process, signal.SIGCONT)
        time.sleep(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        return " ".join(self._line_in_time(process).split(" ")[:2])

    def run(self, name: str, folder: Path, options: Sequence[str]) -> Ended:
        """One operation; `options` are strace's."""
        process = self._start(name, folder)
        # Into a file: a full pipe would stop strace, and the child with it.
        with tempfile.NamedTemporaryFile() as trace_file:
            command = [self._strace, *options, "-o", trace_file.name, "-p", str(process)]
            with subprocess.Popen(command, stderr=subprocess.PIPE) as watcher:
                wait_until_attached(watcher)
                os.kill(process, signal.SIGCONT)
                how, _, words = self._line_in_time(process).partition(" ⏎ ")
            trace = trace_file.read().decode("utf-8", "replace")
        kind, number, *rest = how.split(" ", 2)
        return Ended(f"{kind} {number}", " ".join(rest) + words, trace)

    def _start(self, name: str, folder: Path) -> int:
        """A child that has stopped before its operation; its process number."""
        helper = self._helper
        assert helper.stdin is not None
        assert helper.stdout is not None
        helper.stdin.write(f"{name}\t{folder}\n")
        helper.stdin.flush()
        return int(helper.stdout.readline())

    def _line_in_time(self, process: int) -> str:
        assert self._helper.stdout is not None
        ready, _, _ = select.select([self._helper.stdout], [], [], SECONDS)
        if not ready:
            os.kill(process, signal.SIGKILL)
            self._helper.stdout.readline()
            return f"hung {SECONDS}"
        return self._helper.stdout.readline().rstrip("\n")


def wait_until_attached(watcher: "subprocess.Popen[bytes]") -> None:
    """Return when strace says that it has the child."""
    assert watcher.stderr is not None
    found = b""
    while b"attached" not in found:
        piece = os.read(watcher.stderr.fileno(), 4096)
        if not piece:
            raise RuntimeError(f"strace did not begin: {found.decode(errors='replace')}")
        found += piece


def calls_in(trace: str, folder: Path) -> list[Call]:
    """The calls that name a file or an open file below the folder, in order. The trace was made with `-y`."""
    counts: Counter[str] = Counter()
    found = []
    for line in trace.splitlines():
        match = _LINE.match(line)
        if match is None:
            continue
        counts[match["name"]] += 1
        if str(folder) in line:
            found.append(Call(match["name"], counts[match["name"]], line))
    return found
