"""The engine as the window sees it: methods in, Qt signals out, always on the thread that made the bridge.

    client's threads --inbox (bounded by what the engine sends)--> wake-up → drain at most once a frame → signals

A crash of the engine ends every unfinished request with one `Failed` and every operation with one `operation_failed`,
starts the engine again after a growing pause (three times within a minute, then the person decides by `start()`), and
opens the model again. Knows messages and events; must not know widgets, text or how the engine works.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from desktop_app.services.error_words import words_for_reason
from engine.client import EngineClient
from engine.contracts.errors import EngineStoppedError, NextstrokeError
from engine.contracts.generation import Done, Event, Failed, GenerationRequest, event_from_dict

FRAME_MS = 16
RESTART_PAUSES_MS = (200, 1000, 3000)
RESTART_WINDOW_SECONDS = 60.0
SLOT_ACTION = "action"
SLOT_SUGGESTION = "suggestion"
CANCELLED = "Cancelled"  # the kind of what ended because somebody asked for it

Message = dict[str, Any]


class Client(Protocol):
    """What the bridge needs of `engine.client.EngineClient`."""

    def start(self) -> None:
        """Start the process."""

    def send(self, message: Mapping[str, Any]) -> None:
        """Hand over a message without waiting."""

    def stop(self) -> None:
        """End the process."""


ClientMaker = Callable[[Callable[[Message], None], Callable[[int, str], None]], Client]


@dataclass(frozen=True)
class _Exit:
    code: int
    last_words: str


class EngineBridge(QObject):
    """One engine for one window. Every generation that was accepted ends with exactly one `Done` or `Failed`."""

    engine_ready = Signal(dict)  # versions
    engine_lost = Signal(str, bool)  # what happened, whether it is being started again
    model_opened = Signal(dict)  # the "opened" message
    model_refused = Signal(str, str)  # message, kind
    models_listed = Signal(list)  # the rows of the "models" message
    model_added = Signal(str)  # name
    model_removed = Signal(str)  # name
    operation_failed = Signal(str, str, str)  # id, message, kind; CANCELLED when it was asked for
    operation_progress = Signal(str, object, object)  # id, done, total: ints; a large model's bytes pass Qt's int
    events = Signal(list)  # list[Event], a batch a frame
    _arrived = Signal()

    def __init__(
        self,
        make_client: ClientMaker = EngineClient,
        parent: QObject | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(parent)
        self._make_client = make_client
        self._clock = clock
        self._client: Client | None = None
        self._run = 0  # number of the engine process; messages of an earlier one are dropped
        self._is_ready = False
        self._wanted: Message | None = None  # the model to open, also after a restart
        self._open_id = ""
        self._requests: dict[str, Mapping[str, Any]] = {}  # unfinished generations: id -> ticket
        self._operations: set[str] = set()
        self._crashes: deque[float] = deque(maxlen=len(RESTART_PAUSES_MS) + 1)
        self._inbox: deque[tuple[int | None, Message | _Exit]] = deque()  # None: from the bridge itself
        self._lock = threading.Lock()
        self._is_woken = False
        self._frame = self._timer(self._end_of_frame)
        self._restart = self._timer(self._start_process)
        self._arrived.connect(self._on_arrived, Qt.ConnectionType.QueuedConnection)

    @property
    def is_ready(self) -> bool:
        """Whether the engine has said hello and not ended since."""
        return self._is_ready

    def start(self) -> None:
        """Start the engine. After `engine_lost` without a restart this is the person's second try."""
        self._crashes.clear()
        self._start_process()

    def stop(self) -> None:
        """End the engine (within 1.5 seconds). Unfinished generations end as failed; no restart follows."""
        self._restart.stop()
        self._frame.stop()
        self._run += 1
        self._is_ready = False
        client, self._client = self._client, None
        if client is not None:
            client.stop()
        with self._lock:
            self._inbox.clear()
            self._is_woken = False
        self._end_everything(self.tr("The engine was stopped; start it to go on."))

    def open_model(self, name: str | None, device: str = "auto", threads: int | None = None) -> None:
        """Open a model by name or folder (None: the bundled one). Answer: `model_opened` or `model_refused`.

        The wish is kept: it is sent as soon as the engine is ready, and again after a restart.
        """
        self._wanted = {"type": "open", "model": name, "device": device, "threads": threads}
        if self._is_ready:
            self._send_open()

    def list_models(self) -> str:
        """Ask for the model library. Answer: `models_listed`. Returns the operation's id."""
        return self._operate({"type": "models"})

    def add_model(self, path: str) -> str:
        """Copy a model folder into the library. Answers: `operation_progress`, `model_added`."""
        return self._operate({"type": "add_model", "path": path})

    def cancel_operation(self, operation: str) -> None:
        """Ask an adding to end; nothing of it stays. Answer: `operation_failed`, or `model_added` where it was done."""
        if operation in self._operations:
            try:
                self._send({"type": "cancel", "id": operation})
            except NextstrokeError:
                pass  # the engine is gone, and its end ends the operation

    def remove_model(self, name: str) -> str:
        """Remove a model from the library. Answer: `model_removed`."""
        return self._operate({"type": "remove_model", "name": name})

    def generate(self, request: GenerationRequest, slot: str = SLOT_ACTION) -> None:
        """Start a generation; its events come by `events`, and exactly one of them is a `Done` or a `Failed`."""
        self._requests[request.id] = dict(request.ticket)
        try:
            self._send({"type": "generate", "request": request.to_dict(), "slot": slot})
        except NextstrokeError as error:
            self._deliver({"type": "lost", "id": request.id, "kind": error.kind, "message": str(error)})

    def cancel(self, request_id: str) -> None:
        """Ask a generation to end; its `Finished` says "cancelled". Unknown and ended ones are ignored."""
        if request_id in self._requests:
            try:
                self._send({"type": "cancel", "id": request_id})
            except NextstrokeError:
                pass  # the engine is gone, and its end ends the request

    # The client's threads enter here.

    def _deliver(self, arrival: Message | _Exit, run: int | None = None) -> None:
        with self._lock:
            self._inbox.append((run, arrival))
            if self._is_woken:
                return
            self._is_woken = True
        try:
            self._arrived.emit()
        except RuntimeError:
            pass  # the window is gone, and with it everyone who would listen

    # Everything below runs on the thread of the bridge.

    def _on_arrived(self) -> None:
        if not self._frame.isActive():  # else the frame's end drains
            self._drain()
            self._frame.start(FRAME_MS)

    def _end_of_frame(self) -> None:
        if self._inbox:
            self._drain()
            self._frame.start(FRAME_MS)

    def _drain(self) -> None:
        with self._lock:
            arrivals = list(self._inbox)
            self._inbox.clear()
            self._is_woken = False
        batch: list[Event] = []
        for run, arrival in arrivals:
            if run not in (None, self._run):
                continue  # an engine that is gone
            if isinstance(arrival, _Exit):
                self._flush(batch)
                self._on_exit(arrival)
            elif (event := self._event_of(arrival)) is not None:
                batch.append(event)
            elif arrival["type"] != "event":
                self._flush(batch)
                self._on_message(arrival)
        self._flush(batch)

    def _flush(self, batch: list[Event]) -> None:
        if batch:
            events = list(batch)
            batch.clear()
            self.events.emit(events)

    def _event_of(self, message: Message) -> Event | None:
        """The event in a message; None for other messages and for requests that have ended."""
        event: Event
        if message["type"] == "lost":
            ticket = self._requests.get(message["id"], {})
            event = Failed(message["id"], ticket, message["kind"], message["message"])
        elif message["type"] == "event":
            event = event_from_dict(message["event"])
        else:
            return None
        if event.request_id not in self._requests:
            return None
        if isinstance(event, (Done, Failed)):
            del self._requests[event.request_id]
        return event

    def _on_message(self, message: Message) -> None:
        handler = self._HANDLERS.get(message["type"])
        if handler is not None:  # a newer engine may say more; that is no reason to fail
            handler(self, message)

    def _on_ready(self, message: Message) -> None:
        self._is_ready = True
        self.engine_ready.emit(dict(message.get("versions", {})))
        if self._wanted is not None and not self._open_id:
            self._send_open()

    def _on_opened(self, message: Message) -> None:
        if message.get("id") == self._open_id:  # an answer to an earlier wish is of no interest
            self._open_id = ""
            self.model_opened.emit(message)

    def _on_refused(self, message: Message) -> None:
        if message["id"] == self._open_id:
            self._open_id = ""
            self._wanted = None
            self.model_refused.emit(str(message["message"]), str(message.get("kind", "")))
        elif message["id"] in self._operations:
            self._operations.discard(message["id"])
            self.operation_failed.emit(message["id"], str(message["message"]), str(message.get("kind", "")))

    def _on_models(self, message: Message) -> None:
        self._operations.discard(message["id"])
        self.models_listed.emit(list(message["models"]))

    def _on_model_added(self, message: Message) -> None:
        self._operations.discard(message["id"])
        self.model_added.emit(str(message["name"]))

    def _on_model_removed(self, message: Message) -> None:
        self._operations.discard(message["id"])
        self.model_removed.emit(str(message["name"]))

    def _on_progress(self, message: Message) -> None:
        if message["id"] in self._operations:
            self.operation_progress.emit(message["id"], int(message["done"]), int(message["total"]))

    _HANDLERS: dict[str, Callable[[EngineBridge, Message], None]] = {  # noqa: RUF012  never changed
        "ready": _on_ready,
        "opened": _on_opened,
        "refused": _on_refused,
        "models": _on_models,
        "model_added": _on_model_added,
        "model_removed": _on_model_removed,
        "progress": _on_progress,
    }

    def _on_exit(self, end: _Exit) -> None:
        self._is_ready = False
        self._client = None
        self._run += 1
        now = self._clock()
        self._crashes.append(now)
        recent = sum(1 for moment in self._crashes if now - moment < RESTART_WINDOW_SECONDS)
        restarting = recent <= len(RESTART_PAUSES_MS)
        what = words_for_reason(_reason(end))
        if restarting:
            self._restart.start(RESTART_PAUSES_MS[recent - 1])
            words = self.tr("The engine stopped working ({reason}); the text is untouched. It is being started again.")
        else:
            words = self.tr(
                "The engine stopped working {count} times within a minute ({reason}); the text is untouched. "
                "Choose a smaller model, or start the engine again."
            )
        self.engine_lost.emit(words.format(reason=what, count=recent), restarting)
        # Afterwards: who has heard of the engine's end need not say that a generation ended with it.
        ended = self.tr("The engine stopped working ({reason}); the text is untouched, try again.")
        self._end_everything(ended.format(reason=what))

    def _end_everything(self, message: str) -> None:
        requests, self._requests = self._requests, {}
        operations, self._operations = self._operations, set()
        self._open_id = ""
        kind = EngineStoppedError.__name__
        if requests:
            self.events.emit([Failed(request, ticket, kind, message) for request, ticket in requests.items()])
        for operation in operations:
            self.operation_failed.emit(operation, message, kind)

    def _start_process(self) -> None:
        if self._client is not None:
            return
        self._run += 1
        run = self._run
        client = self._make_client(
            lambda message: self._deliver(message, run),
            lambda code, last_words: self._deliver(_Exit(code, last_words), run),
        )
        self._client = client
        try:
            client.start()
        except NextstrokeError as error:
            self._client = None
            self._end_everything(str(error))
            self.engine_lost.emit(str(error), False)

    def _operate(self, message: Message) -> str:
        operation = f"operation-{secrets.token_hex(6)}"
        self._operations.add(operation)
        try:
            self._send({**message, "id": operation})
        except NextstrokeError as error:
            refusal = {"type": "refused", "id": operation, "kind": error.kind, "message": str(error)}
            self._deliver(refusal)  # after this call has returned the id
        return operation

    def _send_open(self) -> None:
        assert self._wanted is not None
        self._open_id = f"open-{secrets.token_hex(6)}"
        try:
            self._send({**self._wanted, "id": self._open_id})
        except NextstrokeError:
            self._open_id = ""  # the engine has just ended: the wish is sent again when it is ready

    def _send(self, message: Message) -> None:
        if self._client is None:
            raise EngineStoppedError("the engine is not running; start it again")
        self._client.send(message)

    def _timer(self, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.timeout.connect(slot)
        return timer


def _reason(end: _Exit) -> str:
    """The last line that the process said, or how it ended."""
    lines = [line.strip() for line in end.last_words.splitlines() if line.strip()]
    if lines:
        return lines[-1].removeprefix("error: ")[:200]
    return f"signal {-end.code}" if end.code < 0 else f"status {end.code}"
