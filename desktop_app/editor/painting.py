"""What is drawn around the letters: desk, page, selection, generated-text underline, caret.

Selected text gets one even band over full rows of the grid, where Qt would leave stripes between the lines. Generated
text is marked by a property of its character format (so undo and redo carry it) and shown by a dotted green underline:
a pattern, not a colour alone.

Knows: the view's geometry and colours. Must not know: how text came to be selected or generated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QPainter,
    QPen,
    QTextBlock,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextLine,
)

from desktop_app.editor.page_layout import PageLayout
from desktop_app.look.tokens import Tokens

GENERATED_PROPERTY = int(QTextFormat.Property.UserProperty.value) + 1
_SHADOW_WIDTH = 14
_SHADOW_OPACITY = 0.05


@dataclass(frozen=True)
class PlacedBlock:
    """A visible block and the y of its top in the viewport."""

    block: QTextBlock
    top: float


def generated_format() -> QTextCharFormat:
    """The character format of text that the model wrote."""
    plain = QTextCharFormat()
    plain.setProperty(GENERATED_PROPERTY, True)
    return plain


def is_generated(text_format: QTextFormat) -> bool:
    """Whether a character format is that of generated text."""
    return text_format.hasProperty(GENERATED_PROPERTY)


def paint_page(painter: QPainter, tokens: Tokens, layout: PageLayout, area: QRectF, paper_top: float) -> None:
    """The desk, and on it the sheet from `paper_top` to beyond the bottom of `area`."""
    page = layout.page
    painter.fillRect(area, QColor(tokens.desk))
    sheet = QRectF(page.paper_left, paper_top, page.paper_width, area.bottom() - paper_top + 20)
    if sheet.left() > 1:
        for inner, direction in ((sheet.left(), -1), (sheet.right(), 1)):
            _paint_shadow(painter, tokens, inner, direction, max(area.top(), sheet.top() + 4), area.bottom())
    painter.fillRect(sheet, QColor(tokens.paper))
    painter.setPen(QPen(QColor(tokens.paper_edge), 1))
    painter.drawRect(sheet.adjusted(0.5, 0.5, -0.5, -0.5))


def paint_ranges(
    painter: QPainter, layout: PageLayout, blocks: list[PlacedBlock], ranges: list[tuple[int, int]], colour: QColor
) -> None:
    """Even bands behind the characters of `ranges` (start, end)."""
    for placed in blocks:
        first, length = placed.block.position(), placed.block.length()
        for start, end in ranges:
            if start < first + length and end > first and start < end:
                inside = (max(0, start - first), min(length, end - first))
                for band in _bands(layout, placed, *inside):
                    painter.fillRect(band, colour)


def paint_generated_underline(painter: QPainter, layout: PageLayout, blocks: list[PlacedBlock], colour: QColor) -> None:
    """Dots under every generated character, on the same depth in all fonts."""
    pen = QPen(colour, 1.4, Qt.PenStyle.CustomDashLine, Qt.PenCapStyle.RoundCap)
    pen.setDashPattern([0.1, 2.4])
    painter.setPen(pen)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    depth = 0.2 * layout.page.em
    for placed in blocks:
        for start, end in generated_ranges(placed.block):
            for line, left, right in _pieces(placed.block, start, end):
                y = round(placed.top + line.y() + line.ascent() + depth) + 0.5
                painter.drawLine(QPointF(left, y), QPointF(right, y))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def generated_ranges(block: QTextBlock) -> Iterator[tuple[int, int]]:
    """(start, end) inside the block of its generated pieces."""
    pieces = block.begin()
    while not pieces.atEnd():
        piece = pieces.fragment()
        if is_generated(piece.charFormat()):
            start = piece.position() - block.position()
            yield start, start + piece.length()
        pieces += 1


def mark_generated(document: QTextDocument, spans: Sequence[tuple[int, int]]) -> None:
    """Mark these pieces as the model's. Not a step of undo: the history of the document starts anew."""
    document.setUndoRedoEnabled(False)
    cursor = QTextCursor(document)
    last = document.characterCount() - 1
    for start, end in spans:
        if 0 <= start < end <= last:
            cursor.setPosition(start)
            cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
            cursor.mergeCharFormat(generated_format())
    document.setUndoRedoEnabled(True)


def selection_range(cursor: QTextCursor) -> list[tuple[int, int]]:
    """The selection as a list of at most one range."""
    return [(cursor.selectionStart(), cursor.selectionEnd())] if cursor.hasSelection() else []


def _bands(layout: PageLayout, placed: PlacedBlock, start: int, end: int) -> Iterator[QRectF]:
    length_of_text = placed.block.length() - 1
    for line, left, right in _pieces(placed.block, start, min(end, length_of_text)):
        yield _row(layout, placed, line, left, right)
    if end > length_of_text:  # the paragraph's end is selected too: a stub shows it
        last = placed.block.layout().lineAt(placed.block.layout().lineCount() - 1)
        left = _x_of(last, length_of_text)
        yield _row(layout, placed, last, left, left + layout.page.em / 3)


def _row(layout: PageLayout, placed: PlacedBlock, line: QTextLine, left: float, right: float) -> QRectF:
    top, bottom = layout.line_top(line), layout.line_bottom(line)
    return QRectF(left, round(placed.top + top), right - left, round(bottom - top))


def _pieces(block: QTextBlock, start: int, end: int) -> Iterator[tuple[QTextLine, float, float]]:
    """The lines that hold characters start..end, with the x where they begin and end in each."""
    layout = block.layout()
    for number in range(layout.lineCount()):
        line = layout.lineAt(number)
        first, last = line.textStart(), line.textStart() + line.textLength()
        if first < end and last > start:
            edges = sorted((_x_of(line, max(start, first)), _x_of(line, min(end, last))))
            yield line, edges[0], edges[1]


def _x_of(line: QTextLine, position: int) -> float:
    # The stubs say float, the binding returns (x, position).
    found: Any = line.cursorToX(position)
    return float(found[0] if isinstance(found, tuple) else found)


def _paint_shadow(painter: QPainter, tokens: Tokens, inner: float, direction: int, top: float, bottom: float) -> None:
    """Columns of one pixel, each fainter: many times cheaper than a gradient, and drawn at every key."""
    shade = QColor(tokens.shadow)
    for step in range(_SHADOW_WIDTH):
        shade.setAlphaF(_SHADOW_OPACITY * (1 - step / _SHADOW_WIDTH))
        column = inner + direction * step if direction > 0 else inner - step - 1
        painter.fillRect(QRectF(column, top, 1, bottom - top), shade)
