"""The client's side of the pipe, against a stand-in engine of a few lines."""

import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.client import EngineClient, engine_command, engine_environment
from engine.contracts.errors import EngineStoppedError

STAND_IN = """
import os, sys, time
from engine.contracts.frames import encode_frame, read_frame
def answer(message):
    sys.stdout.buffer.write(encode_frame(message)); sys.stdout.buffer.flush()
answer({"type": "ready", "telemetry": os.environ["ORT_DISABLE_TELEMETRY"]})
while (message := read_frame(sys.stdin.buffer)) is not None:
    match message["type"]:
        case "die": print("last words: 再见", file=sys.stderr, flush=True); os._exit(7)
        case "noise": sys.stdout.buffer.write(b"\\xff\\xff\\xff\\xffnot a frame"); sys.stdout.buffer.flush()
        case "hang": time.sleep(60)
        case _: answer(message)
"""
WAIT_SECONDS = 20


class Listener:
    """Keeps what the client reports."""

    def __init__(self) -> None:
        self.messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self.exits: queue.Queue[tuple[int, str]] = queue.Queue()

    def on_exit(self, code: int, last_words: str) -> None:
        self.exits.put((code, last_words))


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def client(listener: Listener) -> Iterator[EngineClient]:
    made = EngineClient(listener.messages.put, listener.on_exit, [sys.executable, "-c", STAND_IN])
    yield made
    made.stop()


def start(client: EngineClient, listener: Listener) -> None:
    client.start()
    assert listener.messages.get(timeout=WAIT_SECONDS) == {"type": "ready", "telemetry": "1"}


def test_messages_come_back_in_order(client: EngineClient, listener: Listener) -> None:
    start(client, listener)
    sent = [{"type": "echo", "number": number, "text": "下一笔 \U0001f58c " * number} for number in range(200)]
    for message in sent:
        client.send(message)
    assert [listener.messages.get(timeout=WAIT_SECONDS) for _ in sent] == sent


def test_a_death_is_reported_once_and_a_new_start_works(client: EngineClient, listener: Listener) -> None:
    start(client, listener)
    client.send({"type": "die"})
    assert listener.exits.get(timeout=WAIT_SECONDS) == (7, "last words: 再见")
    assert not client.is_running
    with pytest.raises(EngineStoppedError):
        client.send({"type": "echo"})
    start(client, listener)
    client.send({"type": "echo"})
    assert listener.messages.get(timeout=WAIT_SECONDS) == {"type": "echo"}
    assert listener.exits.empty()


def test_a_damaged_stream_ends_the_process(client: EngineClient, listener: Listener) -> None:
    start(client, listener)
    client.send({"type": "noise"})
    _, last_words = listener.exits.get(timeout=WAIT_SECONDS)
    assert "damaged" in last_words


def test_stopping_is_quiet_and_kills_what_does_not_leave(client: EngineClient, listener: Listener) -> None:
    start(client, listener)
    client.send({"type": "hang"})
    process_id = client.process_id
    assert process_id is not None
    begin = time.monotonic()
    client.stop()
    assert time.monotonic() - begin < 5
    assert not Path(f"/proc/{process_id}").exists() or sys.platform != "linux"
    assert listener.exits.empty()


def test_after_stopping_no_thread_holds_a_pipe(client: EngineClient, listener: Listener) -> None:
    # One that does while the interpreter ends makes the whole process end by SIGABRT.
    before = set(threading.enumerate())
    start(client, listener)
    client.send({"type": "hang"})
    mine = set(threading.enumerate()) - before
    assert len(mine) == 3
    client.stop()
    assert not mine & set(threading.enumerate())


def test_sending_never_waits_for_an_engine_that_does_not_read(client: EngineClient, listener: Listener) -> None:
    start(client, listener)
    client.send({"type": "hang"})
    begin = time.monotonic()
    for _ in range(50):
        client.send({"type": "echo", "text": "x" * 100_000})
    assert time.monotonic() - begin < 2


def test_a_program_that_is_not_there_is_said_in_one_line(listener: Listener) -> None:
    client = EngineClient(listener.messages.put, listener.on_exit, ["/nowhere/no such program"])
    with pytest.raises(EngineStoppedError, match="cannot be started"):
        client.start()
    assert not client.is_running


def test_the_child_inherits_no_handles(listener: Listener, tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("/proc/self/fd is Linux's")
    program = (
        "import os, sys; from engine.contracts.frames import encode_frame as e\n"
        "names = [os.path.realpath(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')]\n"
        "sys.stdout.buffer.write(e({'type': 'open', 'names': [n for n in names if 'held' in n]}))"
    )
    with (tmp_path / "held").open("wb") as held:
        os.set_inheritable(held.fileno(), True)
        client = EngineClient(listener.messages.put, listener.on_exit, [sys.executable, "-c", program])
        client.start()
        try:
            assert listener.messages.get(timeout=WAIT_SECONDS) == {"type": "open", "names": []}
        finally:
            client.stop()


def test_the_command_and_environment_do_not_depend_on_the_current_folder(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine_command() == [sys.executable, "-P", "-m", "desktop_app", "host"]
    environment = engine_environment({"PYTHONPATH": "/other"})
    assert environment["PYTHONPATH"].split(os.pathsep) == [str(root), "/other"]
    assert environment["ORT_DISABLE_TELEMETRY"] == "1"
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert engine_command() == [sys.executable, "host"]
