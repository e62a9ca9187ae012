"""An engine client without an engine: the test plays the engine, from another thread as the real one does."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from engine.contracts.errors import EngineStoppedError, NextstrokeError


class FakeClient:
    """Keeps what was sent; `say` and `die` are the engine's side."""

    def __init__(self, on_message: Callable[[dict[str, Any]], None], on_exit: Callable[[int, str], None]) -> None:
        self.on_message = on_message
        self.on_exit = on_exit
        self.sent: list[dict[str, Any]] = []
        self.is_alive = False
        self.refuses_to_start: NextstrokeError | None = None

    def start(self) -> None:
        if self.refuses_to_start is not None:
            raise self.refuses_to_start
        self.is_alive = True

    def send(self, message: Mapping[str, Any]) -> None:
        if not self.is_alive:
            raise EngineStoppedError("the engine is not running; start it again")
        self.sent.append(dict(message))

    def stop(self) -> None:
        self.is_alive = False

    def say(self, *messages: dict[str, Any]) -> None:
        """Messages of the engine, one after the other, from the reader's thread."""
        self._on_a_thread(lambda: [self.on_message(message) for message in messages])

    def die(self, code: int = -9, last_words: str = "") -> None:
        """The process ends."""
        self.is_alive = False
        self._on_a_thread(lambda: self.on_exit(code, last_words))

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """The messages of one type that were sent."""
        return [message for message in self.sent if message["type"] == kind]

    def _on_a_thread(self, work: Callable[[], object]) -> None:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()


class FakeClients:
    """Makes clients and keeps them, one for each start of the engine."""

    def __init__(self) -> None:
        self.made: list[FakeClient] = []
        self.refusal: NextstrokeError | None = None

    def __call__(self, on_message: Callable[..., None], on_exit: Callable[..., None]) -> FakeClient:
        client = FakeClient(on_message, on_exit)
        client.refuses_to_start = self.refusal
        self.made.append(client)
        return client

    @property
    def last(self) -> FakeClient:
        return self.made[-1]
