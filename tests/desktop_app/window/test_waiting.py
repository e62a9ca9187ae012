"""A disk that does not answer: the window lives, one can give up, and nothing is lost or written behind one's back."""

import os
import socket
import time
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from desktop_app.dialogs import waiting_dialog
from desktop_app.dialogs.dialogs import QtDialogs
from desktop_app.dialogs.waiting_dialog import WaitingDialog
from desktop_app.open_texts import patient_files
from desktop_app.services.file_autosave import FileAutosave
from desktop_app.services.patience import WaitWords, wait_for
from tests.desktop_app.document.faulty_disk import HangingCalls
from tests.desktop_app.services.qt import forget_exit, run_for, wait_until

OLD, NEW = "old text", "new old text"


@pytest.fixture
def path(kit, tmp_path) -> Path:
    """A file that is open, with a word typed in front of it."""
    made = tmp_path / "share" / "章 1.txt"
    made.parent.mkdir()
    made.write_text(OLD, encoding="utf-8")
    kit.window.opening.open(str(made))
    kit.type("new ")
    kit.answers.patience_s = 0.3
    return made


@pytest.fixture
def hang(kit, tmp_path):
    """`hang("fsync")`: from now on every fsync on the share waits; ends with the test."""
    made: list[HangingCalls] = []

    def start(name: str) -> HangingCalls:
        made.append(HangingCalls(name, tmp_path / "share"))
        kit.window.services.disk._calls = made[-1]
        return made[-1]

    yield start
    for calls in made:
        calls.go_on()


@pytest.mark.parametrize("call", ["stat", "open", "read"])
def test_an_opening_that_hangs_is_given_up_and_the_page_stays(kit, path, tmp_path, hang, call):
    other = tmp_path / "share" / "other.txt"
    other.write_text("other", encoding="utf-8")
    calls, ticks = hang(call), []
    timer = QTimer(kit.window)
    timer.timeout.connect(lambda: ticks.append(1))
    timer.start(10)
    kit.answers.answer = "discard"
    assert not kit.window.opening.open(str(other))
    timer.stop()
    assert len(ticks) > 10  # the event loop ran all the time
    ((line, slow_line),) = kit.answers.waited
    assert line == "Opening “other.txt”…"
    assert str(other.parent) in slow_line
    assert kit.text == NEW
    calls.go_on()
    run_for(200)
    assert kit.text == NEW  # what comes too late does not take the page
    assert kit.answers.told == []
    kit.window.opening.open(str(other))
    assert kit.text == "other"


@pytest.mark.parametrize("call", ["stat", "open", "write", "fsync"])
def test_a_save_that_hangs_is_given_up_and_writes_nothing_later(kit, path, hang, call):
    calls = hang(call)
    kit.trigger("save")
    ((_, words),) = kit.answers.told
    assert "“章 1.txt” is as it was" in words
    assert kit.text == NEW
    assert kit.window.document.is_modified
    calls.go_on()
    assert wait_until(lambda: [each.name for each in path.parent.iterdir()] == [path.name], 5)
    run_for(100)
    assert path.read_text(encoding="utf-8") == OLD
    kit.trigger("save")
    assert path.read_text(encoding="utf-8") == NEW
    assert not kit.window.document.is_modified
    assert kit.answers.asked == []


def test_a_save_that_hangs_at_its_last_step_is_not_taken_for_a_change_outside(kit, path, hang):
    calls = hang("replace")
    kit.trigger("save")
    ((_, words),) = kit.answers.told
    assert "may have been written" in words
    assert kit.window.document.is_modified
    calls.go_on()
    assert wait_until(lambda: path.read_text(encoding="utf-8") == NEW, 5)
    run_for(100)
    kit.window.document.look_outside()
    kit.type("still ")
    kit.trigger("save")
    assert kit.answers.asked == []
    assert path.read_text(encoding="utf-8") == "new still old text"


def test_a_slow_save_is_waited_for(kit, path, hang):
    kit.answers.patience_s = 30
    calls = hang("fsync")
    QTimer.singleShot(400, calls.go_on)
    kit.trigger("save")
    assert kit.answers.waited[0][0] == "Saving “章 1.txt”…"
    assert path.read_text(encoding="utf-8") == NEW
    assert not kit.window.document.is_modified


