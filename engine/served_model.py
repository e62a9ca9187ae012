"""One model for many askers: each request's events come back to the one who asked, whatever thread that is.

    ask(request, wake) ----> Host: a bounded queue, one job at a time ----> events by request id ----> Exchange.take()

For: the local server. Knows the host's messages; must not know sockets or any format of the outside.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from engine.contracts.errors import EngineStoppedError, error_from_kind
from engine.contracts.frames import Message
from engine.contracts.generation import Done, Event, Failed, GenerationRequest, event_from_dict
from engine.host import Generate, Host
from engine.library import ModelLibrary
from engine.loaded_model import LoadedModel

_OPENING = "opening"


@dataclass(eq=False)
class Exchange:
    """One request and what has been answered. `wake` is called (on the engine's thread) whenever something came."""

    request: GenerationRequest
    wake: Callable[[], None]
    # Without a bound of its own: a request's tokens are bounded by the context times its candidates.
    _waiting: queue.SimpleQueue[Event] = field(default_factory=queue.SimpleQueue)
    has_ended: bool = False

    def put(self, event: Event) -> None:
        """Hand over an event."""
        self._waiting.put(event)
        self.wake()

    def take(self) -> list[Event]:
        """The events that have come; the last one is a Done or Failed."""
        taken: list[Event] = []
        while not self.has_ended:
            try:
                taken.append(self._waiting.get_nowait())
            except queue.Empty:
                break
            self.has_ended = isinstance(taken[-1], Done | Failed)
        return taken


class ServedModel:
    """A loaded model behind a host of its own."""

    def __init__(self, model: LoadedModel, name: str | None, library: ModelLibrary, generate: Generate) -> None:
        """`name`: what the library knows the model by (None: the bundled one)."""
        self.model = model
        self.created = int(time.time())
        self._lock = threading.Condition()  # notified when an exchange is over
        self._exchanges: dict[str, Exchange] = {}
        self._is_closed = False
        self._opened: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._host = Host(self._receive, library, lambda folder, device, threads: model, generate)
        self._host.start()
        self._host.handle({"type": "open", "id": _OPENING, "model": name})
        answer = self._opened.get()
        if answer["type"] != "opened":
            raise error_from_kind(answer["kind"], answer["message"])
        self.name: str = answer["name"]

    def ask(self, request: GenerationRequest, wake: Callable[[], None]) -> Exchange:
        """Queue a request; a refusal comes as its only event, a Failed."""
        exchange = Exchange(request, wake)
        with self._lock:
            is_closed = self._is_closed
            self._exchanges[request.id] = exchange
        if is_closed:
            exchange.put(_failed_at_the_end(request))
        else:
            self._host.handle({"type": "generate", "request": request.to_dict()})
        return exchange

    def end(self, exchange: Exchange) -> None:
        """Nobody waits for the rest: what still waits or runs is cancelled."""
        with self._lock:
            self._exchanges.pop(exchange.request.id, None)
            self._lock.notify_all()
        if not exchange.has_ended:
            self._host.handle({"type": "cancel", "id": exchange.request.id})

    def close(self, seconds: float) -> bool:
        """Cancel everything; every asker gets an end and so long to pass it on. False where a job still runs."""
        is_idle = self._host.close(seconds)
        with self._lock:
            self._is_closed = True
            left = list(self._exchanges.values())
        for exchange in left:
            exchange.put(_failed_at_the_end(exchange.request))
        with self._lock:
            self._lock.wait_for(lambda: not self._exchanges, seconds)
        return is_idle

    def _receive(self, message: dict[str, Any]) -> None:
        if message["type"] != "event":
            self._opened.put(message)
            return
        event = event_from_dict(message["event"])
        with self._lock:
            exchange = self._exchanges.get(event.request_id)
        if exchange is not None:  # else nobody waits any more
            exchange.put(event)


def _failed_at_the_end(request: GenerationRequest) -> Failed:
    line = "the server is ending; start it again and ask again"
    return Failed(request.id, request.ticket, EngineStoppedError.__name__, line)
