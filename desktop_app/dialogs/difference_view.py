"""A difference to be read: one column, what went struck through, what came underlined, the unchanged folded.

    … 12 unchanged paragraphs …
    She left. He [came](went) home.        the change where the keyboard stands has a band of its own

Knows rows of a difference and how they look. Must not know: which two texts they are, what follows from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QCoreApplication, Qt, QUrl, Signal
from PySide6.QtGui import QColor, QTextBlockFormat, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QTextEdit, QWidget

from desktop_app.document.difference_rows import ADDED, CUT, REMOVED, Fold, Paragraph, Part, Rest, Row
from desktop_app.editor.page_layout import CHINESE_INDENT_EM, em_of
from desktop_app.editor.scripts import takes_first_line_indent
from desktop_app.editor.text_units import for_qt
from desktop_app.look.fonts import LEAST_SIZE_PT, page_font, window_font
from desktop_app.look.theme import Theme
from desktop_app.look.tokens import Tokens

_MARGIN, _SPACE_BETWEEN = 22, 7
_LINE_HEIGHT_PER_CENT, _BLANK_LINE = 140.0, 4

translate = QCoreApplication.translate


def part_format(kind: str, tokens: Tokens) -> QTextCharFormat:
    """How a part is drawn: never by colour alone."""
    made = QTextCharFormat()
    if kind == REMOVED:
        made.setForeground(QColor(tokens.removed))
        made.setBackground(QColor(tokens.removed_ground))
        made.setFontStrikeOut(True)
    elif kind == ADDED:
        made.setForeground(QColor(tokens.added))
        made.setBackground(QColor(tokens.added_ground))
        made.setUnderlineStyle(QTextCharFormat.UnderlineStyle.SingleUnderline)
    elif kind == CUT:
        made.setFont(window_font())  # words of the window, not of the text
        made.setForeground(QColor(tokens.ink_soft))
    else:
        made.setForeground(QColor(tokens.ink))
    return made


class DifferenceView(QTextEdit):
    """Read-only. `change` is the number of the change that is shown, 0 for none; `moved` says that it is another."""

    moved = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows: Sequence[Row] = ()
        self._places: list[tuple[int, int]] = []  # where each change begins and ends in the column
        self.change = 0
        self.setObjectName("difference")
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setTabChangesFocus(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.document().setDocumentMargin(_MARGIN)
        self.setFont(page_font("", LEAST_SIZE_PT))
        theme.changed.connect(self._draw)
        self._draw()

    def loadResource(self, _kind: int, _name: QUrl | str) -> Any:
        """Nothing is fetched, whatever a text says."""
        return None

    @property
    def count(self) -> int:
        """How many changes are shown."""
        return len(self._places)

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Take another difference; the keyboard stands at its first change."""
        self._rows, self.change = rows, 0
        self._draw()
        self.go_to(1)

    def go_to(self, change: int) -> None:
        """Show the change of a number; behind the last one comes the first."""
        if self._places:
            self.change = (change - 1) % len(self._places) + 1
            start, end = self._places[self.change - 1]
            cursor = self.textCursor()
            cursor.setPosition(end)
            self.setTextCursor(cursor)  # so that its end is seen too, where it is not too long
            cursor.setPosition(start)
            self.setTextCursor(cursor)
            self._mark()
        self.moved.emit()

    def parts_of(self, change: int) -> list[Part]:
        """What is shown of a change."""
        paragraphs = [row for row in self._rows if isinstance(row, Paragraph)]
        return [part for row in paragraphs for part in row.parts if part.change == change]

    def _draw(self) -> None:
        self._places = []
        cursor = QTextCursor(self.document())
        self.document().clear()
        cursor.beginEditBlock()
        for number, row in enumerate(self._rows):
            block = self._block_format(row)
            if number:
                cursor.insertBlock(block)
            else:
                cursor.setBlockFormat(block)
            if isinstance(row, Paragraph):
                for part in row.parts:
                    self._put(cursor, part)
            else:
                cursor.insertText(for_qt(_words_of(row)), part_format(CUT, self._theme.tokens))
        cursor.endEditBlock()
        self._mark()

    def _put(self, cursor: QTextCursor, part: Part) -> None:
        start = cursor.position()
        text = part.text if part.kind != CUT else f" {_words_of_cut(part.text)} "
        cursor.insertText(for_qt(text), part_format(part.kind, self._theme.tokens))
        if part.change > len(self._places):
            self._places.append((start, cursor.position()))
        elif part.change:
            self._places[part.change - 1] = (self._places[part.change - 1][0], cursor.position())

    def _block_format(self, row: Row) -> QTextBlockFormat:
        block = QTextBlockFormat()
        block.setLineHeight(_LINE_HEIGHT_PER_CENT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        block.setBottomMargin(_SPACE_BETWEEN)
        if not isinstance(row, Paragraph):
            block.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            block.setBackground(QColor(self._theme.tokens.hover))
            block.setTopMargin(_SPACE_BETWEEN)
            block.setBottomMargin(2 * _SPACE_BETWEEN)
            return block
        text = "".join(part.text for part in row.parts)
        if not text:  # a blank line is there to be space, of which the column has enough
            block.setLineHeight(_BLANK_LINE, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
            block.setBottomMargin(0)
        elif takes_first_line_indent(text):
            block.setTextIndent(CHINESE_INDENT_EM * em_of(self.font()))
        return block

    def _mark(self) -> None:
        """A band behind the change where the keyboard stands."""
        self.setExtraSelections([])
        if not self.change:
            return
        mark = QTextEdit.ExtraSelection()
        start, end = self._places[self.change - 1]
        mark.cursor = QTextCursor(self.document())
        mark.cursor.setPosition(start)
        mark.cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        mark.format.setBackground(QColor(self._theme.tokens.line))  # neutral: neither side
        self.setExtraSelections([mark])


def _words_of(row: Fold | Rest) -> str:
    if isinstance(row, Fold):
        return translate("DifferenceView", "Unchanged paragraphs: {count}").format(count=f"{row.paragraphs:,}")
    return translate("DifferenceView", "Further changes that are not shown: {count}").format(count=f"{row.changes:,}")


def _words_of_cut(count: str) -> str:
    return translate("DifferenceView", "[… {count} characters left out …]").format(count=count)