def test_what_is_written_while_a_save_goes_on_is_not_called_saved(kit, path, hang):
    kit.answers.patience_s = 30
    calls = hang("fsync")
    QTimer.singleShot(300, lambda: kit.view.textCursor().insertText("more "))
    QTimer.singleShot(400, calls.go_on)
    kit.trigger("save")
    assert path.read_text(encoding="utf-8") == NEW
    assert kit.text == "new more old text"
    assert kit.window.document.is_modified


def test_ordinary_files_show_no_question(kit, path, tmp_path):
    kit.trigger("save")
    started = time.monotonic()
    kit.window.opening.open(str(path))
    assert time.monotonic() - started < 2
    assert kit.answers.waited == []


@pytest.mark.skipif(os.name != "posix", reason="devices and pipes of POSIX")
@pytest.mark.parametrize("kind", ["pipe", "socket", "folder", "/dev/zero", "/dev/tty", "/proc/kmsg", "/proc/self/mem"])
@pytest.mark.parametrize("suffix", ["", ".txt", ".nextstroke"])
def test_what_is_no_file_is_refused_by_name_at_once(kit, tmp_path, kind, suffix):
    path = tmp_path / f"odd{suffix}"
    keep = None
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        keep = socket.socket(socket.AF_UNIX)
        keep.bind(str(path))
    elif kind == "folder":
        path.mkdir()
    elif not Path(kind).exists():
        pytest.skip(f"no {kind} here")
    else:
        path.symlink_to(kind)
    kit.write("mine")
    kit.view.document().setModified(False)
    started = time.monotonic()
    assert not kit.window.opening.open(str(path))
    assert time.monotonic() - started < 2
    ((_, words),) = kit.answers.told
    assert f"“odd{suffix}”" in words
    assert ("is a folder" if kind == "folder" else "is a device, a pipe or a part of the system") in words
    assert kit.answers.waited == []
    assert kit.text == "mine"
    if keep is not None:
        keep.close()


def test_the_dialog_says_what_is_waited_for_and_closes_by_itself(kit, monkeypatch):
    monkeypatch.setattr(waiting_dialog, "SLOW_MS", 100)
    seen: list[bool] = []

    def look() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, WaitingDialog)
        seen.append(dialog.slow_line.isVisible())

    QTimer.singleShot(170, look)
    QTimer.singleShot(500, look)
    work = wait_for(
        QtDialogs(kit.window, kit.window.theme), lambda _job: time.sleep(0.8) or 7, WaitWords("Opening…", "Slow.")
    )
    assert work == 7
    assert seen == [False, True]
    assert QApplication.activeModalWidget() is None


@pytest.mark.parametrize("way", ["button", "key", "signal"])
def test_the_dialog_gives_up(kit, hang, path, way, monkeypatch):
    asked = QtDialogs(kit.window, kit.window.theme)
    monkeypatch.setattr(kit.answers, "wait", asked.wait)
    hang("open")

    def give_up() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, WaitingDialog)
        if way == "button":
            dialog.button.click()
        elif way == "key":
            dialog.reject()
        else:
            QApplication.exit(0)  # the system asks the program to end

    QTimer.singleShot(400, give_up)
    kit.trigger("save")
    forget_exit()
    assert len(kit.answers.told) == 1
    assert kit.window.document.is_modified


def test_a_change_outside_is_seen_on_a_slow_disk_too(kit, path, hang, monkeypatch):
    monkeypatch.setattr(patient_files, "GLANCE_MS", 20)
    path.write_text("theirs", encoding="utf-8")
    calls = hang("stat")
    kit.answers.answer = "keep"
    kit.window.document.look_outside()
    assert kit.answers.asked == []
    run_for(200)
    calls.go_on()
    assert wait_until(lambda: len(kit.answers.asked) == 1, 5)
    assert kit.answers.waited == []


def test_a_folder_in_the_place_of_the_file_is_said(kit, path):
    path.unlink()
    path.mkdir()
    kit.window.document.look_outside()
    assert wait_until(lambda: "cannot be read" in kit.message, 5)
    assert kit.text == NEW


def test_our_own_write_that_begins_after_a_look_is_no_change_outside(kit, path, hang, monkeypatch):
    monkeypatch.setattr(patient_files, "GLANCE_MS", 20)
    path.write_text("theirs", encoding="utf-8")  # as a write of ours that is not confirmed yet looks
    calls = hang("stat")
    kit.window.document.look_outside()
    monkeypatch.setattr(FileAutosave, "is_writing", True)
    calls.go_on()
    run_for(300)
    assert kit.answers.asked == []
