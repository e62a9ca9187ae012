"""The window over the real engine process and a tiny model: write, stop, kill the engine, write on."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop_app.controls.model_control import OPEN
from desktop_app.editor.continuation import IDLE, WRITING
from desktop_app.services.engine_bridge import EngineBridge
from tests.desktop_app.services.qt import application, wait_until
from tests.desktop_app.window_kit import Kit
from tests.support.tiny_models import write_tiny_model

START = "the cat sat on a"


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kit]:
    monkeypatch.setenv("NEXTSTROKE_PROFILE", str(tmp_path / "profile"))
    folder = tmp_path / "模型 tiny"
    write_tiny_model(folder)
    bridge = EngineBridge()
    made = Kit(tmp_path, application(), bridge)
    bridge.start()
    bridge.open_model(str(folder), "cpu")
    assert wait_until(lambda: made.window.models.state == OPEN, 60)
    yield made
    made.close()
    bridge.stop()


def test_text_streams_in_from_the_engine_process(live):
    live.write(START)
    live.trigger("continue")
    assert wait_until(lambda: len(live.text) > len(START), 30)
    assert wait_until(lambda: live.window.continuation.state == IDLE, 60)
    written = live.text
    assert written.startswith(START)
    assert live.window.status_line._speed.text()
    live.trigger("undo")
    assert live.text == START
    live.window.model_panel._seed_edit.setText("7")
    live.trigger("continue")
    assert wait_until(lambda: live.window.continuation.state == IDLE, 60)
    first = live.text
    live.trigger("undo")
    live.trigger("continue")
    assert wait_until(lambda: live.window.continuation.state == IDLE, 60)
    assert live.text == first, "the same seed writes the same text"


def test_an_engine_killed_in_the_middle_costs_nothing_and_comes_back(live):
    live.write(START)
    live.settings.change(max_tokens=2000)
    live.trigger("continue")
    assert wait_until(lambda: live.window.continuation.state == WRITING, 30)
    os.kill(live.bridge._client.process_id, signal.SIGKILL)
    assert wait_until(lambda: live.window.continuation.state == IDLE, 30)
    assert live.text.startswith(START)
    assert "untouched" in live.message
    kept = live.text
    assert wait_until(lambda: live.window.models.state == OPEN, 60)
    assert "started again" in live.message
    assert live.text == kept
    live.settings.change(max_tokens=8)
    live.trigger("continue")
    assert wait_until(lambda: live.text != kept and live.window.continuation.state == IDLE, 60)
    assert live.text.startswith(kept)
