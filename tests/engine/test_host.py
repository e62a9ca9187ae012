"""The host in-process, with a stand-in for the model: what is accepted, refused, cancelled, and how it ends."""

import queue
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.contracts.errors import EngineError, ModelFolderError, PromptTooLongError
from engine.contracts.generation import Done, Event, GenerationRequest, Started, Token
from engine.host import Host
from engine.job_queue import ACTIONS_BOUND
from engine.library import ModelLibrary
from tests.engine.model_folders import write_model_folder

WAIT_SECONDS = 10


@dataclass
class FakeModel:
    """As much of a loaded model as the host looks at."""

    folder: Path
    sessions: int = 0

    @property
    def device(self) -> Any:
        return SimpleNamespace(name="cpu", note="", kernel_class="test")

    @property
    def manifest(self) -> Any:
        return SimpleNamespace(context_length=64, languages=("en",), certificate={})

    def new_sessions(self) -> int:
        self.sessions += 1
        return self.sessions


def fake_generate(
    model: FakeModel, session: int, request: GenerationRequest, is_cancelled: Callable[[], bool]
) -> Iterator[Event]:
    """Prompts are orders: "forever" runs until it is cancelled, "crash" and "refuse" fail, anything else is echoed."""
    if request.prompt == "refuse":
        raise PromptTooLongError("too long")
    yield Started(request.id, request.ticket, 0, 1)
    if request.prompt == "crash":
        raise ZeroDivisionError("of the engine")
    while request.prompt == "forever" and not is_cancelled():
        yield Token(request.id, request.ticket, 0, 0, 1, "…", -1.0)
        time.sleep(0.001)
    yield Token(request.id, request.ticket, 0, 0, session, request.prompt or "", -1.0)
    yield Done(request.id, request.ticket)


