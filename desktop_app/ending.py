"""End in order when the system asks for it: SIGTERM at log-out, SIGINT from a terminal.

Python runs its signal handlers only between its own steps, and Qt's loop makes none; a byte in a pipe wakes the loop
up. Knows: signals (of POSIX; elsewhere there is nothing to watch). Must not know: what is to be written at the end.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from PySide6.QtCore import QObject, QSocketNotifier


class SignalWatch(QObject):
    """Calls `leave` on the thread of the loop when SIGTERM or SIGINT arrives."""

    def __init__(self, leave: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._leave = leave
        self._ends: tuple[int, ...] = ()
        if os.name != "posix":
            return
        self._ends = read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        os.set_blocking(write_end, False)
        signal.set_wakeup_fd(write_end)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: None)
        self._notifier = QSocketNotifier(read_end, QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_signal)

    def close(self) -> None:
        """Give the signals back."""
        if not self._ends:
            return
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        for end in self._ends:
            os.close(end)
        self._ends = ()

    def _on_signal(self) -> None:
        try:
            os.read(self._ends[0], 64)
        except BlockingIOError:
            return
        self._leave()
