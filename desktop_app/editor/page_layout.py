"""The page: one centred column with a steady line grid, inside a `QPlainTextEdit`.

    desk | paper edge | margin | column of text | margin | paper edge | desk
                      baseline every `line_height`, whatever font a character falls back to

`QPlainTextDocumentLayout` knows neither line height nor indents, and its own `layoutBlock` cannot be replaced. It lays
a block out with `leadingIncluded` set; this subclass lays it out again without it, the moment anyone asks for the
block's rectangle. That flag on the first line therefore tells whose layout a block has.

Knows: geometry of lines and blocks. Must not know: what the text means, colours, the widget.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import (
    QFont,
    QFontInfo,
    QFontMetricsF,
    QTextBlock,
    QTextCharFormat,
    QTextDocument,
    QTextLayout,
    QTextLine,
    QTextOption,
)
from PySide6.QtWidgets import QPlainTextDocumentLayout

from desktop_app.editor.scripts import has_endless_word, is_chinese_paragraph, takes_first_line_indent

_SHARED_MARKS = re.compile("[\u2014\u2018\u2019\u201c\u201d\u2026]+")
LINE_HEIGHT = 1.65  # of the font size
LATIN_COLUMN_EM = 32.5  # about 68 Latin letters of a book face
CHINESE_COLUMN_EM = 38.0  # characters
CHINESE_INDENT_EM = 2.0
LATIN_PARAGRAPH_SPACE = 0.45  # of a line, after a paragraph
PAGE_MARGIN_EM = 4.0
LEAST_PAGE_MARGIN_EM = 1.2
TOP_MARGIN_EM = 2.9
BOTTOM_SHARE = 0.35  # of the viewport stays free below the last line, so that writing never happens at the very edge


@dataclass(frozen=True)
class PageGeometry:
    """Where things are across the page, in pixels of the viewport."""

    em: float
    line_height: float
    column_left: float
    column_width: float
    paper_left: float
    paper_width: float
    top_margin: float
    bottom_margin: float


def page_geometry(viewport_width: int, viewport_height: int, em: float, chinese: bool) -> PageGeometry:
    """The page for a viewport: the ideal column where it fits, a narrower one with smaller margins where not."""
    ideal = (CHINESE_COLUMN_EM if chinese else LATIN_COLUMN_EM) * em
    margin = max(LEAST_PAGE_MARGIN_EM * em, min(PAGE_MARGIN_EM * em, (viewport_width - ideal) / 2 - em))
    column = max(4 * em, min(ideal, viewport_width - 2 * margin))
    # Whole characters, so that full lines of Chinese end at the right edge.
    column = round(column / em - 0.5) * em + 0.5 if chinese else column
    paper_width = min(float(viewport_width), column + 2 * margin)
    paper_left = round((viewport_width - paper_width) / 2)
    return PageGeometry(
        em=em,
        line_height=round(LINE_HEIGHT * em),
        column_left=round(paper_left + (paper_width - column) / 2),
        column_width=column,
        paper_left=paper_left,
        paper_width=round(paper_width),
        top_margin=round(TOP_MARGIN_EM * em),  # above the first line, from the top of the desk
        bottom_margin=round(BOTTOM_SHARE * viewport_height),
    )


class PageLayout(QPlainTextDocumentLayout):
    """Lays blocks out on the page of `set_page`; everything else is Qt's."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._page = page_geometry(800, 600, 20.0, False)
        self._baseline = 20.0
        self._narrow_marks = QTextCharFormat()

    @property
    def page(self) -> PageGeometry:
        """The present geometry."""
        return self._page

    def set_page(self, page: PageGeometry, font: QFont) -> None:
        """Take new measures; every block is laid out again when it is next asked for."""
        metrics = QFontMetricsF(font)
        # The font's own box is centred in the line; text of other fonts sits on the same baseline.
        self._baseline = (page.line_height - metrics.ascent() - metrics.descent()) / 2 + metrics.ascent()
        self._page = page
        narrow = QFont(font)
        narrow.setFeature(QFont.Tag("pwid"), 1)
        self._narrow_marks = QTextCharFormat()
        self._narrow_marks.setFont(narrow)
        block = self.document().firstBlock()
        while block.isValid():
            block.layout().clearLayout()
            block = block.next()
        self.requestUpdate()

    def blockBoundingRect(self, block: QTextBlock) -> QRectF:
        """The block's rectangle, at (0, 0), as wide as the page and with the space that follows the paragraph."""
        if not block.isValid():
            return QRectF()
        layout = block.layout()
        if layout.lineCount() == 0 or not self._is_ours(block, layout.lineAt(0)):
            self._lay_out(block, layout)
        if not block.isVisible():
            return QRectF()
        last = layout.lineAt(layout.lineCount() - 1)
        height = self.line_bottom(last) + self._space_after(block)
        if not block.next().isValid():
            height += self._page.bottom_margin
        return QRectF(0.0, 0.0, self._page.column_left + self._page.column_width, height)

    def documentChanged(self, position: int, removed: int, added: int) -> None:
        """Qt repaints the changed block; one that became empty, or ceased to be, moves the space above it too."""
        super().documentChanged(position, removed, added)
        if self.document().findBlock(position).length() - 1 <= added:
            self.requestUpdate()

    def _is_ours(self, block: QTextBlock, first: QTextLine) -> bool:
        # A block that became the first one, or ceased to be, must move by the page's top margin.
        return not first.leadingIncluded() and abs(self.line_top(first) - self._top_margin(block)) < 1

    def _top_margin(self, block: QTextBlock) -> float:
        return self._page.top_margin if block.position() == 0 else 0.0

    def _narrow_the_marks(self, layout: QTextLayout, text: str) -> None:
        """Chinese faces draw “ ” ‘ ’ — … as wide as a character; in a Latin paragraph they get their narrow form."""
        marks = [] if is_chinese_paragraph(text) else list(_SHARED_MARKS.finditer(text))
        wanted = [(mark.start(), len(mark.group())) for mark in marks]
        present = layout.formats()
        # Setting them, even to the same, makes Qt lay the block out again at the next change anywhere.
        if wanted != [(known.start, known.length) for known in present] or self._has_old_font(present):
            layout.setFormats(self._format_ranges(wanted))

    def _has_old_font(self, ranges: list[QTextLayout.FormatRange]) -> bool:
        return bool(ranges) and ranges[0].format != self._narrow_marks

    def _format_ranges(self, places: list[tuple[int, int]]) -> list[QTextLayout.FormatRange]:
        found = []
        for start, length in places:
            narrow = QTextLayout.FormatRange()
            narrow.start, narrow.length = start, length
            narrow.format = self._narrow_marks
            found.append(narrow)
        return found

    def _lay_out(self, block: QTextBlock, layout: QTextLayout) -> None:
        page = self._page
        layout.setTextOption(self._option_for(block.text()))
        shown = layout.preeditAreaText() if not block.text() else block.text()
        indent = CHINESE_INDENT_EM * page.em if takes_first_line_indent(shown) else 0.0
        top = self._top_margin(block)
        self._narrow_the_marks(layout, block.text())
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLeadingIncluded(False)
            line.setLineWidth(max(page.em, page.column_width - indent))
            # A stacked script may be taller than the grid: its line takes whole steps of it.
            drop = max(self._baseline, line.ascent())
            line.setPosition(QPointF(page.column_left + indent, top + drop - line.ascent()))
            top += max(page.line_height, drop + line.descent())
            indent = 0.0
        layout.endLayout()
        self._tell_line_count(block, layout.lineCount())

    def _option_for(self, text: str) -> QTextOption:
        option = self.document().defaultTextOption()
        if not has_endless_word(text):
            option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        return option

    def _tell_line_count(self, block: QTextBlock, count: int) -> None:
        wanted = count if block.isVisible() else 0
        if block.lineCount() != wanted:
            block.setLineCount(wanted)
            self.documentSizeChanged.emit(self.documentSize())

    def line_top(self, line: QTextLine) -> float:
        """Where a line's row of the grid begins, above its glyphs."""
        return min(line.y(), line.y() + line.ascent() - self._baseline)

    def line_bottom(self, line: QTextLine) -> float:
        """Where a line's row of the grid ends, below its glyphs."""
        return max(self.line_top(line) + self._page.line_height, line.y() + line.height())

    def _space_after(self, block: QTextBlock) -> float:
        text = block.text()
        # A blank line is space enough.
        if not text or takes_first_line_indent(text) or not block.next().text():
            return 0.0
        return round(LATIN_PARAGRAPH_SPACE * self._page.line_height)


def em_of(font: QFont) -> float:
    """The size of a font in pixels."""
    return float(QFontInfo(font).pixelSize())
