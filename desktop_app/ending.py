"""End in order when the system asks for it: SIGTERM at log-out, SIGINT from a terminal, SIGHUP when that is closed.

Python runs its signal handlers only between its own steps, and Qt's loop makes none; a byte in a pipe wakes the loop
up. From its making on, a signal waits until somebody says how to leave: nobody leaves with half a window built, and a
second signal does not cut the writing at the end short. Knows: signals (of POSIX; elsewhere there is nothing to watch).
Must not know: what is to be written at the end.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from PySide6.QtCore import QObject, QSocketNotifier


class SignalWatch(QObject):
    """Leaves on the thread of the loop when such a signal arrives, or has arrived since this was made.

    A signal that was ignored when the program started (`nohup`) stays ignored.
    """

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._leave: Callable[[], None] | None = None
        self.is_asked = False  # whether a signal was answered
        self._watched: list[int] = []
        self._ends: tuple[int, ...] = ()
        if os.name != "posix":
            return
        self._ends = read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        os.set_blocking(write_end, False)
        signal.set_wakeup_fd(write_end)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, lambda _number, _frame: None)
                self._watched.append(number)
        self._notifier = QSocketNotifier(read_end, QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._on_signal)

    def leave_by(self, leave: Callable[[], None]) -> None:
        """Say how to leave; a signal that has come already is answered as soon as a loop runs."""
        self._leave = leave
        if self.is_asked:
            leave()

    def close(self) -> None:
        """Everything is written and the process ends by itself: a further signal only spoils its exit status."""
        if not self._ends:
            return
        self._notifier.setEnabled(False)
        for number in self._watched:
            signal.signal(number, signal.SIG_IGN)
        signal.set_wakeup_fd(-1)
        for end in self._ends:
            os.close(end)
        self._ends = ()

    def _on_signal(self) -> None:
        try:
            os.read(self._ends[0], 64)
        except BlockingIOError:
            return
        self.is_asked = True
        if self._leave is not None:
            self._leave()
