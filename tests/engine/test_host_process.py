"""The real engine process behind the real client: killed, closed, flooded, cancelled, and always back."""

import os
import queue
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.client import EngineClient, engine_command, engine_environment
from engine.contracts.frames import encode_frame, read_frame
from engine.contracts.generation import GenerationRequest
from tests.support.tiny_graph import TinyShape
from tests.support.tiny_models import write_tiny_model

WAIT_SECONDS = 60


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that can write for seconds."""
    folder = tmp_path_factory.mktemp("models") / "长 模型"
    write_tiny_model(folder, TinyShape(context=16384))
    return folder


class Window:
    """As much of the window as talks to the engine."""

    def __init__(self, model: Path) -> None:
        self.model = model
        self.messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self.exits: queue.Queue[tuple[int, str]] = queue.Queue()
        self.client = EngineClient(self.messages.put, lambda code, words: self.exits.put((code, words)))

    def start(self) -> None:
        self.client.start()
        self.wait_for("ready")
        self.client.send({"type": "open", "id": "o", "model": str(self.model), "device": "cpu", "threads": 1})
        self.wait_for("opened")

    def generate(self, name: str, max_tokens: int = 16000, prompt: str = "the cat") -> None:
        request = GenerationRequest(name, prompt, max_tokens=max_tokens, ignore_end_of_text=True)
        self.client.send({"type": "generate", "request": request.to_dict(), "slot": "action"})

    def wait_for(self, kind: str) -> dict[str, Any]:
        """The next message of that type, or the next event of that name."""
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            message = self.messages.get(timeout=max(0.01, deadline - time.monotonic()))
            event = message.get("event", {})
            if kind in (message["type"], event.get("event")):
                return event or message


@pytest.fixture
def window(endless: Path) -> Iterator[Window]:
    made = Window(endless)
    yield made
    made.client.stop()


@pytest.mark.skipif(os.name != "posix", reason="processes are killed in another way on Windows")
def test_a_kill_in_the_middle_of_a_generation_is_told_and_a_new_start_works(window: Window) -> None:
    for _ in range(2):
        window.start()
        window.generate("long")
        window.wait_for("token")
        assert window.client.process_id is not None
        os.kill(window.client.process_id, signal.SIGKILL)
        assert window.exits.get(timeout=WAIT_SECONDS)[0] == -signal.SIGKILL
        assert not window.client.is_running
        while not window.messages.empty():
            window.messages.get()
    window.start()
    window.generate("after", max_tokens=5)
    assert window.wait_for("finished")["usage"]["output_tokens"] == 5
    assert window.exits.empty()


def test_cancelling_takes_less_than_100_ms_and_a_token(window: Window) -> None:
    window.start()
    delays_ms: list[float] = []
    for number in range(20):
        window.generate(str(number))
        window.wait_for("token")
        begin = time.perf_counter()
        window.client.send({"type": "cancel", "id": str(number)})
        assert window.wait_for("finished")["reason"] == "cancelled"
        window.wait_for("done")
        delays_ms.append(1000 * (time.perf_counter() - begin))
    print(f"cancel latency ms: median {sorted(delays_ms)[10]:.1f}, worst {max(delays_ms):.1f}")
    assert sorted(delays_ms)[10] < 100


def test_requests_share_the_cache_of_the_one_before(window: Window) -> None:
    window.start()
    reused = []
    for name, prompt in (("a", "the cat sat on a mat "), ("b", "the cat sat on a mat and saw ")):
        window.generate(name, 2, prompt)
        reused.append(window.wait_for("started")["reused"])
        window.wait_for("done")
    assert reused[0] == 0
    assert reused[1] > 3


def start_host() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        engine_command(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=engine_environment(),
    )


def test_the_process_ends_within_a_second_of_its_pipe_closing(endless: Path) -> None:
    """In the middle of a generation, of loading, of nothing, and of its own start."""
    opening = encode_frame({"type": "open", "id": "o", "model": str(endless)})
    request = GenerationRequest("g", "the cat", max_tokens=16000, ignore_end_of_text=True)
    generating = encode_frame({"type": "generate", "request": request.to_dict()})
    for sent, awaited in ((b"", "ready"), (opening, "ready"), (opening + generating, "event"), (opening, None)):
        with start_host() as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(sent)
            process.stdin.flush()
            while awaited and (message := read_frame(process.stdout)) is not None and message["type"] != awaited:
                pass
            begin = time.monotonic()
            process.stdin.close()
            process.stdout.read()
            assert process.wait(WAIT_SECONDS) == 0
            # Python's own start, which nothing of ours can shorten, comes on top where it had not ended.
            assert time.monotonic() - begin < (1.0 if awaited else 3.0)


def test_odd_messages_neither_hang_nor_end_the_process(window: Window, tmp_path: Path) -> None:
    window.start()
    dice = random.Random(3)
    values: list[Any] = [
        None,
        -1,
        1e308,
        "",
        "x",
        "下",
        "\ud800",
        [],
        {},
        [[]],
        {"a": None},
        True,
        2**70,
        "x" * 100_000,
    ]
    kinds = ["open", "generate", "cancel", "models", "add_model", "remove_model", "", "nonsense", "ready"]
    request = GenerationRequest("odd", "x", max_tokens=2).to_dict()
    for number in range(200):
        fields = {name: dice.choice(values) for name in ("id", "model", "device", "threads", "slot", "path", "name")}
        body = dict(dice.sample(sorted(fields.items()), dice.randrange(len(fields))))
        if dice.random() < 0.5:
            body["request"] = {**request, dice.choice([*request, "unknown"]): dice.choice(values)}
        window.client.send({"type": dice.choice(kinds), **body})
        if number % 20 == 0:
            time.sleep(0.01)
    deadline = time.monotonic() + WAIT_SECONDS
    window.client.send({"type": "cancel", "id": "odd"})
    while time.monotonic() < deadline:  # the queue may be full of odd jobs for a moment
        window.client.send({"type": "open", "id": "last", "model": str(window.model)})
        answer = window.messages.get(timeout=WAIT_SECONDS)
        while answer.get("id") != "last":
            answer = window.messages.get(timeout=WAIT_SECONDS)
        if answer["type"] == "opened":
            break
    window.generate("after", max_tokens=3)
    while window.wait_for("finished")["request_id"] != "after":
        pass
    assert window.exits.empty()


def test_a_library_that_never_returns_does_not_hold_the_process() -> None:
    program = (
        "import time, engine.library, engine.commands.host as host\n"
        "engine.library.open_library = lambda: time.sleep(60)\n"
        "host.run(None)"
    )
    begin = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], input=b"", env=engine_environment(), check=False)
    assert done.returncode == 0
    assert time.monotonic() - begin < 20


def test_a_damaged_stream_ends_the_process_with_words(endless: Path) -> None:
    done = subprocess.run(
        engine_command(), input=b"\xff\xff\xff\xff", capture_output=True, env=engine_environment(), check=False
    )
    assert done.returncode == 1
    assert b"damaged" in done.stderr


def test_what_a_library_prints_never_enters_the_stream() -> None:
    program = (
        "import os, engine.library, engine.commands.host as host\n"
        "before = engine.library.open_library\n"
        "def noisy():\n"
        "    print('stray words'); os.write(1, b'stray bytes')\n"
        "    return before()\n"
        "engine.library.open_library = noisy\n"
        "host.run(None)"
    )
    command = [sys.executable, "-c", program]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, env=engine_environment(), **pipes) as process:
        assert process.stdout is not None
        ready = read_frame(process.stdout)
        rest, words = process.communicate()
    assert ready is not None
    assert ready["type"] == "ready"
    assert rest == b""
    assert b"stray words" in words
    assert b"stray bytes" in words
