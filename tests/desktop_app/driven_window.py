"""The real program in a process of its own, over a canned engine, driven by a few lines of Python.

    python -m tests.desktop_app.driven_window PROFILE STEPS [FILE…]     STEPS: code that sees `window` and `say`

`say(value)` prints one line of JSON. The loop runs until the steps close the window or somebody ends the process.
Knows: how the program starts. Must not know: what is asked of it.
"""

import json
import os
import sys

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from desktop_app import app
from desktop_app.main_window import MainWindow
from desktop_app.services import engine_bridge
from tests.desktop_app.fake_bridge import FakeBridge
from tests.desktop_app.services.qt import run_for, wait_until


def say(value: object) -> None:
    """One line for the one who started this process."""
    print(json.dumps(value, ensure_ascii=False), flush=True)


def state_of(window: MainWindow) -> dict[str, object]:
    """The tabs as a person sees them."""
    return {
        "tabs": [tab.document.name for tab in window.tabs.all],
        "front": window.document.name,
        "text": window.view.text(),
        "caret": window.view.textCursor().position(),
        "scroll": window.view.verticalScrollBar().value(),
        "branch": window.view.link.model.current,
        "modified": [tab.document.is_modified for tab in window.tabs.all],
        "message": window.status_line.message,
    }


def main() -> int:
    """Start, drive, stay."""
    profile, steps, *files = sys.argv[1:]
    engine_bridge.EngineBridge = FakeBridge  # type: ignore[misc, assignment]
    run = QApplication.exec

    def drive() -> None:
        window = next(widget for widget in QApplication.topLevelWidgets() if isinstance(widget, MainWindow))
        names = {"window": window, "say": say, "state_of": state_of, "QTest": QTest, "QTimer": QTimer}
        is_done = False
        try:
            exec(compile(steps, "steps", "exec"), names | {"run_for": run_for, "wait_until": wait_until})  # noqa: S102
            is_done = True
        finally:
            if not is_done:
                QApplication.exit(3)

    def run_and_drive(*_arguments: object) -> int:
        QTimer.singleShot(0, drive)
        return run()

    QApplication.exec = run_and_drive  # type: ignore[method-assign, assignment]
    return app.main(["--profile", profile, *files])


if __name__ == "__main__":
    sys.exit(main())
