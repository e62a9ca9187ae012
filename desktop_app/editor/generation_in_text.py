"""One generation as the document sees it: a place that grows, one undo step, and the way to do it over.

    text before | start ……generated…… end | text after

The place is held by two cursors, so the person's caret is free. All pieces join one step: one undo removes the whole
generation, one redo brings it back. Doing it over removes the old text inside the same step, so that undo brings the
old one back. Every piece has the generation's record as its origin.

Knows: text cursors, the link to the document model. Must not know: the engine, timers, settings, what a record says.
"""

from __future__ import annotations

import secrets

from PySide6.QtGui import QTextCursor

from desktop_app.document.origins import GENERATED, Origin, Passage, Record
from desktop_app.editor.scripts import needs_space
from desktop_app.editor.view import EditorView

GENERATION = "generation"  # the kind of step
_LINE_ENDS = str.maketrans({"\r": None, "\x00": None, "\u2028": "\n", "\u2029": "\n"})


class GenerationInText:
    """Inserts pieces of one generation at `position`. `replaces` is the generation that this one is instead of."""

    def __init__(self, view: EditorView, position: int, replaces: GenerationInText | None = None) -> None:
        self._view = view
        self.replaces = replaces
        self._start = QTextCursor(view.document())
        self._start.setPosition(position)
        self._start.setKeepPositionOnInsert(True)
        self._end = QTextCursor(self._start)
        self._end.setKeepPositionOnInsert(False)
        self._text = ""
        self._step = 0
        self._link = view.link
        self._model = view.link.model  # another document may be on the page when the last event comes
        self.record = f"g{secrets.token_hex(8)}"
        self.says: Record = {}
        self.is_inserting = False  # true while the document changes by our hand

    @property
    def start(self) -> int:
        """Where the generated text begins."""
        return self._start.position()

    @property
    def end(self) -> int:
        """Where the next piece goes."""
        return self._end.position()

    @property
    def text(self) -> str:
        """What was inserted so far."""
        return self._text

    def is_intact(self) -> bool:
        """Whether the document still holds exactly what was inserted, in its place."""
        return bool(self._text) and self._present_text() == self._text

    def is_undone(self) -> bool:
        """Whether nothing is left of it, as after an undo."""
        return self._start.position() == self._end.position()

    def insert(self, piece: str) -> None:
        """Put the next piece on the page, following it with the view only where its end was in sight."""
        piece = piece.translate(_LINE_ENDS)
        if not piece and not (self.replaces and not self._step):
            return
        was_in_sight = self._is_in_sight()
        kept = self._selection_to_keep()
        self.is_inserting = True
        try:
            self._edit(piece)
        finally:
            self.is_inserting = False
        self._text += piece
        if kept is not None:
            self._select(*kept)
        if was_in_sight:
            self._bring_into_sight()

    def separate(self) -> None:
        """Keep the last word apart from a word that was there: one space more, in the same step of undo."""
        if self._text and needs_space(self._text[-2:], self._view.character_at(self.end)):
            self.insert(" ")

    def _edit(self, piece: str) -> None:
        passages = (Passage(piece, Origin(GENERATED, self.record)),) if piece else ()
        start, end = self.end, self.end
        if self.replaces is not None and not self._step:
            start, end = self.replaces.start, self.replaces.end
        self._step = self._link.replace(start, end, passages, GENERATION, joins=self._step)

    def say(self, record: Record) -> None:
        """What the record of this generation says by now."""
        self.says = record
        if self._model is self._link.model:
            self._link.set_record(self.record, record)
        else:
            self._model.set_record(self.record, record)

    def _present_text(self) -> str:
        cursor = QTextCursor(self._view.document())
        cursor.setPosition(self.start)
        cursor.setPosition(self.end, QTextCursor.MoveMode.KeepAnchor)
        return cursor.selectedText().replace("\u2029", "\n")

    def _selection_to_keep(self) -> tuple[int, int] | None:
        # Text inserted at the edge of a selection would otherwise be drawn into it. "Select all" stays all, though:
        # deleting must not leave what came in between.
        cursor = self._view.textCursor()
        is_all = cursor.selectionStart() == 0 and cursor.selectionEnd() == self._view.document().characterCount() - 1
        if cursor.hasSelection() and not is_all and self.end in (cursor.position(), cursor.anchor()):
            return cursor.anchor(), cursor.position()
        return None

    def _select(self, anchor: int, position: int) -> None:
        top = self._view.verticalScrollBar().value()
        cursor = self._view.textCursor()
        cursor.setPosition(anchor)
        cursor.setPosition(position, QTextCursor.MoveMode.KeepAnchor)
        self._view.setTextCursor(cursor)
        self._view.verticalScrollBar().setValue(top)

    def _is_in_sight(self) -> bool:
        rectangle = self._view.cursorRect(self._end)
        return rectangle.bottom() > 0 and rectangle.top() < self._view.viewport().height()

    def _bring_into_sight(self) -> None:
        """Scroll by whole lines, and only when the last line would otherwise be cut."""
        bar = self._view.verticalScrollBar()
        height = self._view.viewport().height()
        while self._view.cursorRect(self._end).bottom() > height and bar.value() < bar.maximum():
            bar.setValue(bar.value() + 1)
