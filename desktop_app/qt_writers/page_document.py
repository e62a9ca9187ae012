"""Blocks as a QTextDocument, from which Qt writes .odt and .pdf.

For: odt_writer, pdf_writer. Knows Qt's text and blocks; must not know files or widgets. A document of its own is made
for each export, so this works on any thread.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QFont,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextListFormat,
)

from desktop_app.document.writers.blocks import Block, Heading, Listing, Paragraph, Pieces, Quote, SceneBreak
from desktop_app.document.writers.manuscript import Manuscript
from desktop_app.document.writers.prose_markup import CHINESE_CHARACTER
from desktop_app.document.writers.writer import is_chinese, word
from desktop_app.editor.text_units import for_qt
from desktop_app.qt_writers.faces import Faces

SIZE_PT = 11.0
_HEADING_SCALE = {1: 1.7, 2: 1.4, 3: 1.2, 4: 1.1, 5: 1.0, 6: 1.0}
_LINE_PERCENT = 150.0
_PX = 96 / 72  # margins are in pixels of 96 to the inch, as Qt's ODF writer and our PDF resolution take them
_QUOTE_INDENT = 24.0 * _PX


def page_document(manuscript: Manuscript, blocks: Sequence[Block], faces: Faces) -> QTextDocument:
    """The text as a document; its page size is left open."""
    document = QTextDocument()
    font = QFont()
    font.setFamilies(list(faces.serif))
    font.setStyleHint(QFont.StyleHint.Serif)
    font.setPointSizeF(SIZE_PT)
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    document.setDefaultFont(font)
    document.setUndoRedoEnabled(False)
    _Filler(document, manuscript.metadata.language, faces).add(blocks)
    return document


class _Filler:
    """Writes blocks at the end of a document."""

    def __init__(self, document: QTextDocument, language: str, faces: Faces) -> None:
        self._cursor = QTextCursor(document)
        self._language = language
        self._faces = faces
        self._is_empty = True

    def add(self, blocks: Sequence[Block], indent: float = 0.0, depth: int = 0) -> None:
        """All blocks, moved in by `indent` pixels."""
        for block in blocks:
            if isinstance(block, Heading):
                self._add_heading(block)
            elif isinstance(block, Paragraph):
                self._start(self._prose(indent))
                self._insert(block.pieces)
            elif isinstance(block, Quote):
                self.add(block.blocks, indent + _QUOTE_INDENT, depth)
            elif isinstance(block, Listing):
                self._add_list(block, indent, depth)
            elif isinstance(block, SceneBreak):
                look = self._prose(0.0)
                look.setTextIndent(0.0)
                look.setAlignment(Qt.AlignmentFlag.AlignHCenter)
                look.setTopMargin(SIZE_PT * _PX)
                look.setBottomMargin(SIZE_PT * _PX)
                self._start(look)
                self._cursor.insertText(for_qt(word("scene break", self._language)), QTextCharFormat())

    def _start(self, look: QTextBlockFormat) -> None:
        if self._is_empty:
            self._cursor.setBlockFormat(look)
        else:
            self._cursor.insertBlock(look, QTextCharFormat())
        self._is_empty = False

    def _prose(self, indent: float) -> QTextBlockFormat:
        look = QTextBlockFormat()
        look.setLineHeight(_LINE_PERCENT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        look.setLeftMargin(indent)
        look.setRightMargin(indent)
        if is_chinese(self._language):
            look.setTextIndent(0.0 if indent else 2 * SIZE_PT * _PX)
            look.setAlignment(Qt.AlignmentFlag.AlignJustify)
        else:
            look.setBottomMargin(SIZE_PT / 2 * _PX)
        return look

    def _add_heading(self, heading: Heading) -> None:
        look = QTextBlockFormat()
        look.setHeadingLevel(heading.level)
        size = SIZE_PT * _HEADING_SCALE[heading.level]
        look.setTopMargin(1.2 * size * _PX)
        look.setBottomMargin(0.6 * size * _PX)
        self._start(look)
        letters = QTextCharFormat()
        letters.setFontWeight(QFont.Weight.Bold)
        letters.setFontPointSize(size)
        self._insert(heading.pieces, letters)

    def _add_list(self, listing: Listing, indent: float, depth: int) -> None:
        look = QTextListFormat()
        decimal, disc = QTextListFormat.Style.ListDecimal, QTextListFormat.Style.ListDisc
        look.setStyle(decimal if listing.is_ordered else disc)
        look.setStart(listing.start)
        look.setIndent(depth + 1)
        made = None
        for item in listing.items:
            first, rest = (item[0], item[1:]) if item and isinstance(item[0], Paragraph) else (Paragraph(()), item)
            block = QTextBlockFormat()
            block.setLineHeight(_LINE_PERCENT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
            block.setLeftMargin(indent)
            self._start(block)
            if made is None:
                made = self._cursor.createList(look)
            else:
                made.add(self._cursor.block())
            self._insert(first.pieces)
            self.add(rest, indent + _QUOTE_INDENT * (depth + 1), depth + 1)

    def _insert(self, pieces: Pieces, letters: QTextCharFormat | None = None) -> None:
        for piece in pieces:
            look = QTextCharFormat(letters) if letters is not None else QTextCharFormat()
            if piece.is_strong:
                look.setFontWeight(QFont.Weight.Bold)
            if piece.is_emphasis:
                self._emphasise(look, piece.text)
            self._cursor.insertText(for_qt(piece.text.replace("\n", "\u2028")), look)

    def _emphasise(self, look: QTextCharFormat, text: str) -> None:
        """Chinese is emphasised by another face, 楷体; a slanted character is no letter."""
        if self._faces.kai and CHINESE_CHARACTER.search(text):
            look.setFontFamilies([*self._faces.kai, *self._faces.serif])
        else:
            look.setFontItalic(True)
