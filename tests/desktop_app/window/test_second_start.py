"""A second start of the real program: its files open in the first window, which comes to the front."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt, QTimer

from desktop_app.document.disk import Disk
from desktop_app.second_start import TOKEN_VARIABLE, LaterStarts
from desktop_app.services.window_message import WindowMessage
from desktop_app.services.window_place import WindowPlace
from tests.desktop_app.services.qt import run_for, wait_until
from tests.desktop_app.window.test_session import SECONDS, start
from tests.desktop_app.window_kit import Kit

SAY_ITS_TABS = """
say("up")
window.tabs.changed.connect(lambda _tab: say([tab.document.name for tab in window.tabs.all]))
"""
CHOOSE = (
    "from desktop_app.dialogs.question import QuestionDialog as Q; "
    "Q.exec = lambda self: setattr(self, 'answer', '{}')\n"
)


def program(root: Path, profile: Path, *files: str, answer: str = "cancel") -> subprocess.Popen[str]:
    """The program itself; a question is answered at once."""
    code = CHOOSE.format(answer) + "import sys; from desktop_app.app import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "--profile", str(profile), *files]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(root)}
    return subprocess.Popen(command, cwd=profile.parent, env=environment, stderr=subprocess.PIPE, encoding="utf-8")


def next_line(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def test_files_of_a_second_start_open_in_the_first_window(root: Path, tmp_path: Path):
    profile = tmp_path / "profile"
    for name in ("一.txt", "two.txt"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    with start(root, profile, SAY_ITS_TABS) as first:
        try:
            assert next_line(first) == "up"
            with program(root, profile, "一.txt", str(tmp_path / "two.txt")) as second:
                assert second.wait(SECONDS) == 0
                assert second.stderr is not None
                assert second.stderr.read() == ""
            while (names := next_line(first)) != ["一.txt", "two.txt"]:
                assert len(names) <= 2
            first.send_signal(signal.SIGTERM)
            assert first.wait(SECONDS) == 0
        finally:
            first.kill()
    with start(root, profile, "say(state_of(window)['tabs']); window.close()") as again:
        assert next_line(again) == ["一.txt", "two.txt"], "the place is free again, and the session is whole"
        assert again.wait(SECONDS) == 0


def test_a_start_after_a_kill_opens_a_window(root: Path, tmp_path: Path):
    profile = tmp_path / "profile"
    with start(root, profile, "say('up')") as first:
        assert next_line(first) == "up"
        run_for(300)  # it listens by then
        first.send_signal(signal.SIGKILL)
        first.wait(SECONDS)
    with start(root, profile, "say('up too'); window.close()") as second:
        assert next_line(second) == "up too"
        assert second.wait(SECONDS) == 0


@pytest.mark.parametrize("answer", ["cancel", "second_window"])
def test_a_first_window_that_hangs_is_said_after_a_short_wait(root: Path, tmp_path: Path, answer: str):
    profile = tmp_path / "profile"
    with start(root, profile, "say('up')") as first:
        try:
            assert next_line(first) == "up"
            first.send_signal(signal.SIGSTOP)
            begun = time.monotonic()
            with program(root, profile, answer=answer) as second:
                assert second.stderr is not None
                assert "does not answer" in second.stderr.readline()
                assert 4 < time.monotonic() - begun < 20
                if answer == "second_window":
                    assert wait_until(lambda: len(list(profile.glob("state/recovery/*.lock"))) == 2, SECONDS)
                    second.send_signal(signal.SIGTERM)
                assert second.wait(SECONDS) == (1 if answer == "cancel" else 0)
        finally:
            first.send_signal(signal.SIGCONT)
            first.kill()


# ---- in the first window ----------------------------------------------------------------------------------------


@pytest.fixture
def place(kit: Kit) -> WindowPlace:
    made = WindowPlace(kit.locks, kit.folder / "state", Disk(), kit.window)
    LaterStarts(made, kit.window, kit.window.take_paths)
    return made


def test_the_first_window_comes_to_the_front_even_without_files(kit: Kit, place: WindowPlace, monkeypatch):
    monkeypatch.setenv(TOKEN_VARIABLE, "old")
    kit.window.showMinimized()
    place.asked.emit(WindowMessage((), "new"))
    assert not kit.window.windowState() & Qt.WindowState.WindowMinimized
    assert kit.window.isVisible()
    assert os.environ[TOKEN_VARIABLE] == "new"
    assert len(kit.window.tabs.all) == 1


def test_files_wait_until_an_open_question_is_answered(kit: Kit, place: WindowPlace, tmp_path: Path):
    from desktop_app.dialogs.question import Answer, Question, QuestionDialog

    path = tmp_path / "a.txt"
    path.write_text("a", encoding="utf-8")
    dialog = QuestionDialog(Question("?", "", (Answer("ok", "OK"),)), kit.window)
    seen: list[int] = []

    def ask_then_answer() -> None:
        place.asked.emit(WindowMessage((str(path),)))
        run_for(500)
        seen.append(len(kit.window.tabs.all))
        seen.append(kit.text == "a")
        dialog.accept()

    QTimer.singleShot(0, ask_then_answer)
    dialog.exec()
    assert seen == [1, False]
    assert wait_until(lambda: kit.text == "a", 5)


def test_a_path_of_a_later_start_that_is_no_file_is_one_message(kit: Kit, place: WindowPlace, tmp_path: Path):
    place.asked.emit(WindowMessage((str(tmp_path / "gone.txt"),)))
    assert wait_until(lambda: bool(kit.answers.told), 5)
    assert "gone.txt" in kit.answers.told[0][1]
