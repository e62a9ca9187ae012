"""The bridge over the real engine process: a model opened, text streamed, a kill survived, the library changed."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop_app.services.engine_bridge import EngineBridge
from engine.client import EngineClient
from engine.contracts.generation import Done, Event, Failed, Finished, GenerationRequest, Started, Token
from tests.desktop_app.services.qt import delete_now, wait_until
from tests.desktop_app.services.test_engine_bridge import Listener
from tests.support.tiny_graph import TinyShape
from tests.support.tiny_models import write_tiny_model

SECONDS = 60


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that can write for seconds."""
    folder = tmp_path_factory.mktemp("models") / "长 模型"
    write_tiny_model(folder, TinyShape(context=16384))
    return folder


class Clients:
    """Real clients; the last one is kept, to find its process."""

    last: EngineClient

    def __call__(self, *callbacks: object) -> EngineClient:
        self.last = EngineClient(*callbacks)  # type: ignore[arg-type]
        return self.last


@pytest.fixture
def clients() -> Clients:
    return Clients()


@pytest.fixture
def bridge(clients: Clients, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineBridge]:
    monkeypatch.setenv("NEXTSTROKE_PROFILE", str(tmp_path / "资料 profile"))
    made = EngineBridge(clients)
    yield made
    made.stop()
    delete_now(made)


def open_model(bridge: EngineBridge, heard: Listener, model: Path) -> None:
    bridge.open_model(str(model), "cpu", 1)
    bridge.start()
    assert wait_until(lambda: bool(heard.named("model_opened") or heard.named("model_refused")), SECONDS)
    assert heard.named("model_refused") == []


def request(name: str, max_tokens: int) -> GenerationRequest:
    return GenerationRequest(name, "the cat", max_tokens=max_tokens, ignore_end_of_text=True, ticket={"revision": 7})


def of(heard: Listener, kind: type[Event], name: str) -> list[Event]:
    return [event for event in heard.events if isinstance(event, kind) and event.request_id == name]


def test_a_generation_streams_through_the_bridge(bridge: EngineBridge, model: Path):
    heard = Listener(bridge)
    open_model(bridge, heard, model)
    bridge.generate(request("a", 40))
    assert wait_until(lambda: bool(of(heard, Done, "a")), SECONDS)
    assert len(of(heard, Started, "a")) == 1
    assert len(of(heard, Token, "a")) == 40
    (finished,) = of(heard, Finished, "a")
    assert isinstance(finished, Finished)
    assert finished.usage.output_tokens == 40
    assert dict(finished.ticket) == {"revision": 7}


def test_a_cancelled_generation_ends_as_cancelled(bridge: EngineBridge, model: Path):
    heard = Listener(bridge)
    open_model(bridge, heard, model)
    bridge.generate(request("long", 16000))
    assert wait_until(lambda: bool(of(heard, Token, "long")), SECONDS)
    bridge.cancel("long")
    assert wait_until(lambda: bool(of(heard, Done, "long")), SECONDS)
    (finished,) = of(heard, Finished, "long")
    assert isinstance(finished, Finished)
    assert finished.reason == "cancelled"


@pytest.mark.skipif(os.name != "posix", reason="processes are killed in another way on Windows")
def test_a_killed_engine_comes_back_with_its_model(bridge: EngineBridge, clients: Clients, model: Path):
    heard = Listener(bridge)
    open_model(bridge, heard, model)
    bridge.generate(request("cut", 16000))
    assert wait_until(lambda: bool(of(heard, Token, "cut")), SECONDS)
    process = clients.last.process_id
    assert process is not None
    os.kill(process, signal.SIGKILL)
    assert wait_until(lambda: len(heard.named("model_opened")) == 2, SECONDS)
    (failed,) = of(heard, Failed, "cut")
    assert isinstance(failed, Failed)
    assert failed.kind == "EngineStoppedError"
    assert of(heard, Done, "cut") == []
    bridge.generate(request("after", 3))
    assert wait_until(lambda: bool(of(heard, Done, "after")), SECONDS)


def test_a_model_is_added_listed_and_removed(bridge: EngineBridge, model: Path, tmp_path: Path):
    heard = Listener(bridge)
    bridge.start()
    assert wait_until(lambda: bridge.is_ready, SECONDS)
    adding = bridge.add_model(str(model))
    assert wait_until(lambda: bool(heard.named("model_added") or heard.named("operation_failed")), SECONDS)
    assert heard.named("model_added") == [["长 模型"]]
    assert all(values[0] == adding for values in heard.named("operation_progress"))
    assert (tmp_path / "资料 profile" / "data" / "models" / "长 模型" / "nextstroke.json").is_file()
    bridge.list_models()
    assert wait_until(lambda: bool(heard.named("models_listed")), SECONDS)
    assert "长 模型" in [row["name"] for row in heard.named("models_listed")[0][0]]
    bridge.remove_model("长 模型")
    assert wait_until(lambda: heard.named("model_removed") == [["长 模型"]], SECONDS)


def test_a_folder_that_is_no_model_is_refused_in_words(bridge: EngineBridge, tmp_path: Path):
    heard = Listener(bridge)
    bridge.open_model(str(tmp_path))
    bridge.start()
    assert wait_until(lambda: bool(heard.named("model_refused")), SECONDS)
    assert "no model folder" in heard.named("model_refused")[0][0]
