"""The bridge keeps its promises: one end a request, batches a frame, restarts with a bound, late answers dropped."""

import threading
from collections.abc import Iterator

import pytest

from desktop_app.services.engine_bridge import EngineBridge
from engine.contracts.errors import EngineStoppedError
from engine.contracts.generation import Done, Event, Failed, GenerationRequest, Progress, Started, Token
from tests.desktop_app.services.fake_client import FakeClients
from tests.desktop_app.services.qt import delete_now, run_for, wait_until

READY = {"type": "ready", "versions": {"program": "0"}}


class Listener:
    """Everything that the bridge says, in order."""

    def __init__(self, bridge: EngineBridge) -> None:
        self.said: list[tuple] = []
        self.batches: list[list[Event]] = []
        self.threads: set[int] = set()
        for name in ("engine_ready", "engine_lost", "model_opened", "model_refused", "models_listed", "model_added"):
            getattr(bridge, name).connect(lambda *values, name=name: self.hear(name, *values))
        for name in ("model_removed", "operation_failed", "operation_progress"):
            getattr(bridge, name).connect(lambda *values, name=name: self.hear(name, *values))
        bridge.events.connect(self.hear_events)

    def hear(self, name: str, *values: object) -> None:
        self.threads.add(threading.get_ident())
        self.said.append((name, *values))

    def hear_events(self, batch: list[Event]) -> None:
        self.threads.add(threading.get_ident())
        self.batches.append(batch)

    @property
    def events(self) -> list[Event]:
        return [event for batch in self.batches for event in batch]

    def named(self, name: str) -> list[tuple]:
        return [values for said, *values in self.said if said == name]


@pytest.fixture
def clients() -> FakeClients:
    return FakeClients()


@pytest.fixture
def bridge(clients: FakeClients, monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineBridge]:
    monkeypatch.setattr("desktop_app.services.engine_bridge.RESTART_PAUSES_MS", (5, 5, 5))
    made = EngineBridge(clients)
    yield made
    made.stop()
    delete_now(made)


@pytest.fixture
def heard(bridge: EngineBridge) -> Listener:
    return Listener(bridge)


def event(value: Event) -> dict:
    return {"type": "event", "event": value.to_dict()}


def token(request_id: str, index: int) -> dict:
    return event(Token(request_id, {}, 0, index, 5, "字", -1.5))


def request(request_id: str) -> GenerationRequest:
    return GenerationRequest(request_id, prompt="从前", ticket={"revision": 3})


def make_ready(bridge: EngineBridge, clients: FakeClients) -> None:
    bridge.start()
    clients.last.say(READY)
    assert wait_until(lambda: bridge.is_ready)


def test_signals_come_on_the_thread_of_the_bridge(bridge: EngineBridge, clients: FakeClients, heard: Listener):
    make_ready(bridge, clients)
    bridge.generate(request("a"))
    clients.last.say(event(Started("a", {}, 0, 3)), token("a", 0), event(Done("a", {})))
    assert wait_until(lambda: len(heard.events) == 3)
    assert heard.threads == {threading.get_ident()}
    assert heard.named("engine_ready") == [[{"program": "0"}]]


def test_a_burst_of_events_arrives_in_few_batches_in_order(bridge: EngineBridge, clients: FakeClients, heard: Listener):
    make_ready(bridge, clients)
    bridge.generate(request("a"))
    clients.last.say(*[token("a", index) for index in range(1000)])
    assert wait_until(lambda: len(heard.events) == 1000)
    assert [event.index for event in heard.events if isinstance(event, Token)] == list(range(1000))
    assert len(heard.batches) <= 3


def test_the_model_is_opened_when_the_engine_is_ready(bridge: EngineBridge, clients: FakeClients, heard: Listener):
    bridge.open_model("novel", "cpu", 2)
    bridge.start()
    assert clients.last.sent == []
    clients.last.say(READY)
    assert wait_until(lambda: bool(clients.last.of_type("open")))
    (sent,) = clients.last.of_type("open")
    assert (sent["model"], sent["device"], sent["threads"]) == ("novel", "cpu", 2)
    opened = {"type": "opened", "id": sent["id"], "name": "novel", "device": "cpu", "device_note": ""}
    clients.last.say(opened)
    assert wait_until(lambda: heard.named("model_opened") == [[opened]])


