"""The engine as a child process: starts it, speaks frames with it over pipes, and says when it is gone.

    window --send()--> queue --writer thread--> child's stdin
    window <--on_message()------ reader thread <-- child's stdout
                                 stderr thread <-- child's stderr (its last lines explain a death)

Whether to start again after a death is the caller's decision: `start()` may be called again. Knows processes, pipes and
frames; must not know Qt, numpy, or what a message means.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from engine.contracts.errors import EngineBusyError, EngineError, EngineStoppedError
from engine.contracts.frames import encode_frame, read_frame

OUTBOX_BOUND = 1024  # a window sends a few messages a second: more waiting means that the engine does not read at all
STDERR_LINES = 40  # enough for the last words of a crash
LEAVE_SECONDS = 1.5  # the engine ends within a second of its pipe closing; then it is killed
TELEMETRY_OFF = {"ORT_DISABLE_TELEMETRY": "1"}


def own_command(word: str) -> list[str]:
    """The command that starts a part of this program: the packaged program itself, or this Python with its source."""
    if getattr(sys, "frozen", False):
        return [sys.executable, word]
    # -P: a folder named "engine" where the window happens to be started must not be imported instead.
    return [sys.executable, "-P", "-m", "desktop_app", word]


def with_source(environment: Mapping[str, str]) -> dict[str, str]:
    """The same environment, in which our modules are found from any working folder."""
    roots = [str(Path(__file__).resolve().parents[1]), environment.get("PYTHONPATH", "")]
    return {**environment, "PYTHONPATH": os.pathsep.join(root for root in roots if root)}


def engine_command() -> list[str]:
    """The command that starts the engine."""
    return own_command("host")


def engine_environment(inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """The child's environment: telemetry off before ONNX Runtime is imported, modules found from any folder."""
    environment = dict(os.environ if inherited is None else inherited) | TELEMETRY_OFF
    return environment if getattr(sys, "frozen", False) else with_source(environment)


class EngineClient:
    """One engine process at a time.

    `on_message` and `on_exit` are called on the client's own threads. `on_exit(code, last_words)` comes once for each
    process that ended without `stop()`; after `stop()` nothing is called any more.
    """

    def __init__(
        self,
        on_message: Callable[[dict[str, Any]], None],
        on_exit: Callable[[int, str], None],
        command: Sequence[str] | None = None,
    ) -> None:
        self._on_message = on_message
        self._on_exit = on_exit
        self._command = list(command) if command is not None else engine_command()
        self._child: _Child | None = None

    @property
    def is_running(self) -> bool:
        """Whether a process was started that has not been seen to end."""
        return self._child is not None and self._child.is_alive

    @property
    def process_id(self) -> int | None:
        """The child's process id, while it runs."""
        return self._child.process.pid if self._child is not None and self._child.is_alive else None

    def start(self) -> None:
        """Start the process. Raises `EngineStoppedError` when the system refuses."""
        if self.is_running:
            return
        try:
            self._child = _Child(self._command, self._on_message, self._on_exit)
        except OSError as error:
            raise EngineStoppedError(f"the engine cannot be started ({error}); install the program again") from error

    def send(self, message: Mapping[str, Any]) -> None:
        """Hand a message to the engine without waiting.

        Raises `EngineStoppedError` when there is no engine, `EngineBusyError` when it has stopped reading.
        """
        if self._child is None or not self._child.is_alive:
            raise EngineStoppedError("the engine is not running; start it again")
        self._child.send(encode_frame(dict(message)))

    def stop(self) -> None:
        """End the process: close its input, wait at most 1.5 seconds, then kill it."""
        if self._child is not None:
            self._child.stop()
            self._child = None


class _Child:
    """One run of the engine process with its three threads."""

    def __init__(
        self,
        command: Sequence[str],
        on_message: Callable[[dict[str, Any]], None],
        on_exit: Callable[[int, str], None],
    ) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=engine_environment(),
            close_fds=True,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._on_message = on_message
        self._on_exit = on_exit
        self._outbox: queue.Queue[bytes | None] = queue.Queue(OUTBOX_BOUND)
        self._last_words: deque[str] = deque(maxlen=STDERR_LINES)
        self._is_wanted = True
        self._has_ended = False
        self._threads: list[threading.Thread] = []
        self._stderr_thread = self._thread(self._keep_last_words, "engine stderr")
        self._thread(self._write, "engine writer")
        self._thread(self._read, "engine reader")

    @property
    def is_alive(self) -> bool:
        return not self._has_ended

    def send(self, frame: bytes) -> None:
        try:
            self._outbox.put_nowait(frame)
        except queue.Full:
            raise EngineBusyError("the engine does not take any more messages; stop it and start it again") from None

    def stop(self) -> None:
        self._is_wanted = False
        try:
            self._outbox.put_nowait(None)  # the writer closes the pipe behind what is still to be written
        except queue.Full:
            self.process.kill()
        self._wait()
        # A thread that still holds a pipe while the interpreter ends makes it end by SIGABRT.
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(LEAVE_SECONDS)

    def _wait(self) -> int:
        try:
            return self.process.wait(LEAVE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def _thread(self, target: Callable[[], None], name: str) -> threading.Thread:
        thread = threading.Thread(target=target, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _write(self) -> None:
        pipe = _pipe(self.process.stdin)
        try:
            while (frame := self._outbox.get()) is not None:
                pipe.write(frame)
                pipe.flush()
        except OSError:
            pass  # the process is gone: the reader sees its end and says so
        try:
            pipe.close()
        except OSError:
            pass  # closing flushes, and there is nobody left to flush to

    def _read(self) -> None:
        pipe = _pipe(self.process.stdout)
        try:
            while (message := read_frame(pipe)) is not None:
                if self._is_wanted:
                    self._on_message(message)
        except EngineError as error:
            self._last_words.append(str(error))
            self.process.kill()
        pipe.close()
        code = self._wait()
        self._stderr_thread.join(LEAVE_SECONDS)
        self._has_ended = True
        try:
            self._outbox.put_nowait(None)  # lets the writer go
        except queue.Full:
            pass  # then it is writing, and the closed pipe ends it
        if self._is_wanted:
            self._on_exit(code, "\n".join(self._last_words))

    def _keep_last_words(self) -> None:
        pipe = _pipe(self.process.stderr)
        for line in pipe:
            self._last_words.append(line.decode("utf-8", "replace").rstrip())
        pipe.close()


def _pipe(stream: IO[bytes] | None) -> BinaryIO:
    assert stream is not None  # all three are asked for above
    return cast(BinaryIO, stream)
