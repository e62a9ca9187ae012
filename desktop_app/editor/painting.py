"""What is drawn around the letters: desk, page, selection.

Selected text gets one even band over full rows of the grid, where Qt would leave stripes between the lines.

Knows: the view's geometry and colours. Must not know: how text came to be selected or where it came from.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QRectF
from PySide6.QtGui import (
    QColor,
    QPainter,
    QPen,
    QTextBlock,
    QTextCursor,
    QTextLine,
)

from desktop_app.editor.page_layout import PageLayout
from desktop_app.look.tokens import Tokens

_SHADOW_WIDTH = 14
_SHADOW_OPACITY = 0.05
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]|[\U00010800-\U00010fff\U0001e800-\U0001efff]")
_LONGEST_OF_BOTH = 20_000  # characters; reading a longer paragraph at every drawing would be felt


@dataclass(frozen=True)
class PlacedBlock:
    """A visible block and the y of its top in the viewport."""

    block: QTextBlock
    top: float


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


def selection_range(cursor: QTextCursor) -> list[tuple[int, int]]:
    """The selection as a list of at most one range."""
    return [(cursor.selectionStart(), cursor.selectionEnd())] if cursor.hasSelection() else []


def _bands(layout: PageLayout, placed: PlacedBlock, start: int, end: int) -> Iterator[QRectF]:
    length_of_text = placed.block.length() - 1
    for line, left, right in line_parts(placed.block, start, min(end, length_of_text)):
        yield _row(layout, placed, line, left, right)
    if end > length_of_text:  # the paragraph's end is selected too: a stub shows it
        last = placed.block.layout().lineAt(placed.block.layout().lineCount() - 1)
        left = _x_of(last, length_of_text)
        yield _row(layout, placed, last, left, left + layout.page.em / 3)


def _row(layout: PageLayout, placed: PlacedBlock, line: QTextLine, left: float, right: float) -> QRectF:
    top, bottom = layout.line_top(line), layout.line_bottom(line)
    return QRectF(left, round(placed.top + top), right - left, round(bottom - top))


def line_parts(block: QTextBlock, start: int, end: int) -> Iterator[tuple[QTextLine, float, float]]:
    """The lines of a block that hold characters start..end, with the x where they begin and end in each.

    Where writing of both directions meets, a part of a line lies in several places, each given by itself.
    """
    layout, is_of_both = block.layout(), _has_right_to_left(block)
    for number in range(layout.lineCount()):
        line = layout.lineAt(number)
        first, last = line.textStart(), line.textStart() + line.textLength()
        if first < end and last > start:
            start_here, end_here = max(start, first), min(end, last)
            if is_of_both:
                for run in line.glyphRuns(start_here, end_here - start_here):
                    yield line, run.boundingRect().left(), run.boundingRect().right()
                continue
            edges = sorted((_x_of(line, start_here), _x_of(line, end_here)))
            yield line, edges[0], edges[1]


def _has_right_to_left(block: QTextBlock) -> bool:
    return block.length() < _LONGEST_OF_BOTH and _RIGHT_TO_LEFT.search(block.text()) is not None


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