def test_only_the_answer_to_the_latest_open_counts(bridge: EngineBridge, clients: FakeClients, heard: Listener):
    make_ready(bridge, clients)
    bridge.open_model("first")
    bridge.open_model("second")
    first, second = clients.last.of_type("open")
    clients.last.say({"type": "refused", "id": first["id"], "kind": "ModelFolderError", "message": "no"})
    clients.last.say({"type": "opened", "id": second["id"], "name": "second"})
    assert wait_until(lambda: bool(heard.named("model_opened")))
    assert heard.named("model_refused") == []


def test_a_refused_model_is_said_once(bridge: EngineBridge, clients: FakeClients, heard: Listener):
    make_ready(bridge, clients)
    bridge.open_model("damaged")
    (sent,) = clients.last.of_type("open")
    clients.last.say({"type": "refused", "id": sent["id"], "kind": "ModelFolderError", "message": "it is damaged"})
    assert wait_until(lambda: heard.named("model_refused") == [["it is damaged", "ModelFolderError"]])


def test_operations_answer_under_their_id(bridge: EngineBridge, clients: FakeClients, heard: Listener):
    make_ready(bridge, clients)
    listing, adding, removing = bridge.list_models(), bridge.add_model("/模型 一"), bridge.remove_model("old")
    rows = [{"name": "novel", "usable": True}]
    clients.last.say(
        {"type": "models", "id": listing, "models": rows},
        {"type": "progress", "id": adding, "done": 5_000_000_000, "total": 9_000_000_000},
        {"type": "model_added", "id": adding, "name": "novel", "folder": "/x"},
        {"type": "refused", "id": removing, "kind": "ModelFolderError", "message": "there is no model old"},
    )
    assert wait_until(lambda: bool(heard.named("operation_failed")))
    assert heard.named("models_listed") == [[rows]]
    assert heard.named("operation_progress") == [[adding, 5_000_000_000, 9_000_000_000]]
    assert heard.named("model_added") == [["novel"]]
    assert heard.named("operation_failed") == [[removing, "there is no model old", "ModelFolderError"]]


def test_a_crash_ends_every_request_once_and_the_engine_comes_back(
    bridge: EngineBridge, clients: FakeClients, heard: Listener
):
    bridge.open_model("novel")
    make_ready(bridge, clients)
    for name in ("a", "b", "done"):
        bridge.generate(request(name))
    operation = bridge.list_models()
    clients.last.say(event(Started("a", {}, 0, 3)), token("a", 0), event(Done("done", {})))
    clients.last.die(-9, "first line\nKilled: out of memory\n")
    assert wait_until(lambda: len(clients.made) == 2)
    ends = [event for event in heard.events if isinstance(event, Failed)]
    assert sorted(end.request_id for end in ends) == ["a", "b"]
    assert {end.kind for end in ends} == {"EngineStoppedError"}
    assert {end.ticket["revision"] for end in ends} == {3}
    ((message, restarting),) = heard.named("engine_lost")
    assert restarting
    assert "Killed: out of memory" in message
    assert [values[0] for values in heard.named("operation_failed")] == [operation]
    clients.last.say(READY)
    assert wait_until(lambda: [sent["model"] for sent in clients.last.of_type("open")] == ["novel"])


def test_three_restarts_within_a_minute_then_the_person_decides(
    bridge: EngineBridge, clients: FakeClients, heard: Listener
):
    bridge.start()
    for number in range(1, 4):
        clients.last.die(1)
        assert wait_until(lambda wanted=number + 1: len(clients.made) == wanted)
    clients.last.die(1)
    assert wait_until(lambda: len(heard.named("engine_lost")) == 4)
    run_for(60)
    assert len(clients.made) == 4
    assert [restarting for _, restarting in heard.named("engine_lost")] == [True, True, True, False]
    bridge.start()
    assert len(clients.made) == 5


