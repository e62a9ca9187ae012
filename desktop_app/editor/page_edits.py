"""What a person does to the page beyond plain keys, each at its exact place and with its origin.

    paste, drop, cut, move · typing over a selection · an input method's commit · replacing found or misspelt words

All of it goes to the document model first (`document_link` says why) and leaves the caret where Qt would.

Knows: the page's widget, the link, the clipboard's form. Must not know: drawing, how keys and events reach the widget.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QDropEvent, QInputMethodEvent, QKeyEvent
from PySide6.QtWidgets import QPlainTextEdit

from desktop_app.document.any_file import too_long_line
from desktop_app.document.history import TYPING
from desktop_app.document.origins import Passage
from desktop_app.editor.clipboard import LINE_ENDS, mime_of, passages_of
from desktop_app.editor.document_link import DocumentLink

PASTE, DROP, CUT, REPLACE = "paste", "drop", "cut", "replace"  # kinds of steps


class PageEdits:
    """The edits of one page. Positions are Qt's."""

    def __init__(self, page: QPlainTextEdit, link: DocumentLink, refuse_line: Callable[[], None]) -> None:
        self._page, self._link, self._refuse_line = page, link, refuse_line

    @property
    def selection(self) -> tuple[int, int]:
        """Where the selection begins and ends; both are the caret where there is none."""
        cursor = self._page.textCursor()
        return cursor.selectionStart(), cursor.selectionEnd()

    def place_caret(self, position: int) -> None:
        """Put the caret there, in sight, with nothing selected."""
        cursor = self._page.textCursor()
        cursor.setPosition(position)
        self._page.setTextCursor(cursor)
        self._page.ensureCursorVisible()

    def replace_text(self, start: int, end: int, passages: Sequence[Passage], kind: str) -> None:
        """Replace a part of the page by text of these origins, as one step; the caret goes behind it."""
        before = self._link.model.units()
        self._link.replace(start, end, passages, kind)
        self.place_caret(end + self._link.model.units() - before)

    def replace_found(self, places: Sequence[tuple[int, int]], text: str) -> None:
        """Replace every place by words that the person typed, as one step. The places are in order."""
        with self._link.step(REPLACE):
            for start, end in reversed(places):
                self._link.type_over(start, end, text)

    # ---- clipboard and drags ----------------------------------------------------------------------------------

    def selection_as_mime(self) -> QMimeData:
        """What copying, cutting and dragging take along."""
        return mime_of(self._link.passages(*self.selection), self._link.model.origins.records)

    def cut(self) -> None:
        """Take the selection onto the clipboard."""
        start, end = self.selection
        if start < end:
            self._page.copy()
            self.replace_text(start, end, (), CUT)

    def put(self, source: QMimeData, start: int, end: int, kind: str = PASTE) -> None:
        """Characters and where they came from, nothing else of what the clipboard or a drag holds."""
        passages, records = passages_of(source)
        if too_long_line("".join(passage.text for passage in passages)):
            self._refuse_line()  # no file with such a line is opened either
            return
        for name, says in records.items():
            if name not in self._link.model.origins.records:
                self._link.set_record(name, says)
        self.replace_text(start, end, passages, kind)

    def drop(self, event: QDropEvent, at: int) -> None:
        """Text from elsewhere comes in at `at`; the page's own selection moves there, as one step."""
        start, end = self.selection
        is_own = event.source() in (self._page, self._page.viewport()) and start < end
        event.acceptProposedAction()
        if is_own and start <= at <= end:
            return
        if is_own and event.dropAction() == Qt.DropAction.MoveAction:
            self._move(start, end, at)
        else:
            self.put(event.mimeData(), at, at, DROP)

    def _move(self, start: int, end: int, at: int) -> None:
        passages = self._link.passages(start, end)
        to = at if at < start else at - (end - start)
        with self._link.step(DROP):
            self._link.replace(start, end, (), DROP)
            self._link.replace(to, to, passages, DROP)
        self.place_caret(to + end - start)

    # ---- typing -----------------------------------------------------------------------------------------------

    def type_over_selection(self, event: QKeyEvent) -> bool:
        """Whether a key replaced the selection: all of it is typed then, also what stays the same character."""
        has_command = event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.MetaModifier)
        text = "\n" if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) else event.text()
        start, end = self.selection
        if has_command or start == end or not text or not (text.isprintable() or text in "\n\t"):
            return False
        self.place_caret(self._link.type_over(start, end, text))
        return True

    def compose(self, event: QInputMethodEvent, end_composition: Callable[[], None]) -> QInputMethodEvent:
        """Do what an input method does to the text; returns what is left for Qt, which is to draw.

        Qt would report a change of the whole paragraph, in which the same character before and behind is no longer told
        apart. `end_composition` takes the composed text off the page, where it was only drawn.
        """
        start, end = self.selection
        if event.commitString() or event.replacementLength():
            end_composition()
            if event.replacementLength():
                start = max(0, start + event.replacementStart())
                end = min(start + event.replacementLength(), self._page.document().characterCount() - 1)
            text = event.commitString().replace("\r\n", "\n").translate(LINE_ENDS)
            self.place_caret(self._link.type_over(start, end, text))
            return QInputMethodEvent(event.preeditString(), event.attributes())
        if event.preeditString() and start < end:
            self._link.replace(start, end, (), TYPING)  # what is committed joins this step
            self.place_caret(start)
        return event
