"""One Qt application for a test process, and waiting that runs its event loop."""

import atexit
import os
import time
from collections.abc import Callable

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

_kept: list[QCoreApplication] = []


def application() -> QCoreApplication:
    """The application of this process; a full one, since other tests of the same process show widgets."""
    existing = QCoreApplication.instance()
    if existing is None:
        existing = QApplication(["tests", "-style", "fusion"])
        _kept.append(existing)
        atexit.register(_empty_clipboard)
    return existing


def _empty_clipboard() -> None:
    # The offscreen one outlives the interpreter, and would then delete what Python made: a crash after the last test.
    QApplication.clipboard().clear()


def wait_until(is_so: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Run the event loop until `is_so`, at most `seconds`; whether it came true."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            return False
        QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 20)
    return True


def run_for(milliseconds: int) -> None:
    """Run the event loop for a while."""
    wait_until(lambda: False, milliseconds / 1000)


def forget_exit() -> None:
    """After an `exit` that no `exec` of the application heard, every later event loop would end before it began."""
    QTimer.singleShot(0, application(), lambda: QCoreApplication.exit(0))  # `quit` would close the windows first
    application().exec()


def delete_now(thing: object) -> None:
    """Delete a QObject at once."""
    thing.deleteLater()  # type: ignore[attr-defined]
    QCoreApplication.sendPostedEvents(thing, QEvent.Type.DeferredDelete.value)  # type: ignore[arg-type]
