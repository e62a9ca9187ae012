"""Work in the background, one thing after the other, with the answer on the thread that asked.

    run(work, done, failed)   work() on one worker thread; then done(result) or failed(error) on the asking thread

The only helper for background work in the window's process. Knows threads and Qt's queued signals; must not know what
the work is. Errors other than `DocumentError` are defects: Python reports them, and `failed` is called all the same.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal

from desktop_app.document.errors import DocumentError, defect


class Background(QObject):
    """One worker thread. Build it on the thread that wants the answers, and `close` it there."""

    _answered = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._workers = ThreadPoolExecutor(max_workers=1, thread_name_prefix="background")
        self._answered.connect(self._call_back, Qt.ConnectionType.QueuedConnection)

    def run(
        self,
        work: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[DocumentError], None],
    ) -> None:
        """Do `work` after all that is waiting already."""
        self._workers.submit(self._work, work, done, failed)

    def wait(self) -> None:
        """Return when all that was handed over is done; the answers come later, as always."""
        self._workers.submit(lambda: None).result()

    def close(self) -> None:
        """Finish what is waiting and end the thread; answers that have not come yet are dropped."""
        self._workers.shutdown(wait=True)

    def _work(
        self,
        work: Callable[[], Any],
        done: Callable[[Any], None],
        failed: Callable[[DocumentError], None],
    ) -> None:
        try:
            result = work()
        except DocumentError as error:
            problem = error  # `error` is gone when this block ends
            self._answer(lambda: failed(problem))
        except Exception as error:  # noqa: BLE001 — whoever waits for the answer must not wait for ever
            sys.excepthook(type(error), error, error.__traceback__)
            found = defect(error)
            self._answer(lambda: failed(found))
        else:
            self._answer(lambda: done(result))

    def _answer(self, call: Callable[[], None]) -> None:
        try:
            self._answered.emit(call)
        except RuntimeError:
            pass  # the asker is gone

    def _call_back(self, call: Callable[[], None]) -> None:
        call()
