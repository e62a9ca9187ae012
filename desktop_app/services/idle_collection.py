"""Python's search for cyclic garbage, moved to moments when nobody writes.

    touched ──> not now      a second of rest ──> the young objects      five ──> all, where many are new

Python searches whenever it has made 700 objects more than it gave up. With a document of a million characters open that
is every fiftieth key, for half a millisecond, and from time to time for 20 to 180 ms (tests/bench/document_speed.py):
felt while typing. Searching from the window's thread alone has a second use: no worker ever ends a Qt object of it.

Knows `gc` and a timer. Must not know what is written.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

LOOK_MS = 500
REST_SECONDS = 1.0
LONG_REST_SECONDS = 5.0
YOUNG_ENOUGH = 2_000  # fewer new objects are not worth a look
# New objects, some 150 MB: searched at once, also while one writes. A copy of a long document on its way to the disk
# has hundreds of thousands for a moment, and to search among them takes half a second.
TOO_MANY = 2_000_000
MANY = 20_000  # that came since the last search of all
GROWN = 0.25  # of all objects, as Python itself has it


class IdleCollection(QObject):
    """From its making on Python does not search by itself; `close` gives that back."""

    def __init__(self, parent: QObject | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(parent)
        self._clock = clock
        self._touched = clock()
        self._pending = self._all = 0  # objects that came since the last search of all, and that were there then
        gc.disable()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)
        self._timer.start(LOOK_MS)

    def touched(self) -> None:
        """Somebody, or the model, writes."""
        self._touched = self._clock()

    def look(self) -> None:
        """Search, where this is the moment for it."""
        young, rest = gc.get_count()[0], self._clock() - self._touched
        if young > TOO_MANY or (young > YOUNG_ENOUGH and rest >= REST_SECONDS):
            self._pending += young
            gc.collect(1)
        if rest >= LONG_REST_SECONDS and self._pending > max(MANY, GROWN * self._all):
            gc.collect()
            self._pending, self._all = 0, len(gc.get_objects())

    def close(self) -> None:
        """Python searches by itself again."""
        self._timer.stop()
        gc.enable()
