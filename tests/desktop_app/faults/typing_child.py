"""The real program, typed into ten times a second, until somebody kills it.

    python -m tests.desktop_app.faults.typing_child PROFILE → "typed N" on standard output after every key

The engine is a canned one. Knows: how the program starts. Must not know: when it will be killed.
"""

import os
import sys
from itertools import count

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from desktop_app import app
from desktop_app.editor.view import EditorView
from desktop_app.services import engine_bridge
from tests.desktop_app.fake_bridge import FakeBridge

EVERY_MS = 100
LETTERS = "abcdefghijklmnopqrstuvwxyz "
keys = count(1)


def letter(number: int) -> str:
    """The letter that is typed at this place."""
    return LETTERS[number % len(LETTERS)]


def type_one() -> None:
    """One key press into the page, as a person makes it."""
    number = next(keys)
    view = next(widget for widget in QApplication.allWidgets() if isinstance(widget, EditorView))
    QTest.keyClicks(view, letter(number))
    print(f"typed {number}", flush=True)


def main() -> None:
    """Start the program with an empty page, and type."""
    engine_bridge.EngineBridge = FakeBridge  # type: ignore[misc, assignment]
    timer = QTimer()
    timer.setInterval(EVERY_MS)
    timer.timeout.connect(type_one)
    run = QApplication.exec

    def run_and_type(*arguments: object) -> int:
        view = next(widget for widget in QApplication.allWidgets() if isinstance(widget, EditorView))
        view.selectAll()
        QTest.keyClicks(view, "\b")
        timer.start()
        return run()

    QApplication.exec = run_and_type  # type: ignore[method-assign, assignment]
    app.main(["--profile", sys.argv[1]])


if __name__ == "__main__":
    main()
