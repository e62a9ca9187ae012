"""The session on the disk while one works: tabs, carets, scroll positions, written a moment after they change.

    tabs change ──1 s──> worker: SessionFile.save        the end: at once

Knows: tabs, the file of the session. Must not know: what is in it, texts.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from desktop_app.document.errors import DocumentError
from desktop_app.document.last_session import LastSession, SessionFile
from desktop_app.open_texts.tabs import Tabs
from desktop_app.services.background import Background

SAVE_AFTER_MS = 1000  # what a crash may cost of a caret's way


class SessionControl(QObject):
    """From its making on, what the tabs hold is kept.

    A failure is not told: it costs the order of the tabs and no text, and the next change tries again. It lies beside
    the recovery store, whose own message about the same disk must be the only one.
    """

    def __init__(self, tabs: Tabs, file: SessionFile, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tabs, self._file, self._background = tabs, file, background
        self._written: LastSession | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SAVE_AFTER_MS)
        self._timer.timeout.connect(self._save)
        for signal in (tabs.touched, tabs.scrolled, tabs.changed, tabs.current_changed, tabs.closed, tabs.shown_anew):
            signal.connect(self._note)
        self._note()

    def save_now(self) -> None:
        """Write what is not written yet and return when it is done."""
        self._timer.stop()
        self._background.wait()  # an older one on its way must not arrive after this one
        session = self._present()
        if session != self._written:
            try:
                self._file.save(session)
            except DocumentError as error:
                self._fail(error)

    def _note(self, *_tab: object) -> None:
        if not self._timer.isActive():  # so typing without a pause does not put it off
            self._timer.start()

    def _present(self) -> LastSession:
        tabs = self._tabs.all
        return LastSession(tuple(tab.document.state() for tab in tabs), tabs.index(self._tabs.current))

    def _save(self) -> None:
        session = self._present()
        if session != self._written:
            self._written = session
            self._background.run(lambda: self._file.save(session), lambda _: None, self._fail)

    def _fail(self, _error: DocumentError) -> None:
        self._written = None
