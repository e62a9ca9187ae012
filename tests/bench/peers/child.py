"""A program under test as a child process, asked through the protocol's lines.

For: the race. Knows processes and the protocol; must not know what any program is.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.bench.peers.protocol import Written

ROOT = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = 20.0


class ChildError(Exception):
    """A program under test did not answer; the message ends with the last line that it printed."""


@dataclass(frozen=True)
class Program:
    """How one contestant is started: an interpreter, the module that speaks the protocol, a folder it has prepared."""

    name: str
    python: Path
    module: str
    folder: Path
    is_ours: bool = False


class Child:
    """A loaded model that answers. `load_seconds`: from the start of its interpreter to the loaded model."""

    def __init__(self, program: Program, threads: int, context: int, variables: Mapping[str, str]) -> None:
        self.program, self.name = program, program.name
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115, see close
        command = [str(program.python), "-m", program.module, "serve", str(program.folder)]
        began = time.perf_counter()
        self._process = subprocess.Popen(
            [*command, "--threads", str(threads), "--context", str(context)],
            cwd=ROOT,
            env={**os.environ, **variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
        )
        try:
            self.facts: dict[str, Any] = self._answer()["ready"]
        except ChildError:
            self.close()
            raise
        self.load_seconds = time.perf_counter() - began

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def process_id(self) -> int:
        """Of its process."""
        return self._process.pid

    def write(self, ids: Sequence[int], count: int, rows: int = 1, fresh: bool = True) -> Written:
        """Have it continue `ids`; see `protocol.Writer`. Raises `ChildError`."""
        answer = self._ask({"write": {"ids": list(ids), "count": count, "rows": rows, "fresh": fresh}})
        return Written(**answer)

    def peak_memory_bytes(self) -> int | None:
        """The most memory it has held so far."""
        peak: int | None = self._ask({"memory": {}})["peak_bytes"]
        return peak

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass  # it has ended already
        try:
            self._process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer that does not come says why
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._errors.seek(0)
            words = self._errors.read().strip().splitlines()
            raise ChildError(f"{self.name} ended without an answer: {words[-1] if words else 'it said nothing'}")
        answer: dict[str, Any] = json.loads(line)
        return answer
