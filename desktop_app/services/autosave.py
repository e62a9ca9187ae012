"""When unsaved text goes to the recovery store: soon after a pause, and every now and then while typing goes on.

    touched ──0.35 s without another──→ due        (on the disk within half a second of a pause)
    touched ──1.5 s since the first unwritten one──→ due       (a crash costs at most two seconds of typing)

`Rhythm` is the rule alone, with the time handed in. `Autosave` runs it on a Qt timer, takes the snapshot on the
window's thread and writes in the background, one write at a time. Knows the store and the clock; must not know widgets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QTimer, Signal

from desktop_app.document.errors import DocumentError
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.recovery import RecoveryStore
from desktop_app.services.background import Background

PAUSE_MS = 350
LONGEST_MS = 1500
RETRY_MS = 5000  # after a failed write: the disk may be full for a while


class Rhythm:
    """The rule: when is the next write due? Times in milliseconds of any clock that never goes back."""

    def __init__(self, pause_ms: float = PAUSE_MS, longest_ms: float = LONGEST_MS) -> None:
        self._pause_ms = pause_ms
        self._longest_ms = longest_ms
        self._first: float | None = None
        self._last = 0.0

    def touch(self, now_ms: float) -> None:
        """The text changed."""
        if self._first is None:
            self._first = now_ms
        self._last = now_ms

    def due_at(self) -> float | None:
        """When to write; None while everything is written."""
        if self._first is None:
            return None
        return min(self._last + self._pause_ms, self._first + self._longest_ms)

    def taken(self) -> None:
        """A snapshot was taken: what changes from now on is new."""
        self._first = None


class Autosave(QObject):
    """Keeps the open documents in the recovery store. `snapshot` gives all of them as they are now, as copies."""

    kept = Signal()
    failed = Signal(object)  # DocumentError; said once until a write succeeds again

    def __init__(
        self,
        store: RecoveryStore,
        snapshot: Callable[[], Sequence[KeptDocument]],
        background: Background,
        parent: QObject | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(parent)
        self._store = store
        self._snapshot = snapshot
        self._background = background
        self._clock = clock
        self._rhythm = Rhythm()
        self._is_writing = False
        self._has_failed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_due)

    def touched(self) -> None:
        """Call on every change of text; cheap."""
        self._rhythm.touch(self._now_ms())
        self._schedule()

    def forget(self, key: str) -> None:
        """A document was closed: what is on its way to the store goes there first, then all of it is dropped."""
        self._background.run(lambda: self._store.forget(key), lambda _done: None, self.failed.emit)

    def flush(self) -> None:
        """Write now and return when it is done: before the program ends. Raises `DocumentError`."""
        self._timer.stop()
        self._rhythm.taken()
        self._background.wait()  # an older text on its way must not arrive after this one
        self._store.keep(self._snapshot())

    def _now_ms(self) -> float:
        return self._clock() * 1000.0

    def _schedule(self) -> None:
        due = self._rhythm.due_at()
        if due is not None and not self._is_writing:
            self._timer.start(max(0, int(due - self._now_ms())))

    def _on_due(self) -> None:
        due = self._rhythm.due_at()
        if due is None or self._is_writing:
            return
        if due > self._now_ms():  # timers may fire a little early
            self._schedule()
            return
        documents = tuple(self._snapshot())
        self._rhythm.taken()
        self._is_writing = True
        self._background.run(lambda: self._store.keep(documents), self._on_kept, self._on_failed)

    def _on_kept(self, _: object) -> None:
        self._is_writing = False
        self._has_failed = False
        self.kept.emit()
        self._schedule()

    def _on_failed(self, error: DocumentError) -> None:
        self._is_writing = False
        self._rhythm.touch(self._now_ms())
        self._timer.start(RETRY_MS)
        if not self._has_failed:
            self._has_failed = True
            self.failed.emit(error)
