"""End in order when the system asks for it: SIGTERM at log-out, SIGINT from a terminal.

Python runs its signal handlers only between its own steps, and Qt's loop makes none; a socket wakes the loop up.
Knows: signals. Must not know: what is to be written at the end.
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable

from PySide6.QtCore import QObject, QSocketNotifier


class SignalWatch(QObject):
    """Calls `leave` on the thread of the loop when SIGTERM or SIGINT arrives."""

    def __init__(self, leave: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._leave = leave
        self._read_end, self._write_end = socket.socketpair()
        self._read_end.setblocking(False)
        self._write_end.setblocking(False)
        signal.set_wakeup_fd(self._write_end.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: None)
        self._notifier = QSocketNotifier(self._read_end.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_signal)

    def close(self) -> None:
        """Give the signals back."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        self._read_end.close()
        self._write_end.close()

    def _on_signal(self) -> None:
        try:
            self._read_end.recv(64)
        except BlockingIOError:
            return
        self._leave()
