"""A start while a window of the same profile is open: its files go there, and that window comes to the front.

    second start: message ──> first window: raised, files in tabs
                  nobody answers ──> said, with a second window as the way out

Knows the place of the window, the question. Must not know tabs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from PySide6.QtCore import QCoreApplication, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from desktop_app.dialogs.question import Answer, Question
from desktop_app.services.window_message import WindowMessage
from desktop_app.services.window_place import WindowPlace

SECOND_WINDOW, CANCEL = "second_window", "cancel"
TOKEN_VARIABLE = "XDG_ACTIVATION_TOKEN"
_QUESTION_MS = 200
SILENT = "error: Nextstroke runs already, but its window does not answer; wait a moment, or end that process"

translate = QCoreApplication.translate  # the name that lupdate looks for


def hands_over(place: WindowPlace, files: Sequence[str], ask: Callable[[Callable[[], Question]], str]) -> int | None:
    """Hand the files to the first window; the exit status of this start, or None where it is to open a window.

    `ask` makes its question after it has brought up language and theme.
    """
    message = WindowMessage(
        tuple(os.path.join(os.getcwd(), file) for file in files), os.environ.get(TOKEN_VARIABLE, "")
    )
    if place.deliver(message):
        return 0
    if place.take():  # the first one has ended meanwhile
        return None
    if sys.stderr is not None:
        print(SILENT, file=sys.stderr)
    return None if ask(_question) == SECOND_WINDOW else 1


def _question() -> Question:
    return Question(
        translate("SecondStart", "Nextstroke is running, but does not answer"),
        translate("SecondStart", "Its window may be busy. A second window is safe: no file is open in both."),
        (
            Answer(SECOND_WINDOW, translate("SecondStart", "Open a Second Window")),
            Answer(CANCEL, translate("SecondStart", "Cancel"), is_default=True),
        ),
    )


class LaterStarts(QObject):
    """In the first window: does what later starts ask, one after the other, and not while a question is open."""

    def __init__(self, place: WindowPlace, window: QWidget, open_paths: Callable[[list[str]], None]) -> None:
        super().__init__(window)
        self._window, self._open_paths = window, open_paths
        self._waiting: list[WindowMessage] = []
        self._timer = QTimer(self)
        self._timer.setInterval(_QUESTION_MS)
        self._timer.timeout.connect(self._go_on)
        place.asked.connect(self._take)

    def _take(self, message: WindowMessage) -> None:
        if message.token:
            os.environ[TOKEN_VARIABLE] = message.token  # Qt's Wayland part looks there
        self._raise()
        if message.paths:
            self._waiting.append(message)
            self._timer.start()
            QTimer.singleShot(0, self, self._go_on)

    def _raise(self) -> None:
        if self._window.isMinimized():
            self._window.setWindowState(self._window.windowState() & ~Qt.WindowState.WindowMinimized)
        self._window.show()
        front = QApplication.activeModalWidget() or self._window
        front.raise_()
        front.activateWindow()

    def _go_on(self) -> None:
        if QApplication.activeModalWidget() is not None:
            return  # an answer is awaited; what it is about must not change meanwhile
        self._timer.stop()
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            self._open_paths(list(message.paths))