class Running:
    """A started host with its answers."""

    def __init__(self, tmp_path: Path) -> None:
        self.bundled = tmp_path / "bundled"
        write_model_folder(self.bundled / "tiny")
        self.answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self.loads: list[tuple[Path, str, int | None]] = []
        self.host = Host(
            self.answers.put,
            ModelLibrary(self.bundled, tmp_path / "models"),
            self.load,  # type: ignore[arg-type]
            fake_generate,  # type: ignore[arg-type]
        )
        self.host.start()

    def load(self, folder: Path, device: str, threads: int | None) -> FakeModel:
        self.loads.append((folder, device, threads))
        if "damaged" in folder.name:
            raise ModelFolderError("damaged")
        return FakeModel(folder)

    def tell(self, kind: str, **fields: Any) -> None:
        self.host.handle({"type": kind, **fields})

    def open(self) -> dict[str, Any]:
        self.tell("open", id="o", model=None, device="auto", threads=None)
        return self.wait_for(lambda answer: answer["type"] in ("opened", "refused"))

    def generate(self, name: str, prompt: str = "hello", slot: str = "action") -> None:
        request = GenerationRequest(name, prompt, ticket={"revision": name})
        self.tell("generate", request=request.to_dict(), slot=slot)

    def wait_for(self, is_wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            answer = self.answers.get(timeout=max(0.01, deadline - time.monotonic()))
            if is_wanted(answer):
                return answer

    def end_of(self, name: str) -> dict[str, Any]:
        def is_end(answer: dict[str, Any]) -> bool:
            event = answer.get("event", {})
            return event.get("request_id") == name and event.get("event") in ("done", "failed")

        event: dict[str, Any] = self.wait_for(is_end)["event"]
        return event


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    yield made
    assert made.host.close(5)


def test_opening_twice_loads_once_and_keeps_the_session(running: Running) -> None:
    assert running.open()["name"] == "tiny"
    assert running.open()["context_length"] == 64
    assert len(running.loads) == 1
    for name in ("a", "b"):
        running.generate(name)
        token = running.wait_for(lambda answer: answer.get("event", {}).get("event") == "token")["event"]
        assert token["id"] == 1  # the first session of that model
        assert token["ticket"] == {"revision": name}


def test_a_damaged_model_leaves_the_open_one_in_use(running: Running) -> None:
    running.open()
    (running.bundled / "damaged").mkdir()
    running.tell("open", id="x", model=str(running.bundled / "damaged"))
    refusal = running.wait_for(lambda answer: answer["type"] == "refused")
    assert refusal == {"type": "refused", "id": "x", "kind": "ModelFolderError", "message": "damaged"}
    running.generate("a")
    assert running.end_of("a")["event"] == "done"


def test_without_a_model_a_generation_fails_in_words(running: Running) -> None:
    running.generate("a")
    end = running.end_of("a")
    assert (end["kind"], end["ticket"]) == ("ModelFolderError", {"revision": "a"})


def test_failures_are_said_and_the_next_request_works(running: Running) -> None:
    running.open()
    for prompt, kind in (("refuse", "PromptTooLongError"), ("crash", "EngineError")):
        running.generate(prompt, prompt)
        assert running.end_of(prompt)["kind"] == kind
    running.generate("after")
    token = running.wait_for(lambda answer: answer.get("event", {}).get("event") == "token")["event"]
    assert token["id"] == 2  # a new session after the crash, whose state nobody knows


def test_cancelling_is_quick(running: Running) -> None:
    running.open()
    running.generate("long", "forever")
    running.wait_for(lambda answer: answer.get("event", {}).get("event") == "token")
    begin = time.monotonic()
    running.tell("cancel", id="long")
    assert running.end_of("long")["event"] == "done"
    assert time.monotonic() - begin < 0.1


def test_waiting_generations_end_when_cancelled_or_pushed_out(running: Running) -> None:
    running.open()
    running.generate("long", "forever")
    running.generate("waiting")
    running.generate("ghost 1", slot="suggestion")
    running.generate("ghost 2", slot="suggestion")
    assert running.end_of("ghost 1")["event"] == "done"
    running.tell("cancel", id="waiting")
    assert running.end_of("waiting")["event"] == "done"
    running.tell("cancel", id="long")
    assert running.end_of("ghost 2")["event"] == "done"


def test_too_many_actions_are_refused(running: Running) -> None:
    running.open()
    running.generate("long", "forever")
    running.wait_for(lambda answer: answer.get("event", {}).get("event") == "started")
    for number in range(ACTIONS_BOUND):
        running.generate(str(number))
    running.generate("late")
    assert running.end_of("late")["kind"] == "EngineBusyError"
    running.tell("cancel", id="long")
    assert running.end_of(str(ACTIONS_BOUND - 1))["event"] == "done"


def test_the_library_answers_while_a_generation_runs(running: Running, tmp_path: Path) -> None:
    running.open()
    running.generate("long", "forever")
    running.tell("add_model", id="add", path=str(write_model_folder(tmp_path / "我的 模型")))
    added = running.wait_for(lambda answer: answer["type"] == "model_added")
    assert added["name"] == "我的 模型"
    running.tell("models", id="m")
    listed = running.wait_for(lambda answer: answer["type"] == "models")["models"]
    assert [(model["name"], model["bundled"]) for model in listed] == [("tiny", True), ("我的 模型", False)]
    running.tell("remove_model", id="r", name="我的 模型")
    running.wait_for(lambda answer: answer["type"] == "model_removed")
    running.tell("remove_model", id="r2", name="我的 模型")
    assert running.wait_for(lambda answer: answer["type"] == "refused")["id"] == "r2"
    running.tell("cancel", id="long")


def test_closing_ends_a_running_generation(running: Running) -> None:
    running.open()
    running.generate("long", "forever")
    running.wait_for(lambda answer: answer.get("event", {}).get("event") == "token")
    begin = time.monotonic()
    assert running.host.close(5)
    assert time.monotonic() - begin < 0.5


def odd_messages(count: int) -> Iterator[dict[str, Any]]:
    dice = random.Random(2)
    values: list[Any] = [None, -1, 0, 1e400, "", "x", "下", "\ud800", [], {}, [[]], {"a": None}, True, 2**70]
    kinds = ["open", "generate", "cancel", "models", "add_model", "remove_model", "", "nonsense"]
    names = ["id", "model", "device", "threads", "request", "slot", "path", "name"]
    request = GenerationRequest("r", "x").to_dict()
    for _ in range(count):
        fields = {name: dice.choice(values) for name in dice.sample(names, dice.randrange(len(names)))}
        if dice.random() < 0.5:
            fields["request"] = {**request, dice.choice([*request, "unknown"]): dice.choice(values)}
        yield {"type": dice.choice(kinds), **fields}


def test_odd_messages_are_refused_and_nothing_gets_stuck(running: Running) -> None:
    running.open()
    for message in odd_messages(500):
        running.host.handle(message)
    done = threading.Event()

    def is_last(answer: dict[str, Any]) -> bool:
        return answer.get("id") == "last"

    while not done.is_set():  # the queue may be full of odd jobs for a moment
        running.tell("open", id="last", model=None)
        answer = running.wait_for(is_last)
        if answer["type"] == "opened":
            done.set()
        else:
            assert answer["kind"] == "EngineBusyError"
    running.generate("after")
    assert running.end_of("after")["event"] == "done"


def test_words_of_an_engine_error_pass_unchanged(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(folder: Path, device: str, threads: int | None) -> FakeModel:
        raise EngineError("one line")

    monkeypatch.setattr(running.host, "_load", refuse)
    assert running.open()["message"] == "one line"
