"""The window as a person has it, with its recovery store and settings, for the fault matrix: the one file that follows
the program's insides.

    with WindowAtWork(profile, ground, "en") as window: window.write(); window.said …

Knows how `app.py` puts the window together. Must not know situations or what is expected of an operation.
"""

import re
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any
from unittest import mock

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from desktop_app import app
from desktop_app.controls.session_control import SessionControl
from desktop_app.dialogs.question import Question
from desktop_app.document.disk import Disk
from desktop_app.document.last_session import SessionFile
from desktop_app.document.recovery import RecoveryStore
from desktop_app.open_texts.difference_questions import KEEP
from desktop_app.panels.status_line import StatusLine
from desktop_app.services.paths import ProfilePaths
from tests.desktop_app.faults.situations import Ground
from tests.desktop_app.services.qt import application, wait_until
from tests.desktop_app.window_kit import Kit

# What is said of what went well, in both languages.
WELL = re.compile(
    "(?s)"
    "(Saved|Exporting|Exported|Imported) .*|Changes that were not saved in .* are back.*"
    "|已保存.*|正在导出.*|已导出.*|已把.*导入为新的文字.*|.*中未保存的更改已恢复.*|.*中没有保存的修改找回来了.*"
)
LONG = ("从前" * 30 + "\n") * 60
Passages = list[tuple[str, str]]


class WindowAtWork:
    """One start of the program. `said` holds every problem that a person was told or asked about, in order."""

    def __init__(self, profile: Path, ground: Ground, language: str) -> None:
        self.said: list[str] = []
        self.well: list[str] = []
        self._language = language
        self._spy = mock.patch.object(StatusLine, "say", self._hear(StatusLine.say))
        self._spy.start()
        self.paths = ProfilePaths.under(profile)
        self.paths.config.mkdir(parents=True, exist_ok=True)
        self.kit = Kit(self.paths.config, application(), disk=ground.disk)
        self.kit.answers.answer, self.kit.answers.ask = "cancel", self._answer  # type: ignore[method-assign]
        self.kit.languages.apply(language)
        self.kit.bridge.come_up()
        self._start()

    def _start(self) -> None:
        """What `app._run` does after the window is built."""
        window, disk = self.kit.window, self.kit.window.services.disk
        self.recovery, kept = app._open_recovery(window, self.paths)
        self.session_file = SessionFile(self.paths.state, disk)
        session = self.session_file.load()
        app._reopen(window, self.paths, session, self.recovery, kept)
        self.autosave = app._keep_text(window, self.recovery, self.kit.background)
        self.session = SessionControl(window.tabs, self.session_file, self.kit.background, window)
        QApplication.processEvents()

    def __enter__(self) -> "WindowAtWork":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.crash()

    def crash(self) -> None:
        """End without saving anything; what a killed process leaves. A second call does nothing."""
        if self._spy is None:
            return
        if self.autosave is not None:
            self.autosave._timer.stop()
        self.kit.background.wait()
        QApplication.processEvents()
        self.kit.background.wait()
        self.session._timer.stop()
        if self.recovery is not None:
            self.recovery.close()
        self.kit.close()
        self.kit.settings._timer.stop()
        self._spy.stop()
        self._spy = None

    # ---- what a person does -----------------------------------------------------------------------------------

    def write(self) -> None:
        """A page of two origins, larger than a block of the disk."""
        self.kit.view.moveCursor(self.kit.view.textCursor().MoveOperation.End)
        self.kit.view.textCursor().insertText(LONG)
        self.kit.type("Once ")
        self.kit.generate("upon a time 😀", " 从前")
        self.kit.type(" there")

    def keep(self) -> bool:
        """Wait until the recovery store holds the text, or says that it cannot."""
        assert self.autosave is not None
        done: list[Any] = []
        self.autosave.kept.connect(lambda: done.append(True))
        self.autosave.failed.connect(lambda _error: done.append(False))
        self.autosave.touched()
        assert wait_until(lambda: bool(done), 20)
        return bool(done[-1])

    def is_alive(self) -> bool:
        """A key reaches the page, and another takes it away."""
        before = self.kit.text
        self.kit.view.moveCursor(self.kit.view.textCursor().MoveOperation.End)
        self.kit.type("x")
        typed = self.kit.text
        self.kit.press(Qt.Key.Key_Backspace)
        return len(typed) == len(before) + 1 and self.kit.text == before

    def problems(self) -> list[str]:
        """Everything told and asked that is no good news."""
        told = [f"{title}: {text}" for title, text in self.kit.answers.told]
        asked = [f"{question.title}: {question.text}" for question in self.kit.answers.asked]
        return [*self.said, *told, *(each for each in asked if not WELL.fullmatch(each))]

    def forget_problems(self) -> None:
        """Listen anew."""
        self.said.clear()
        self.kit.answers.told.clear()
        self.kit.answers.asked.clear()

    # ---- what is there ----------------------------------------------------------------------------------------

    def passages(self, tab: Any = None) -> Passages:
        """Every character of a page with its origin."""
        model = (tab or self.kit.window.tabs.current).view.link.model
        return [(text, origin.kind) for text, origin in model.passages()]

    def all_passages(self) -> list[Passages]:
        """Of every tab."""
        return [self.passages(tab) for tab in self.kit.window.tabs.all]

    @property
    def tab(self) -> Any:
        """The one in front."""
        return self.kit.window.tabs.current

    @property
    def store(self) -> Path:
        """The recovery store's file."""
        return self.paths.state / "recovery" / "recovery.db"

    def _answer(self, question: Question) -> str:
        """What came back after a crash is kept; anything else as the cell wants it."""
        self.kit.answers.asked.append(question)
        keys = {answer.key for answer in question.answers}
        return KEEP if KEEP in keys else self.kit.answers.answer

    def _hear(self, say: Any) -> Any:
        window = self

        def heard(line: StatusLine, message: str, stays: bool = False) -> None:
            (window.well if WELL.fullmatch(message) else window.said).append(message)
            say(line, message, stays)

        return heard


def kept_in(profile: Path, copy: Path) -> list[str]:
    """The texts that a start would find in the recovery store if the computer stopped now."""
    found = ProfilePaths.under(profile).state / "recovery"
    (copy / "recovery").mkdir(parents=True)
    for each in found.glob("recovery.db*"):
        if each.is_file():
            shutil.copyfile(each, copy / "recovery" / each.name)
    store = RecoveryStore(copy, Disk())
    try:
        return [document.text for document in store.take_over()]
    finally:
        store.close()
