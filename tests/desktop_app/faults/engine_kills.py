"""The engine killed at some moment of its work under the real window, and what must be true after it.

    Live.start → kill_once(moment, after) → KillResult       AssertionError says what is wrong

Each kill counts as the first within a minute: the bridge's clock is put on by two minutes after each, so that its pause
before the fourth start in a minute (a rule with tests of its own) does not stand in the way.

Knows the window, the engine's process number. Must not know how many kills there are.
"""

import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from desktop_app.controls.model_control import OPEN
from desktop_app.document.origins import GENERATED
from desktop_app.editor.continuation import IDLE, WRITING
from desktop_app.services.engine_bridge import EngineBridge
from engine.contracts.generation import Event, Finished, Token
from tests.desktop_app.services.qt import application, run_for, wait_until
from tests.desktop_app.window_kit import Kit

MOMENTS = ("writing", "prefill", "load", "idle")
START = "the cat sat on a"
BACK_SECONDS = 3.0
MANY_TOKENS = 2000
NO_PLACE = str.maketrans("", "", "\r\x00")  # a page has none for these; a blank is not doubled at the seam


@dataclass(frozen=True)
class KillResult:
    """Seconds until the model could be used again, characters that had arrived."""

    back_s: float
    arrived: int


class Live:
    """A window over a real engine with a tiny model."""

    def __init__(self, folder: Path, model: Path, seed: int) -> None:
        self._ahead_s = 0.0
        self.random = random.Random(seed)
        self.bridge = EngineBridge(clock=lambda: time.monotonic() + self._ahead_s)
        self.kit = Kit(folder, application(), self.bridge)
        self.said: list[str] = []
        for tab in self.kit.window.tabs.all:
            tab.continuation.told.connect(self.said.append)
        self._received = ""
        self.bridge.events.connect(self._hear)
        self.bridge.engine_lost.connect(lambda words, _restarts: self.said.append(words))
        self.bridge.start()
        self.bridge.open_model(str(model), "cpu")
        assert self._is_open(60)

    def close(self) -> None:
        """End the window and the engine."""
        self.kit.close()
        self.bridge.stop()

    def kill_once(self, moment: str) -> KillResult:
        """One kill at one of the MOMENTS, looked at, and the page back at `START`."""
        self._ahead_s += 120.0
        kit = self.kit
        kit.write(START)
        kit.settings.change(max_tokens=MANY_TOKENS)
        self._received = ""
        self._come_to(moment)
        killed = self._engine
        shown = kit.text.removeprefix(START)
        self.said.clear()
        os.kill(killed, signal.SIGKILL)
        began = time.monotonic()
        assert wait_until(lambda: not self.bridge.is_ready and bool(self.said), 10), "nobody noticed"
        arrived = kit.text.removeprefix(START)
        assert kit.window.continuation.state == IDLE, "it writes on without an engine"
        assert kit.text.startswith(START), "the person's text has changed"
        assert arrived.startswith(shown), "what was on the page has gone"
        received = self._received.translate(NO_PLACE)
        assert arrived.lstrip() == received.lstrip(), f"what had arrived is not on the page: {received!r}"
        assert len(self.said) == 1, f"one message was expected: {self.said}"
        assert "untouched" in self.said[0]
        assert self._is_open(30), "the engine does not come back"
        back = time.monotonic() - began
        assert not os.path.exists(f"/proc/{killed}"), "the old engine is still there"
        self._look_at_page(arrived)
        self._write_on()
        return KillResult(back, len(arrived))

    def _hear(self, events: list[Event]) -> None:
        self._received += "".join(event.text for event in events if isinstance(event, (Token, Finished)))

    def _come_to(self, moment: str) -> None:
        if moment == "idle":
            return
        if moment == "load":
            self.bridge.open_model(self.bridge._wanted["model"], "cpu")  # type: ignore[index]
            return
        self.kit.trigger("continue")
        if moment == "writing":
            assert wait_until(lambda: self.kit.window.continuation.state == WRITING, 30), "nothing comes"
        run_for(self.random.randrange(0, 60))

    def _look_at_page(self, arrived: str) -> None:
        """What had arrived is one generation with its origin, and goes in one step."""
        kit = self.kit
        passages = kit.view.link.model.passages()
        generated = [text for text, origin in passages if origin.kind == GENERATED]
        assert "".join(generated) == arrived
        assert len(generated) == (1 if arrived else 0)
        assert all(origin.record for _, origin in passages if origin.kind == GENERATED), "no record"
        if arrived:
            kit.trigger("undo")
            assert kit.text == START, "undo does not take it away as one step"
            kit.trigger("redo")
            assert kit.text == START + arrived

    def _write_on(self) -> None:
        kit = self.kit
        kit.settings.change(max_tokens=4)
        before = kit.text
        for _ in range(3):  # a tiny model of random weights may end the text at once
            kit.trigger("continue")
            assert wait_until(lambda: kit.window.continuation.state == IDLE, 30), "the next one hangs"
            if kit.text != before:
                break
        assert kit.text != before, "nothing comes any more"
        assert kit.text.startswith(before)

    def _is_open(self, seconds: float) -> bool:
        return wait_until(lambda: self.bridge.is_ready and self.kit.window.models.state == OPEN, seconds)

    @property
    def _engine(self) -> int:
        return self.bridge._client.process_id  # type: ignore[union-attr]


def children() -> list[int]:
    """Processes that this one has started and that live or wait to be reaped."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
    found = {int(each) for each in listed}
    for task in Path("/proc/self/task").iterdir():
        found.update(int(each) for each in (task / "children").read_text(encoding="ascii").split())
    return sorted(found)


def open_files() -> int:
    """File descriptors of this process."""
    return len(os.listdir("/proc/self/fd"))


def own_bytes() -> int:
    """Memory of this process that is in RAM and of no file. Pages of a mapped file (a font's, a library's) come and go
    as the system likes: of the same two hundred kills, resident memory grew by 1.6 % in one run and 3.7 % in another.
    """
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Anonymous:"))
