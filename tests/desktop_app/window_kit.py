"""The real window over a canned engine, with the test in the place of the person who answers questions."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from desktop_app.dialogs.difference_pane import Comparison
from desktop_app.dialogs.earlier_texts_dialog import EarlierTexts
from desktop_app.dialogs.export_dialog import ExportChoices
from desktop_app.dialogs.origin_sheet import OriginAccount
from desktop_app.dialogs.parts_dialog import PartOf
from desktop_app.dialogs.question import Question
from desktop_app.document.disk import Disk
from desktop_app.document.file_claims import FileClaims
from desktop_app.document.text_parts import TextPart
from desktop_app.editor.continuation import IDLE
from desktop_app.editor.view import EditorView
from desktop_app.look.resource_files import resource_file
from desktop_app.look.theme import Theme
from desktop_app.main_window import MainWindow, Services
from desktop_app.open_texts import patient_files
from desktop_app.services.background import Background
from desktop_app.services.export_jobs import ExportJobs
from desktop_app.services.languages import LanguageSwitch
from desktop_app.services.patience import Waiting
from desktop_app.services.settings import SettingsStore
from desktop_app.settings_in_use import SettingsInUse
from desktop_app.spelling.speller import Speller
from tests.desktop_app.fake_bridge import FakeBridge
from tests.desktop_app.services.qt import delete_now, wait_until


@dataclass
class Answers:
    """Dialogs that answer by themselves and remember what was asked."""

    path: str = ""
    answer: str = ""
    family: str | None = None
    asked: list[Question] = field(default_factory=list)
    told: list[tuple[str, str]] = field(default_factory=list)
    keys: list[tuple[str, str]] = field(default_factory=list)
    origins: list[OriginAccount] = field(default_factory=list)
    export: ExportChoices | None = None
    proposed: list[ExportChoices] = field(default_factory=list)
    compared: list[Comparison] = field(default_factory=list)
    chosen_earlier: tuple[str, int] | None = None
    earlier: list[EarlierTexts] = field(default_factory=list)
    patience_s: float = 30.0  # how long this person waits for a disk
    waited: list[tuple[str, str]] = field(default_factory=list)
    parts: list[TextPart] = field(default_factory=list)
    notice: str = ""

    def ask(self, question: Question) -> str:
        self.asked.append(question)
        assert self.answer in {answer.key for answer in question.answers}, question
        return self.answer

    def tell(self, title: str, text: str) -> None:
        self.told.append((title, text))

    def path_to_open(self, title: str, folder: str, kinds: str) -> str:
        return self.path

    def path_to_save(self, title: str, proposal: str, kinds: str) -> str:
        return self.path

    def folder(self, title: str, start: str) -> str:
        return self.path

    def font_family(self, present: str) -> str | None:
        return self.family

    def export_choices(self, present: ExportChoices) -> ExportChoices | None:
        self.proposed.append(present)
        return self.export

    def ask_with_difference(self, question: Question, comparison: Comparison) -> str:
        self.compared.append(comparison)
        return self.ask(question)

    def earlier_text(self, earlier: EarlierTexts) -> tuple[str, int] | None:
        self.earlier.append(earlier)
        return self.chosen_earlier

    def wait(self, waiting: Waiting) -> None:
        self.waited.append((waiting.words.line, waiting.words.slow_line))
        wait_until(lambda: waiting.is_over, self.patience_s)

    def show_parts(self, title: str, notice: str, count: int, part_of: PartOf) -> None:
        self.notice = notice
        self.parts = [part for number in range(min(count, 3)) if (part := part_of(number)) is not None]

    def show_keys(self, title: str, rows: list[tuple[str, str]]) -> None:
        self.keys = rows

    def show_origin(self, account: OriginAccount) -> None:
        self.origins.append(account)


def _theme(application: QApplication) -> Theme:
    # One for the process: a style sheet on the application costs half a second.
    if not _themes:
        _themes.append(Theme(application, "light"))
    return _themes[0]


_themes: list[Theme] = []


class Kit:
    """One window, its engine and its answers."""

    def __init__(
        self,
        folder: Path,
        application: QApplication,
        bridge: Any = None,
        disk: Disk | None = None,
        with_spelling: bool = False,
    ) -> None:
        disk = disk or Disk()
        self.folder = folder
        patient_files.GLANCE_MS = 5_000  # on a busy machine too, a look at a file is done when it returns
        self.locks = folder.with_name(f"{folder.name} locks")  # not among the files of a test
        self.bridge = bridge or FakeBridge()
        self.answers = Answers()
        self.background = Background()
        self.speller = Speller(folder / "config", folder / "data", disk, self.background) if with_spelling else None
        self.store = SettingsStore(folder / "settings.toml", disk)
        self.settings = SettingsInUse(self.store)
        self.languages = LanguageSwitch(application, resource_file("i18n"))
        self.theme = _theme(application)
        self.theme.use("light")
        self.window = MainWindow(
            Services(
                settings=self.settings,
                bridge=self.bridge,
                theme=self.theme,
                disk=disk,
                claims=FileClaims(self.locks, disk),
                background=self.background,
                export_jobs=ExportJobs(folder / "models", disk, lambda: "", find_python=lambda _setting: None),
                language=lambda: self.languages.language,
                set_language=self.languages.apply,
                make_speller=(lambda: self.speller) if self.speller is not None else None,
            ),
            self.answers,
        )
        self.window.show()
        self.window.activateWindow()
        self.view.setFocus()
        QApplication.processEvents()

    @property
    def view(self) -> EditorView:
        """The page in front."""
        return self.window.view

    def write(self, text: str) -> None:
        """Put a text on the page with the caret at its end."""
        self.view.load_text(text)
        self.view.moveCursor(self.view.textCursor().MoveOperation.End)

    def press(self, key: Qt.Key, modifiers: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(self.view, key, modifiers)

    def type(self, text: str) -> None:
        QTest.keyClicks(self.view, text)

    def trigger(self, action: str) -> None:
        self.window.actions_by_name[action].trigger()

    def generate(self, *pieces: str) -> None:
        """Continue, and let the engine write `pieces` to the end."""
        self.trigger("continue")
        self.answer(*pieces)

    def answer(self, *pieces: str) -> None:
        """Let the engine answer what was asked with `pieces`, to the end."""
        self.bridge.begin()
        self.bridge.write(*pieces)
        self.bridge.finish()
        assert self.settle()

    def settle(self) -> bool:
        """Wait until everything received is on the page."""
        return wait_until(lambda: self.window.continuation.state == IDLE, 5)

    @property
    def text(self) -> str:
        return self.view.text()

    @property
    def message(self) -> str:
        return self.window.status_line.message

    def focusable(self) -> list[QWidget]:
        """Every widget that the keyboard can reach."""
        return [
            widget
            for widget in self.window.findChildren(QWidget)
            if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and not widget.objectName().startswith("qt_")
        ]

    def close(self) -> None:
        for tab in self.window.tabs.all:
            tab.view.document().setModified(False)
        self.window.close()
        self.window.services.claims.close()
        delete_now(self.window)
        if self.speller is not None:
            self.speller.close()
        self.background.close()
        self.languages.apply("en")
