"""The real engine process behind the real client, as a test talks to it: ask, wait for the end, count what it holds.

Knows: messages and processes. Must not know: models, or what a test expects.
"""

import os
import queue
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.client import EngineClient

WAIT_SECONDS = 60


@dataclass
class Answer:
    """All events of one request, in order; `seconds` from sending to the end."""

    events: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def end(self) -> dict[str, Any]:
        return self.events[-1]

    @property
    def text(self) -> str:
        return "".join(event.get("text", "") for event in self.events)

    def named(self, name: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == name]


@dataclass(frozen=True)
class Held:
    """What a process holds."""

    resident_bytes: int
    files: int
    threads: int


class RunningEngine:
    """One engine at a time; `exits` receives (code, last words) of each that ended without being asked to."""

    def __init__(self) -> None:
        self.messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self.exits: queue.Queue[tuple[int, str]] = queue.Queue()
        self.client = EngineClient(self.messages.put, lambda code, words: self.exits.put((code, words)))

    @property
    def process_id(self) -> int:
        found = self.client.process_id
        assert found is not None
        return found

    def start(self) -> None:
        self.client.start()
        self.wait_for("ready")

    def open(self, model: Path, threads: int = 1) -> None:
        self.client.send({"type": "open", "id": "open", "model": str(model), "device": "cpu", "threads": threads})
        self.wait_for("opened")

    def wait_for(self, kind: str) -> dict[str, Any]:
        """The next message of that type, or the next event of that name."""
        while True:
            message = self.next()
            event: dict[str, Any] = message.get("event", {})
            if kind in (message["type"], event.get("event")):
                return event or message

    def next(self) -> dict[str, Any]:
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            try:
                return self.messages.get(timeout=1)
            except queue.Empty:
                assert self.exits.empty(), f"the engine ended: {self.exits.get()}"
        raise AssertionError(f"the engine said nothing for {WAIT_SECONDS} s")

    def ask(self, request: dict[str, Any], slot: Any = "action", is_cancelled: bool = False) -> Answer:
        """Send a request, cancel it at once where that is wanted, and wait for its end."""
        self.client.send({"type": "generate", "request": request, "slot": slot})
        if is_cancelled:
            self.client.send({"type": "cancel", "id": request["id"]})
        return self.end_of()

    def end_of(self) -> Answer:
        """All events until a request ends."""
        answer, began = Answer(), time.perf_counter()
        while not answer.events or answer.end["event"] not in ("done", "failed"):
            message = self.next()
            assert message["type"] == "event", message
            answer.events.append(message["event"])
        answer.seconds = time.perf_counter() - began
        return answer

    def forget_messages(self) -> None:
        while not self.messages.empty():
            self.messages.get()


def held_by(process_id: int | str = "self") -> Held:
    """Memory, open files and threads of a process (Linux)."""
    place = Path(f"/proc/{process_id}")
    pages = int((place / "statm").read_text(encoding="ascii").split()[1])
    return Held(pages * os.sysconf("SC_PAGE_SIZE"), len(os.listdir(place / "fd")), len(os.listdir(place / "task")))


def children() -> set[int]:
    """Process ids of this process's children, ended but not collected ones included (Linux)."""
    found: set[int] = set()
    for task in Path("/proc/self/task").iterdir():
        try:
            found |= {int(word) for word in (task / "children").read_text(encoding="ascii").split()}
        except OSError:
            continue  # the thread has ended meanwhile
    return found
