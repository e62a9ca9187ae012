"""A model being added is cancelled from the window; models of one name are told apart; figures go with their model."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from desktop_app.services.engine_bridge import CANCELLED, EngineBridge
from engine.client import EngineClient
from tests.desktop_app.fake_bridge import MODELS, OPENED
from tests.desktop_app.services.qt import application, wait_until
from tests.desktop_app.window_kit import Kit
from tests.support.tiny_models import write_tiny_model


def start_adding(kit: Kit, path: Path) -> None:
    kit.window.models.add(str(path))
    kit.bridge.operation_progress.emit("adding", 10, 100)
    assert kit.window.model_panel.can_cancel


def test_the_button_cancels_an_adding_once_and_says_what_is_left(kit, tmp_path):
    start_adding(kit, tmp_path / "大 模型")
    panel = kit.window.model_panel
    assert panel._progress_cancel.isVisible()
    QTest.mouseClick(panel._progress_cancel, Qt.MouseButton.LeftButton)
    kit.window.models.cancel_adding()
    assert kit.bridge.calls.count(("cancel operation", "adding")) == 1
    assert panel.progress_text == "Cancelling…"
    kit.bridge.operation_progress.emit("adding", 90, 100)  # was on its way already
    assert panel.progress_text == "Cancelling…"
    kit.bridge.operation_failed.emit("adding", "it was cancelled", CANCELLED)
    assert kit.message == "The adding was cancelled; nothing of it is left."
    assert kit.answers.told == []
    assert not panel.can_cancel


def test_esc_cancels_an_adding_where_no_panel_is_seen_but_stops_the_writing_first(kit, tmp_path):
    kit.window.side_panel.hide()
    kit.write("Once")
    kit.trigger("continue")
    start_adding(kit, tmp_path / "big")
    kit.press(Qt.Key.Key_Escape)
    assert kit.bridge.cancelled
    assert ("cancel operation", "adding") not in kit.bridge.calls
    assert kit.message == "Adding big… Esc cancels"
    kit.press(Qt.Key.Key_Escape)
    assert ("cancel operation", "adding") in kit.bridge.calls
    kit.bridge.operation_failed.emit("adding", "it was cancelled", CANCELLED)
    assert not kit.window.actions_by_name["stop"].isEnabled()


def test_esc_in_the_find_bar_closes_that_and_not_the_adding(kit, tmp_path):
    start_adding(kit, tmp_path / "big")
    kit.trigger("find")
    QTest.keyClick(kit.window.find_bar._wanted, Qt.Key.Key_Escape)
    assert not kit.window.find_bar.isVisible()
    assert ("cancel operation", "adding") not in kit.bridge.calls


def test_a_cancelled_adding_leaves_nothing_in_the_library(tmp_path, monkeypatch):
    monkeypatch.setenv("NEXTSTROKE_PROFILE", str(tmp_path / "profile"))
    source = tmp_path / "模型"
    write_tiny_model(source)
    application()
    bridge, ended = EngineBridge(EngineClient), []
    bridge.operation_failed.connect(lambda operation, _message, kind: ended.append((operation, kind)))
    bridge.model_added.connect(lambda name: ended.append((name, "added")))
    bridge.start()
    try:
        assert wait_until(lambda: bridge.is_ready, 60)
        bridge.add_model(str(source))  # the second one waits for it, so that it cannot be done too soon
        second = bridge.add_model(str(source))
        bridge.cancel_operation(second)
        assert wait_until(lambda: len(ended) == 2, 60)
    finally:
        bridge.stop()
    assert sorted(ended) == sorted([("模型", "added"), (second, CANCELLED)])
    assert [path.name for path in (tmp_path / "profile" / "data" / "models").iterdir()] == ["模型"]


def numbered(kit: Kit) -> list[str]:
    """Let the bridge name each adding anew, as the real one does; the folders that it was given."""
    given: list[str] = []

    def add_model(path: str) -> str:
        given.append(path)
        return f"adding {len(given)}"

    kit.bridge.add_model = add_model
    return given


def test_a_second_adding_waits_for_the_first_and_has_progress_and_cancel_of_its_own(kit):
    given, panel = numbered(kit), kit.window.model_panel
    kit.window.models.add("/x/A")
    kit.window.models.add("/x/B")
    assert kit.message == "B is added after A."
    assert given == ["/x/A"]
    kit.bridge.model_added.emit("A")
    assert given == ["/x/A", "/x/B"]
    kit.bridge.operation_progress.emit("adding 2", 5, 10)
    assert panel.progress_text == "Adding B…"
    assert panel.can_cancel
    kit.window.models.cancel_adding()
    assert ("cancel operation", "adding 2") in kit.bridge.calls
    kit.bridge.operation_failed.emit("adding 2", "it was cancelled", CANCELLED)
    assert kit.message == "The adding was cancelled; nothing of it is left."
    assert not panel.can_cancel


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_the_end_of_one_adding_is_told_and_the_next_can_be_cancelled(kit, is_cancelled):
    given = numbered(kit)
    kit.window.models.add("/x/A")
    if is_cancelled:
        kit.window.models.cancel_adding()
    kit.window.models.add("/x/B")
    kit.bridge.operation_failed.emit("adding 1", "a line", CANCELLED if is_cancelled else "ModelFolderError")
    assert [title for title, _ in kit.answers.told] == ([] if is_cancelled else ["The model was not added"])
    assert given == ["/x/A", "/x/B"]
    kit.window.models.cancel_adding()
    assert kit.bridge.calls[-1] == ("cancel operation", "adding 2")
    kit.bridge.operation_failed.emit("adding 2", "it was cancelled", CANCELLED)
    kit.window.models.add("/x/C")
    kit.bridge.operation_progress.emit("adding 3", 5, 10)
    assert kit.window.model_panel.progress_text == "Adding C…"


def test_folders_that_wait_for_the_engine_are_all_added(kit):
    given = numbered(kit)
    kit.window.models.add("/x/A")
    kit.window.models.add("/x/B")
    kit.bridge.is_ready = False
    kit.bridge.operation_failed.emit("adding 1", "the engine stopped", "EngineStoppedError")
    kit.bridge.be_lost()
    kit.window.models.add("/x/C")
    assert given == ["/x/A"]
    kit.bridge.come_up()
    assert given == ["/x/A", "/x/B"]
    kit.bridge.model_added.emit("B")
    assert given == ["/x/A", "/x/B", "/x/C"]


def test_models_of_one_name_say_their_folder(kit):
    twin = {**MODELS[1], "name": "gpt2-small 2", "folder": "/models/gpt2-small 2"}
    kit.bridge.models_listed.emit([*MODELS, twin])
    box = kit.window.model_panel._model_box
    shown = [box.itemText(index) for index in range(box.count())]
    assert shown == ["Nextstroke Tiny", "GPT-2 small (gpt2-small)", "GPT-2 small (gpt2-small 2)"]
    kit.bridge.model_opened.emit({**OPENED, "name": "gpt2-small 2"})
    assert kit.window.top_bar.model_text == "GPT-2 small (gpt2-small 2)"


def test_speed_and_context_go_with_the_model(kit):
    kit.write("Once")
    kit.generate(" upon")
    assert "tokens/s" in kit.window.status_line.figures_text
    assert "context" in kit.window.status_line.figures_text
    kit.bridge.be_lost(restarting=False)
    assert "tokens/s" not in kit.window.status_line.figures_text
    assert "context" not in kit.window.status_line.figures_text


def test_what_the_engine_says_of_a_model_is_chinese_in_the_chinese_window(kit):
    kit.languages.apply("zh")
    kit.bridge.model_refused.emit("a line that no table knows; do that", "ModelFolderError")
    assert kit.message.startswith("模型无法使用：")
    broken = {**MODELS[1], "usable": False, "problem": "nextstroke.json is not JSON; export the model folder again"}
    kit.bridge.models_listed.emit([MODELS[0], broken])
    box = kit.window.model_panel._model_box
    assert "已损坏" in box.itemData(1, Qt.ItemDataRole.ToolTipRole)
