"""`nextstroke host`: the engine as a child process of the window, frames on standard input and output.

    standard input -> reader thread -> inbox -> this thread -> Host.handle
    Host -> outbox -> writer thread -> what was standard output

Order of start: standard output is moved away, so that nothing a library prints can damage the stream; telemetry off;
lower priority; the reader; ONNX Runtime; "ready"; then messages. When standard input closes, running work is cancelled
and the process ends within a second, whatever a library is doing: the reader waits for nothing but input, and ends the
process itself where this thread does not. Knows pipes and the process; must not know what messages do.
"""

from __future__ import annotations

import argparse
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import BinaryIO, NoReturn

from engine.contracts.errors import EngineError
from engine.contracts.frames import Message, encode_frame, read_frame

NICENESS = 10  # the window's late frames fell from 0.7 % to 0 with it (Linux, two cores)
GRACE_SECONDS = 0.4  # a token takes milliseconds; whatever lasts longer (loading, a copy) is left behind
LAST_SECONDS = 0.7  # from the end of input to the end of the process, at the most
INBOX_BOUND = 1024  # messages are handled at once: more wait only while ONNX Runtime is being imported
FLUSH_SECONDS = 0.1  # of the last answers, for a window that still listens
OUTBOX_BOUND = 4096  # a long generation's worth of tokens: beyond that the window is not reading, and we wait for it


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """No arguments: everything comes in messages."""


def run(arguments: argparse.Namespace) -> int:
    """Serve until standard input closes. Does not return."""
    frames = _take_standard_output()
    _be_a_good_child()
    inbox = Inbox(open(0, "rb", buffering=0, closefd=False))  # noqa: SIM115  open until the process ends
    outbox = Outbox(frames)
    _serve(inbox, outbox)
    outbox.flush(FLUSH_SECONDS)
    _leave(inbox.status)


class Inbox:
    """Messages as they come, read on a thread of their own from the first moment."""

    def __init__(self, stream: BinaryIO) -> None:
        self.status = 0
        self._stream = stream
        self._waiting: queue.Queue[Message | None] = queue.Queue(INBOX_BOUND)
        threading.Thread(target=self._read, name="inbox", daemon=True).start()

    def messages(self) -> Iterator[Message]:
        """Every message until the input ends."""
        while (message := self._waiting.get()) is not None:
            yield message

    def _read(self) -> None:
        try:
            while (message := read_frame(self._stream)) is not None and message["type"] != "shutdown":
                self._waiting.put(message)
        except EngineError as error:
            print(f"error: {error}", file=sys.stderr)
            self.status = 1
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            pass  # then nobody is handling messages, and the end below is the only one
        time.sleep(LAST_SECONDS)
        _leave(self.status)


class Outbox:
    """A bounded queue in front of a pipe, so that the thread that reads is never held up by the one who listens."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._waiting: queue.Queue[bytes] = queue.Queue(OUTBOX_BOUND)
        threading.Thread(target=self._write, name="outbox", daemon=True).start()

    def send(self, message: Message) -> None:
        """Queue a message; waits when the bound is reached."""
        self._waiting.put(encode_frame(message))

    def flush(self, seconds: float) -> None:
        """Wait until everything is written, at most so long."""
        with self._waiting.all_tasks_done:
            self._waiting.all_tasks_done.wait_for(lambda: not self._waiting.unfinished_tasks, seconds)

    def _write(self) -> None:
        while True:
            frame = self._waiting.get()
            try:
                self._stream.write(frame)
                if self._waiting.empty():
                    self._stream.flush()
                self._waiting.task_done()
            except OSError:
                os._exit(0)  # nobody listens any more, so there is nothing left to do


def _serve(inbox: Inbox, outbox: Outbox) -> None:
    from engine.generate import generate
    from engine.host import Host
    from engine.library import open_library
    from engine.loaded_model import engine_versions, load_model

    host = Host(outbox.send, open_library(), load_model, generate)
    host.start()
    outbox.send({"type": "ready", "versions": dict(engine_versions())})
    for message in inbox.messages():
        host.handle(message)
    host.close(GRACE_SECONDS)


def _leave(status: int) -> NoReturn:
    """End at once: neither a library's threads nor a copy in progress may hold the process."""
    sys.stderr.flush()
    os._exit(status)


def _take_standard_output() -> BinaryIO:
    """The real standard output, while file descriptor 1 and `print` lead to standard error from now on."""
    sys.stdout.flush()
    real = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(real, "wb")


def _be_a_good_child() -> None:
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    # Ctrl+C in a terminal reaches the window too, and the window decides what to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "nice"):
        os.nice(NICENESS)
