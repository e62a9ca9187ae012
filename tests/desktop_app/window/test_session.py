"""The session comes back: files, untitled texts, order, the tab in front, caret, scroll position, branch."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from desktop_app.controls.session_control import SessionControl
from desktop_app.document.disk import Disk
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.last_session import FILE_NAME, LastSession, SessionFile, TabState
from desktop_app.document.model import Document
from desktop_app.document.nextstroke_file import SUFFIX, StoredDocument, save_document
from desktop_app.document.origins import TYPED, Origin
from desktop_app.services.settings import SettingsStore
from tests.desktop_app.services.qt import run_for, wait_until
from tests.desktop_app.window_kit import Kit

SECONDS = 60
SAY_AND_CLOSE = "run_for(300); say(state_of(window)); window.close()"


def start(root: Path, profile: Path, steps: str, *files: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.desktop_app.driven_window", str(profile), steps, *map(str, files)]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(root)}
    return subprocess.Popen(command, cwd=root, env=environment, stdout=subprocess.PIPE, encoding="utf-8")


def run(root: Path, profile: Path, steps: str, *files: Path) -> list[Any]:
    """What the program says until it ends."""
    with start(root, profile, steps, *files) as process:
        try:
            said, _ = process.communicate(timeout=SECONDS)
        finally:
            process.kill()
    assert process.returncode == 0
    return [json.loads(line) for line in said.splitlines()]


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    made = []
    for name in ("one.txt", "长 篇.md", "three.txt"):
        path = tmp_path / name
        path.write_text("".join(f"{name} 第 {line} 行\n" for line in range(200)), encoding="utf-8")
        made.append(path)
    return made


# Three files and an untitled text; the second file is in front, scrolled and with its caret in the middle.
WORK = """
window.tabs.new()
QTest.keyClicks(window.view, "never saved")
window.tabs.bring_to_front(window.tabs.all[1])
cursor = window.view.textCursor()
cursor.setPosition(1000)
window.view.setTextCursor(cursor)
QTest.keyClicks(window.view, "XYZ")
run_for(50)
window.view.verticalScrollBar().setValue(40)
"""


@pytest.mark.parametrize("end", ["in order", "killed"])
def test_the_next_start_shows_what_was_there(root: Path, tmp_path: Path, files: list[Path], end: str):
    profile = tmp_path / "profile"
    if end == "in order":
        # Leaving as the system asks (log-out) asks no question about the changed file.
        (before,) = run(root, profile, WORK + "say(state_of(window)); window.leave_at_once()", *files)
    else:
        with start(root, profile, WORK + "run_for(2500); say(state_of(window))", *files) as process:
            assert process.stdout is not None
            before = json.loads(process.stdout.readline())
            process.send_signal(signal.SIGKILL)
    (after,) = run(root, profile, "run_for(300); say(state_of(window)); window.leave_at_once()")
    assert after["tabs"] == ["one.txt", "长 篇.md", "three.txt", "Untitled"]
    assert after["modified"] == [False, True, False, True]
    for name in ("front", "text", "caret", "scroll", "branch"):
        assert after[name] == before[name], name
    assert (after["caret"], after["scroll"]) == (1003, 40)
    assert "长 篇.md" in after["message"]
    (last,) = run(root, profile, "window.tabs.step(2); run_for(100); say(state_of(window)); window.leave_at_once()")
    assert (last["front"], last["text"]) == ("Untitled", "never saved")


def test_closed_texts_stay_closed_and_the_switch_gives_an_empty_start(root: Path, tmp_path: Path, files: list[Path]):
    profile = tmp_path / "profile"
    run(
        root,
        profile,
        "window.tabs.close(); window.tabs.new(); QTest.keyClicks(window.view, 'mine'); window.close()",
        *files,
    )
    (after,) = run(root, profile, SAY_AND_CLOSE)
    assert after["tabs"] == ["one.txt", "长 篇.md", "Untitled"]
    run(root, profile, "window.actions_by_name['reopen'].trigger(); window.close()")
    (after,) = run(root, profile, SAY_AND_CLOSE)
    assert (after["tabs"], after["text"]) == (["Untitled"], "mine"), "what was not saved comes back in any case"


def test_a_named_file_joins_the_last_session_and_is_in_front(root: Path, tmp_path: Path, files: list[Path]):
    run(root, tmp_path / "profile", "window.close()", *files[:2])
    (after,) = run(root, tmp_path / "profile", SAY_AND_CLOSE, files[2], files[0])
    assert after["tabs"] == ["one.txt", "长 篇.md", "three.txt"]
    assert after["front"] == "one.txt"


def test_a_damaged_session_file_costs_the_order_and_no_text(root: Path, tmp_path: Path, files: list[Path]):
    profile = tmp_path / "profile"
    run(root, profile, WORK + "window.leave_at_once()", *files)
    (profile / "state" / FILE_NAME).write_bytes(b"\0" * 500)
    (after,) = run(root, profile, "run_for(300); say(state_of(window)); window.leave_at_once()")
    assert sorted(after["tabs"]) == ["Untitled", "one.txt", "three.txt", "长 篇.md"]
    assert sorted(zip(after["tabs"], after["modified"], strict=True))[-1] == ("长 篇.md", True)
    assert len(json.loads((profile / "state" / FILE_NAME).read_text(encoding="utf-8"))["tabs"]) == 4


# ---- in one process ---------------------------------------------------------------------------------------------


def test_a_file_that_vanished_is_said_and_its_text_is_still_there(kit: Kit, tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("saved", encoding="utf-8")
    kit.window.opening.open(str(path))
    kept = kit.window.document.snapshot()
    kit.window.tabs.close()
    path.unlink()
    kit.window.tabs.restore((kept,))
    assert kit.text == "saved"
    assert kit.window.document.is_modified
    assert "a.txt" in kit.message
    assert "does not exist any more" in kit.message
    assert "save it to put the file back" in kit.message
    kit.trigger("save")
    assert kit.window.document.path == path


def two_branches(path: Path) -> int:
    document = Document()
    document.insert(0, "the first branch", Origin(TYPED))
    other = document.fork(4, "other")
    document.insert(4, "other branch", Origin(TYPED), branch=other)
    save_document(Disk(), path, StoredDocument(document))
    return other


@pytest.mark.parametrize("typed", ["", "XYZ "])
def test_the_branch_that_was_shown_is_shown_again(kit: Kit, tmp_path: Path, typed: str):
    path = tmp_path / f"novel{SUFFIX}"
    other = two_branches(path)
    kit.window.opening.open(str(path))
    kit.view.link.model.switch(other)
    assert kit.text == "the other branch"
    kit.view.moveCursor(kit.view.textCursor().MoveOperation.Start)
    kit.type(typed)
    kept, state = kit.window.document.snapshot(), kit.window.document.state()
    assert state.branch == other
    kit.answers.answer = "discard"
    kit.window.tabs.close()
    kit.window.tabs.restore((kept,))
    model = kit.view.link.model
    assert (kit.text, model.current) == (typed + "the other branch", other)
    assert model.text(branch=1) == "the first branch", "a branch is no edit of another one"


@pytest.fixture
def session(kit: Kit, tmp_path: Path) -> SessionControl:
    return SessionControl(kit.window.tabs, SessionFile(tmp_path / "state", Disk()), kit.background, kit.window)


def test_the_session_is_written_while_one_works(kit: Kit, session: SessionControl, tmp_path: Path):
    def on_disk() -> LastSession:
        return SessionFile(tmp_path / "state", Disk()).load()

    kit.type("abc")
    assert wait_until(lambda: [tab.caret for tab in on_disk().tabs] == [3], 5)
    kit.trigger("new")
    assert wait_until(lambda: (len(on_disk().tabs), on_disk().front) == (2, 1), 5)
    kit.window.tab_area.tabBar().moveTab(1, 0)
    assert wait_until(lambda: [tab.caret for tab in on_disk().tabs] == [0, 3], 5)
    kit.window.tabs.step(1)
    session.save_now()
    assert on_disk() == LastSession(tuple(tab.document.state() for tab in kit.window.tabs.all), 1)


def test_a_session_that_does_not_change_is_not_written_again(kit: Kit, session: SessionControl, tmp_path: Path):
    assert wait_until(lambda: (tmp_path / "state" / FILE_NAME).exists(), 5)
    written = (tmp_path / "state" / FILE_NAME).stat().st_ino
    kit.type("a")
    kit.trigger("undo")
    run_for(1500)
    assert (tmp_path / "state" / FILE_NAME).stat().st_ino == written


def test_a_failure_is_tried_again(kit: Kit, tmp_path: Path):
    (tmp_path / "state").write_text("in the way", encoding="utf-8")
    session = SessionControl(kit.window.tabs, SessionFile(tmp_path / "state", Disk()), kit.background)
    session.save_now()
    kit.type("a")
    session.save_now()
    (tmp_path / "state").unlink()
    session.save_now()
    assert SessionFile(tmp_path / "state", Disk()).load().tabs == (kit.window.document.state(),)


def test_the_switch_is_remembered(kit: Kit):
    assert kit.window.actions_by_name["reopen"].isChecked()
    kit.trigger("reopen")
    kit.settings.save_now()
    assert not SettingsStore(kit.store.path, Disk()).load().reopen_texts


def test_a_sleeping_text_keeps_its_place_in_the_session(kit: Kit):
    kept = replace(KeptDocument.of_text("k", "text"), caret=2, scroll=9, branch=4)
    kit.window.tabs.restore((KeptDocument.of_text("front", "x"), kept))
    assert kit.window.tabs.all[1].document.state() == TabState("k", None, 2, 9, 4)
