"""What a model folder answers to a task, through the engine that people run.

For: `score.py`: what is measured is the loop that users have, in a process of its own.
Knows: the engine's messages (`engine.contracts.frames`) and how its process is started.
Must not know: the engine's insides, scores.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

from engine.contracts.errors import EngineStoppedError, error_from_kind
from engine.contracts.frames import Message, encode_frame, read_frame
from engine.contracts.generation import CONTEXT_KEEP_END, GenerationRequest
from engine.contracts.sampling_settings import SamplingSettings
from engine.contracts.task_request import for_task
from engine.contracts.tasks import TaskFormat

LONGEST_ANSWER = 64  # tokens; the longest held-out target has fewer


class Engine:
    """The engine's process with one model open; `answer` asks it one thing after another."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self._process = process
        self._send({"type": "open", "id": "open", "model": str(folder.resolve()), "device": "cpu", "threads": None})
        while (message := self._read())["type"] != "opened":
            _raise_refusal(message)

    def answer(self, task: TaskFormat, source: str) -> str:
        """The greedy answer, without white space around it. Raises what the engine refuses it with."""
        request = GenerationRequest(
            "task",
            prompt=source,
            max_tokens=LONGEST_ANSWER,
            sampling=SamplingSettings(temperature=0.0),
            context_policy=CONTEXT_KEEP_END,
        )
        self._send({"type": "generate", "request": for_task(request, task).to_dict(), "slot": "action"})
        pieces = []
        while (event := self._event())["event"] != "done":
            if event["event"] == "failed":
                raise error_from_kind(event["kind"], event["message"])
            pieces.append(event.get("text", ""))
        return "".join(pieces).strip()

    def _event(self) -> dict[str, Any]:
        while (message := self._read())["type"] != "event":
            _raise_refusal(message)
        event: dict[str, Any] = message["event"]
        return event

    def _send(self, message: Message) -> None:
        pipe = cast(BinaryIO, self._process.stdin)
        try:
            pipe.write(encode_frame(message))
            pipe.flush()
        except BrokenPipeError as error:
            raise EngineStoppedError("the engine's process ended; run `nextstroke selftest`") from error

    def _read(self) -> Message:
        message = read_frame(cast(BinaryIO, self._process.stdout))
        if message is None:
            raise EngineStoppedError("the engine's process ended; run `nextstroke selftest`")
        return message


@contextmanager
def open_engine(folder: Path) -> Iterator[Engine]:
    """The engine with `folder` open; its process ends with the block."""
    command = [sys.executable, "-m", "engine", "host"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield Engine(process, folder)
        finally:
            process.kill()


def answers(folder: Path, task: TaskFormat, sources: Sequence[str]) -> list[str]:
    """One answer a source, in order."""
    with open_engine(folder) as engine:
        return [engine.answer(task, source) for source in sources]


def _raise_refusal(message: Message) -> None:
    if message["type"] == "refused":
        raise error_from_kind(message["kind"], message["message"])
