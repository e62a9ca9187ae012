"""One tab: a page, the document on it, the writing-on in it, its counts.

    view ── document ── continuation ── counts      made together, closed together

Knows: what belongs to one text. Must not know: other tabs, bars, panels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QFont

from desktop_app.dialogs.dialogs import Dialogs
from desktop_app.document.disk import Disk
from desktop_app.document.file_claims import FileClaims
from desktop_app.editor.continuation import Choices, Continuation, Generator
from desktop_app.editor.page_counts import PageCounts
from desktop_app.editor.view import EditorView
from desktop_app.look.tokens import Tokens
from desktop_app.open_texts.open_document import OpenDocument
from desktop_app.open_texts.patient_files import PatientFiles
from desktop_app.services.background import Background
from desktop_app.services.file_autosave import FileAutosave

if TYPE_CHECKING:  # it can wait for the first picture
    from desktop_app.editor.page_spelling import PageSpelling


@dataclass(frozen=True)
class Look:
    """How every page looks."""

    tokens: Tokens
    font: QFont
    marks: str  # a name of `origin_marks.MARKS`


@dataclass(frozen=True)
class Shared:
    """What all tabs have in common."""

    disk: Disk
    claims: FileClaims
    dialogs: Dialogs
    bridge: Generator
    background: Background
    choices: Callable[[], Choices]
    find_obstacle: Callable[[], str]
    look: Callable[[], Look]
    autosaves_text_files: Callable[[], bool]


class Tab(QObject):
    """The parts of one text. `close` ends what goes on in it; the parts are then not to be used any more."""

    def __init__(self, shared: Shared, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shared = shared
        self._worn = look = shared.look()
        self.view = EditorView(look.tokens, look.font)
        self.view.set_marks(look.marks)
        self.document = OpenDocument(self.view, shared.disk, shared.claims, shared.dialogs, self)
        self.continuation = Continuation(self.view, shared.bridge, shared.choices, shared.find_obstacle, self)
        self.counts = PageCounts(self.view, shared.background, self)
        self.spelling: PageSpelling | None = None  # where words are checked
        self.document.replaced.connect(self.continuation.forget)
        self.view.line_refused.connect(self.document.tell_line_refused)
        self.file_autosave = FileAutosave(self.document, PatientFiles(shared.disk, shared.dialogs), self)
        self.document.autosaved_by(self.file_autosave, shared.autosaves_text_files)

    def renew_look(self) -> None:
        """Take the present colours and font. A long text is laid out anew for it, so a hidden tab waits."""
        look = self._shared.look()
        if look == self._worn:
            return
        before, self._worn = self._worn, look
        if (look.tokens, look.font) != (before.tokens, before.font):
            self.view.set_look(look.tokens, look.font)
        self.view.set_marks(look.marks)

    def come_to_front(self) -> None:
        """It is the tab that is looked at."""
        self.renew_look()
        self.document.wake()

    def close(self) -> None:
        """End what goes on here and let everything go; the document's text is saved or given up by now."""
        self.continuation.stop()
        self.counts.stop()
        self.file_autosave.close()
        self.document.close()
        self.view.deleteLater()
        self.deleteLater()
