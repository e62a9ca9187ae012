"""When an open document is written into its own file: soon after the writing stops.

    touched ──0.7 s without another──→ due → a copy on the window's thread → written in the background

    changed outside   not written any more, and said, until the person has saved or read the file again
    any other fault   said once; tried again after five seconds, then ten, at most a minute
    a save by hand, a close: what is on its way is finished first (`settle`), so that nobody meets a half-known file;
                      where the disk does not answer one can give up, and the end of the program does

The recovery store is written all the same, before this: the file is a snapshot, the store is the safety. Knows the
clock and the document's face. Must not know: widgets, words.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from desktop_app.document.disk import Disk
from desktop_app.document.errors import NOT_CONFIRMED, ChangedOutside, DocumentError, defect
from desktop_app.document.resting_save import RestingDocument, Written, write_at_rest
from desktop_app.document.text_file import FileVersion
from desktop_app.document.versions import EarlierText
from desktop_app.services.autosave import Rhythm
from desktop_app.services.patience import Begun, GivenUp

Result = TypeVar("Result")
PAUSE_MS = 700  # with the timer and the hand-over, the write begins within a second
RETRY_MS, LONGEST_RETRY_MS = 5_000, 60_000
CLOSING_S = 3.0  # for the last write when the program ends; the text is in the recovery store all the same


class Restful(Protocol):
    """What is asked of a document."""

    def at_rest(self) -> RestingDocument | None:
        """A copy to write; None where the file holds everything, or is none that is written by itself."""

    def written_at_rest(self, resting: RestingDocument, written: Written) -> None:
        """The file holds that copy now; more may have been written since."""


class Files(Protocol):
    """Where it is written: every write on a thread of its own, since a network disk may take its time."""

    def begin(self, path: Path, work: Callable[[Disk], Result]) -> Begun[Result]:
        """Do it while the window goes on."""


class FileAutosave(QObject):
    """Of one document."""

    failed = Signal(object)  # DocumentError, each kind once until a write succeeds
    stopped = Signal(object)  # DocumentError: nothing is written until the person has decided

    def __init__(
        self,
        document: Restful,
        files: Files,
        parent: QObject | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(parent)
        self._document, self._files, self._clock = document, files, clock
        self._rhythm = Rhythm(PAUSE_MS, math.inf)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_due)
        self._writing: _Writing | None = None
        self._passing: EarlierText | None = None
        self._stopped_at: FileVersion | None = None
        self._is_closed = False
        self._said = ""
        self._retry_ms = 0
        self._not_before_ms = 0.0

    @property
    def is_writing(self) -> bool:
        """Whether a write is on its way; what the file holds is not known then."""
        return self._writing is not None

    def touched(self) -> None:
        """The document changed; cheap."""
        self._rhythm.touch(_now_ms())
        self._schedule()

    def settle(self) -> None:
        """Finish what is on its way: the person saves. What they save stays among the earlier texts."""
        self._finish()
        self._passing = None
        self._forget_faults()

    def close(self) -> None:
        """Finish what is on its way, if that is soon; nothing more is written."""
        self._is_closed = True
        self._timer.stop()
        if self._writing is not None and self._writing.begun is not None:
            self._writing.begun.end_within(CLOSING_S)
            self._take(self._writing)

    def write_now(self) -> None:
        """Write what is not in the file yet, and return when it is done or has failed: the document is closed."""
        self._finish()
        resting = self._due_document()
        if resting is not None:
            self._begin(resting)
            self._finish()

    def _schedule(self) -> None:
        due = self._rhythm.due_at()
        if due is not None and self._writing is None and not self._is_closed:
            self._timer.start(max(0, int(max(due, self._not_before_ms) - _now_ms())))

    def _on_due(self) -> None:
        due = self._rhythm.due_at()
        if due is None or self._writing is not None:
            return
        if max(due, self._not_before_ms) > _now_ms():  # timers may fire a little early
            self._schedule()
            return
        self._rhythm.taken()
        resting = self._due_document()
        if resting is not None:
            self._begin(resting)

    def _due_document(self) -> RestingDocument | None:
        resting = self._document.at_rest()
        return None if resting is None or resting.known == self._stopped_at else resting

    def _begin(self, resting: RestingDocument) -> None:
        writing = self._writing = _Writing(resting, self._passing, self._clock)
        writing.begun = self._files.begin(resting.path, writing.run)
        writing.begun.when_ended(lambda: self._take(writing))

    def _finish(self) -> None:
        writing = self._writing
        if writing is None or writing.begun is None:
            return
        if isinstance(writing.begun.wait(), GivenUp):
            self._writing = None
        else:
            self._take(writing)

    def _take(self, writing: _Writing) -> None:
        if writing is not self._writing:  # it was waited for, and taken then; or given up
            if writing.written is not None and not writing.is_taken:
                writing.is_taken = True
                self._document.written_at_rest(writing.resting, writing.written)
            return
        self._writing = None
        writing.is_taken = True
        if writing.error is not None:
            self._on_error(writing.resting, writing.error)
        elif writing.written is not None:
            self._passing, self._stopped_at = writing.written.passing, None
            self._forget_faults()
            self._document.written_at_rest(writing.resting, writing.written)
        self._schedule()

    def _forget_faults(self) -> None:
        self._said, self._retry_ms, self._not_before_ms = "", 0, 0.0

    def _on_error(self, resting: RestingDocument, error: DocumentError) -> None:
        if isinstance(error, ChangedOutside) or error.kind == NOT_CONFIRMED:  # the file is not what was seen of it
            self._stopped_at = resting.known
            self.stopped.emit(error)
            return
        self._retry_ms = min(max(RETRY_MS, 2 * self._retry_ms), LONGEST_RETRY_MS)
        self._not_before_ms = _now_ms() + self._retry_ms
        if self._rhythm.due_at() is None:
            self._rhythm.touch(_now_ms())
        if error.kind != self._said:
            self._said = error.kind
            self.failed.emit(error)


class _Writing:
    """One write, done on a thread of its own; its outcome is read on the window's thread after it."""

    def __init__(self, resting: RestingDocument, passing: EarlierText | None, clock: Callable[[], float]) -> None:
        self.resting = resting
        self.begun: Begun[None] | None = None
        self.written: Written | None = None
        self.error: DocumentError | None = None
        self.is_taken = False
        self._passing, self._clock = passing, clock

    def run(self, disk: Disk) -> None:
        """Never raises: `error` holds what went wrong."""
        try:
            self.written = write_at_rest(disk, self.resting, self._passing, self._clock)
        except DocumentError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 — a write that ends without a word would never be tried again
            sys.excepthook(type(error), error, error.__traceback__)
            self.error = defect(error)


def _now_ms() -> float:
    return time.monotonic() * 1000.0
