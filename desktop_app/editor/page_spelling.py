"""The misspelt words of what one sees of a page: looked for when typing rests, marked when the dictionary answers.

    a key → "changed" (marks move along, a clock starts)     400 ms later: the visible paragraphs, some around them
    scroll, another answer → the same, sooner                words → Speller → marks

The word that is being typed is not marked before the caret leaves it. Nothing is looked for on a key's own time.

Knows the view, words, the speller. Must not know: menus, how a mark looks.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QTextBlock, QTextCursor

from desktop_app.editor.spelling_marks import Range
from desktop_app.editor.text_units import units_of_text
from desktop_app.editor.view import EditorView
from desktop_app.spelling.speller import Speller
from desktop_app.spelling.words import Word, is_fence, misspelt, words_of

PAUSE_MS = 400
SOON_MS = 60
LONGEST_S = 1.5
_AROUND = 4  # paragraphs above and below what is seen
_MARKS_BOUND = 400  # of a page; more is a text in another language
_LOOK_BACK = 400  # paragraphs in which the beginning of a block of code is looked for


class PageSpelling(QObject):
    """Follows one view for as long as it lives."""

    def __init__(self, view: EditorView, speller: Speller, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._view, self._speller = view, speller
        self._typed_end: int | None = None  # where the last change ended
        self._spared: Range | None = None
        self._waits_since = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._look)
        view.document().contentsChange.connect(self._on_change)
        view.cursorPositionChanged.connect(self._on_caret)
        view.verticalScrollBar().valueChanged.connect(lambda _value: self._look_in(SOON_MS))
        speller.answered.connect(self._look_when_seen)
        speller.changed.connect(self._look_when_seen)
        self._look_in(PAUSE_MS)

    def come_to_front(self) -> None:
        """The page is looked at."""
        self._look_in(SOON_MS)

    # ---- on the key path --------------------------------------------------------------------------------------

    def _on_change(self, position: int, removed: int, added: int) -> None:
        if self._speller.is_on:
            self._view.misspelt.follow(position, removed, added)
            self._typed_end, self._spared = position + added, None
            if not self._timer.isActive():
                self._waits_since = time.monotonic()
            if time.monotonic() - self._waits_since < LONGEST_S:  # a model that streams makes no pause
                self._timer.start(PAUSE_MS)

    def _on_caret(self) -> None:
        if self._spared is not None and not _holds(self._spared, self._view.textCursor().position()):
            self._spared = self._typed_end = None
            self._look_in(SOON_MS)

    # ---- when it rests ----------------------------------------------------------------------------------------

    def _look_in(self, milliseconds: int) -> None:
        if self._speller.is_on and not self._timer.isActive():
            self._timer.start(milliseconds)

    def _look_when_seen(self) -> None:
        if self._speller.is_on:
            self._look_in(SOON_MS)
        else:
            self._timer.stop()
            self._view.misspelt.show(())

    def _look(self) -> None:
        if not self._speller.is_on or not self._view.isVisible():
            return
        marks: list[Range] = []
        unknown: list[str] = []
        for block in self._blocks():
            bad, not_known = misspelt(words_of(block.text()), self._speller.verdict, self._speller.alphabets)
            unknown += not_known
            marks += ranges_of(block, bad)
        self._view.misspelt.show(self._without_typed_word(marks)[:_MARKS_BOUND])
        if unknown:
            self._speller.ask(unknown)

    def _without_typed_word(self, marks: list[Range]) -> list[Range]:
        """The word in which the last change ended waits for as long as the caret is in it too."""
        caret, end = self._view.textCursor().position(), self._typed_end
        if end is None:
            return marks
        block = self._view.textCursor().block()
        places = [*marks, *ranges_of(block, words_of(block.text()))]  # the dictionary may not know it yet
        self._spared = next((place for place in places if _holds(place, caret) and _holds(place, end)), None)
        return [mark for mark in marks if mark != self._spared]

    def _blocks(self) -> Iterator[QTextBlock]:
        """The paragraphs that are seen and those around them, without those of code."""
        seen = self._view.visible_blocks(self._view.viewport().rect())
        if not seen:
            return
        block, after = seen[0].block, seen[-1].block
        for _ in range(_AROUND):
            block = block.previous() if block.previous().isValid() else block
            after = after.next() if after.next().isValid() else after
        yield from prose_blocks(block, after)


def prose_blocks(first: QTextBlock, last: QTextBlock) -> Iterator[QTextBlock]:
    """The paragraphs from one to another, without blocks of code."""
    inside, block = is_inside_code(first), first
    while block.isValid() and block.position() <= last.position():
        if is_fence(block.text()):
            inside = not inside
        elif not inside:
            yield block
        block = block.next()


def is_inside_code(block: QTextBlock) -> bool:
    """Whether a block of code has begun before this paragraph and not ended."""
    inside, before = False, block.previous()
    for _ in range(_LOOK_BACK):
        if not before.isValid():
            break
        inside ^= is_fence(before.text())
        before = before.previous()
    return inside


def ranges_of(block: QTextBlock, words: list[Word] | tuple[Word, ...]) -> list[Range]:
    """Where words of a paragraph are on the page."""
    text, first = block.text(), block.position()
    if len(text) == block.length() - 1:  # every character is one unit
        return [(first + word.start, first + word.end) for word in words]
    return [(first + units_of_text(text[: word.start]), first + units_of_text(text[: word.end])) for word in words]


def text_at(view: EditorView, place: Range) -> str:
    """What the page holds there."""
    cursor = QTextCursor(view.document())
    cursor.setPosition(place[0])
    cursor.setPosition(place[1], QTextCursor.MoveMode.KeepAnchor)
    return cursor.selectedText()


def _holds(place: Range, position: int) -> bool:
    return place[0] <= position <= place[1]