def test_crashes_far_apart_are_always_followed_by_a_restart(clients: FakeClients, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("desktop_app.services.engine_bridge.RESTART_PAUSES_MS", (5, 5, 5))
    now = [0.0]
    bridge = EngineBridge(clients, clock=lambda: now[0])
    bridge.start()
    for number in range(8):
        now[0] += 61
        clients.last.die(1)
        assert wait_until(lambda wanted=number + 2: len(clients.made) == wanted)
    bridge.stop()
    delete_now(bridge)


def test_words_of_an_engine_that_is_gone_are_dropped(bridge: EngineBridge, clients: FakeClients, heard: Listener):
    make_ready(bridge, clients)
    bridge.generate(request("a"))
    old = clients.last
    old.die()
    assert wait_until(lambda: len(clients.made) == 2)
    count = len(heard.events)
    old.say(token("a", 0), event(Done("a", {})), READY)
    run_for(50)
    assert len(heard.events) == count
    assert not bridge.is_ready


def test_a_request_without_an_engine_fails_once_and_later(bridge: EngineBridge, heard: Listener, clients: FakeClients):
    bridge.generate(request("a"))
    assert heard.events == []  # never before generate() has returned
    bridge.start()  # even when an engine is started in between
    assert wait_until(lambda: len(heard.events) == 1)
    (end,) = heard.events
    assert isinstance(end, Failed)
    assert (end.request_id, end.kind, dict(end.ticket)) == ("a", "EngineStoppedError", {"revision": 3})


def test_an_operation_without_an_engine_fails_after_its_id_is_known(bridge: EngineBridge, heard: Listener):
    operation = bridge.list_models()
    assert heard.said == []
    assert wait_until(lambda: bool(heard.named("operation_failed")))
    assert heard.named("operation_failed")[0][0] == operation


def test_stop_ends_requests_and_starts_nothing(bridge: EngineBridge, clients: FakeClients, heard: Listener):
    make_ready(bridge, clients)
    bridge.generate(request("a"))
    clients.last.say(token("a", 0))
    bridge.stop()
    run_for(40)
    assert [type(event) for event in heard.events] == [Failed]
    assert not clients.last.is_alive
    assert len(clients.made) == 1


def test_the_bridge_works_again_after_a_stop_in_the_middle_of_a_burst(
    bridge: EngineBridge, clients: FakeClients, heard: Listener
):
    make_ready(bridge, clients)
    clients.last.say({"type": "models", "id": "x", "models": []})
    bridge.stop()
    make_ready(bridge, clients)
    bridge.generate(request("b"))
    clients.last.say(event(Progress("b", {}, 1, 2)), event(Done("b", {})))
    assert wait_until(lambda: [type(event) for event in heard.events] == [Progress, Done])


def test_cancel_is_sent_for_running_requests_only(bridge: EngineBridge, clients: FakeClients, heard: Listener):
    make_ready(bridge, clients)
    bridge.generate(request("a"))
    bridge.cancel("a")
    bridge.cancel("unknown")
    assert [message["id"] for message in clients.last.of_type("cancel")] == ["a"]


def test_an_engine_that_cannot_start_is_said(bridge: EngineBridge, clients: FakeClients, heard: Listener):
    clients.refusal = EngineStoppedError("the engine cannot be started (no such file); install the program again")
    bridge.start()
    ((message, restarting),) = heard.named("engine_lost")
    assert "install the program again" in message
    assert not restarting


def test_unknown_messages_of_a_newer_engine_are_ignored(bridge: EngineBridge, clients: FakeClients, heard: Listener):
    make_ready(bridge, clients)
    clients.last.say({"type": "weather"}, {"type": "models", "id": "x", "models": []})
    assert wait_until(lambda: heard.named("models_listed") == [[[]]])
