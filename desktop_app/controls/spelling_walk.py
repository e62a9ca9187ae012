"""To the next misspelt word of a text, however long: some paragraphs at a time, the window alive in between.

    behind the caret → … → end → beginning → … → the caret     words that are not known are asked for

Knows: one view, the speller. Must not know: menus, marks.
"""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QTextBlock, QTextCursor

from desktop_app.editor.page_spelling import is_inside_code, ranges_of
from desktop_app.editor.view import EditorView
from desktop_app.spelling.speller import Speller
from desktop_app.spelling.words import Word, is_fence, misspelt, words_of

_AT_ONCE_CHARACTERS = 8_000  # a few milliseconds


class SpellingWalk(QObject):
    """One walk at a time; a new one ends the one before."""

    told = Signal(str)

    def __init__(self, speller: Speller, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._speller = speller
        self._view: EditorView | None = None
        self._revision = self._from = 0
        self._caret = (0, 0)  # where it is, and where a selection begins
        self._number = 0  # of the paragraph that is next
        self._is_around = False  # the end was passed
        self._is_code = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._go_on)
        speller.answered.connect(lambda: self._timer.start(0) if self._view is not None else None)
        speller.failed.connect(lambda _error: self._end())

    def start(self, view: EditorView) -> None:
        """Look from behind the caret of this page."""
        self._view, self._is_around = view, False
        self._revision = view.document().revision()
        self._from, self._caret = view.textCursor().selectionEnd(), _caret_of(view)
        block = view.document().findBlock(self._from)
        self._number, self._is_code = block.blockNumber(), is_inside_code(block)
        self._timer.start(0)

    def leave(self, view: EditorView) -> None:
        """The page goes."""
        if view is self._view:
            self._view = None

    def _end(self) -> None:
        self._view = None

    def _go_on(self) -> None:
        view = self._view
        if view is None or self._is_over(view):
            self._view = None
            return
        seen = 0
        while seen < _AT_ONCE_CHARACTERS:
            block = self._next_block(view)
            if block is None:
                self._view = None
                self.told.emit(self.tr("No misspelt word was found."))
                return
            bad, unknown = misspelt(self._words(block), self._speller.verdict, self._speller.alphabets)
            if unknown:
                self._speller.ask([*unknown, *self._unknown_ahead(block)])
                return  # `answered` goes on
            place = next((each for each in ranges_of(block, bad) if self._is_around or each[0] >= self._from), None)
            if place is not None:
                self._select(view, *place)
                return
            self._is_code ^= is_fence(block.text())
            self._number += 1
            seen += block.length()
        self._timer.start(0)

    def _is_over(self, view: EditorView) -> bool:
        is_other = view.document().revision() != self._revision or _caret_of(view) != self._caret
        return is_other or not view.isVisible() or not self._speller.is_on

    def _next_block(self, view: EditorView) -> QTextBlock | None:
        """The paragraph that is next, round the end; None where the walk has come round."""
        block = view.document().findBlockByNumber(self._number)
        if not block.isValid() and not self._is_around:
            self._is_around, self._is_code, self._number = True, False, 0
            block = view.document().firstBlock()
        has_come_round = self._is_around and block.position() > self._from
        return None if has_come_round or not block.isValid() else block

    def _words(self, block: QTextBlock) -> tuple[Word, ...]:
        return () if self._is_code or is_fence(block.text()) else words_of(block.text())

    def _unknown_ahead(self, block: QTextBlock) -> Iterator[str]:
        """Words of the paragraphs behind, so that one question serves many; too many do no harm."""
        seen, block = 0, block.next()
        while seen < _AT_ONCE_CHARACTERS and block.isValid():
            yield from misspelt(words_of(block.text()), self._speller.verdict, self._speller.alphabets)[1]
            seen += block.length()
            block = block.next()

    def _select(self, view: EditorView, start: int, end: int) -> None:
        self._view = None
        cursor = view.textCursor()
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        view.setTextCursor(cursor)
        view.ensureCursorVisible()


def _caret_of(view: EditorView) -> tuple[int, int]:
    cursor = view.textCursor()
    return cursor.position(), cursor.anchor()
