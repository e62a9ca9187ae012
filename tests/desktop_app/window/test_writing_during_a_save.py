"""In the window: the text goes on while its file is written; saved is then what was written, and nothing else."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtGui import QTextCursor

from desktop_app.document.any_file import open_file
from desktop_app.document.disk import Disk
from desktop_app.document.system_calls import SystemCalls
from tests.desktop_app.services.qt import application, run_for, wait_until
from tests.desktop_app.window_kit import Kit


class SlowCalls(SystemCalls):
    """A disk that takes its time where it is told to."""

    fsync_s = 0.0

    def fsync(self, descriptor: int) -> None:
        time.sleep(self.fsync_s)
        super().fsync(descriptor)


@pytest.fixture
def calls() -> SlowCalls:
    return SlowCalls()


@pytest.fixture
def slow(tmp_path: Path, calls: SlowCalls) -> Iterator[Kit]:
    kit = Kit(tmp_path, application(), disk=Disk(calls))
    kit.bridge.come_up()
    yield kit
    calls.fsync_s = 0.0
    kit.close()


def in_file(path: Path) -> str:
    return open_file(Disk(), path).text


def test_undo_after_a_save_during_a_generation_is_a_change(slow: Kit, calls: SlowCalls, tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("start")
    slow.window.opening.open(str(path))
    slow.view.moveCursor(QTextCursor.MoveOperation.End)
    slow.trigger("continue")
    slow.bridge.begin()
    slow.bridge.write(" gen1")
    assert wait_until(lambda: slow.text == "start gen1", 5)
    calls.fsync_s = 0.15
    QTimer.singleShot(30, lambda: slow.bridge.write(" gen2"))
    slow.trigger("save")
    assert wait_until(lambda: slow.text == "start gen1 gen2", 5)
    assert (path.read_text(), slow.window.document.is_modified) == ("start gen1", True)
    slow.bridge.finish()
    slow.settle()
    slow.trigger("undo")
    assert (slow.text, slow.window.document.is_modified) == ("start", True)
    assert slow.window.document.needs_question()
    slow.trigger("redo")
    assert slow.window.document.is_modified  # the step is more than what was saved of it


def test_undo_back_to_what_was_written_is_no_change(slow: Kit, calls: SlowCalls, tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("")
    slow.window.opening.open(str(path))
    slow.type("one")
    calls.fsync_s = 0.15
    QTimer.singleShot(30, lambda: slow.type(" two"))
    slow.trigger("save")
    assert (path.read_text(), slow.text, slow.window.document.is_modified) == ("one", "one two", True)
    slow.trigger("undo")
    assert (slow.text, slow.window.document.is_modified) == ("one", False)
    slow.trigger("undo")
    assert (slow.text, slow.window.document.is_modified) == ("", True)
    slow.trigger("redo")
    assert (slow.text, slow.window.document.is_modified) == ("one", False)


def test_undo_during_and_after_a_write_by_itself_gets_into_the_file(slow: Kit, calls: SlowCalls, tmp_path: Path):
    path = tmp_path / "a.nextstroke"
    slow.write("")
    slow.type("start")
    slow.answers.path = str(path)
    slow.trigger("save")
    calls.fsync_s = 0.3
    slow.type(" AAA")
    autosave = slow.window.document._autosave
    assert autosave is not None
    assert wait_until(lambda: autosave.is_writing, 5)
    run_for(50)
    slow.type(" BBB")
    assert wait_until(lambda: not autosave.is_writing, 5)
    calls.fsync_s = 0.0
    assert (in_file(path), slow.text) == ("start AAA", "start AAA BBB")
    slow.trigger("undo")
    assert (slow.text, slow.window.document.is_modified) == ("start AAA", False)
    slow.trigger("undo")
    assert (slow.text, slow.window.document.is_modified) == ("start", True)
    assert wait_until(lambda: not slow.window.document.is_modified, 5)
    assert in_file(path) == "start"
