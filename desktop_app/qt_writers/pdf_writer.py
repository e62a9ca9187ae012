"""PDF by QPdfWriter: A4, fonts embedded, page numbers, a text that can be searched and copied in both languages.

    blocks → QTextDocument laid out for the page → painted page by page

For: export. Knows Qt's painting; must not know files or widgets. Qt dates the file itself, so two exports differ there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QRectF, QSizeF, Qt
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QFont,
    QPageLayout,
    QPageSize,
    QPainter,
    QPdfWriter,
    QRawFont,
    QTextDocument,
)

from desktop_app.document.writers.blocks import Block
from desktop_app.document.writers.manuscript import Manuscript, Metadata
from desktop_app.document.writers.prose_markup import CHINESE_CHARACTER
from desktop_app.document.writers.writer import word
from desktop_app.document.writers.xhtml import xml_text
from desktop_app.editor.text_units import for_qt
from desktop_app.qt_writers.faces import Faces
from desktop_app.qt_writers.page_document import page_document
from desktop_app.qt_writers.pdf_mending import mended, radicals

_MARGIN_MM = 25.0
_DOTS_PER_INCH = 96  # the unit of the document's margins; text is placed in fractions of it
# Features that put glyphs for letters which Qt then cannot name to a reader: Noto CJK's digits within Latin text,
# its joined ——, and fi.
_UNNAMED = ("locl", "ccmp", "liga")
_NUMBER_BELOW = 40.0  # from the text to the page's number
# ISO 16684-1; a PDF's own information dictionary has no field for a language.
_XMP = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
<xmp:CreatorTool>Nextstroke</xmp:CreatorTool><xmp:ModifyDate>{date}</xmp:ModifyDate>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>
"""


class PdfWriter:
    """Title, author and language stand in the file's metadata. Needs a QGuiApplication."""

    suffix = ".pdf"
    marks_origin = False

    def __init__(self, faces: Faces) -> None:
        self._faces = faces

    def write(self, manuscript: Manuscript, blocks: Sequence[Block], with_origin: bool = False) -> bytes:
        """The file."""
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        device = _device(buffer, manuscript.metadata)
        document = page_document(manuscript, blocks, self._faces)
        _print(document, device)
        buffer.close()
        return mended(bytes(data.data()), manuscript.metadata.language, _meant(manuscript.text, self._faces))


def _device(buffer: QBuffer, metadata: Metadata) -> QPdfWriter:
    device = QPdfWriter(buffer)
    device.setResolution(_DOTS_PER_INCH)
    page = QPageSize(QPageSize.PageSizeId.A4)
    margins = QMarginsF(_MARGIN_MM, _MARGIN_MM, _MARGIN_MM, _MARGIN_MM)
    layout = QPageLayout(page, QPageLayout.Orientation.Portrait, margins, QPageLayout.Unit.Millimeter)
    device.setPageLayout(layout)
    device.setCreator("Nextstroke")
    device.setTitle(for_qt(metadata.title_or(word("untitled", metadata.language))))
    device.setAuthor(for_qt(metadata.author))
    device.setDocumentXmpMetadata(QByteArray(_xmp(metadata)))
    return device


def _print(document: QTextDocument, device: QPdfWriter) -> None:
    page = QSizeF(device.width(), device.height())
    document.documentLayout().setPaintDevice(device)
    document.setDocumentMargin(0)
    font = document.defaultFont()
    for feature in _UNNAMED:
        font.setFeature(QFont.Tag(feature), 0)
    document.setDefaultFont(font)
    document.setUseDesignMetrics(True)
    document.setPageSize(page)
    painter = QPainter(device)
    for number in range(document.pageCount()):
        if number:
            device.newPage()
        _paint_page(document, painter, number, page)
    painter.end()


def _paint_page(document: QTextDocument, painter: QPainter, number: int, page: QSizeF) -> None:
    view = QRectF(0, number * page.height(), page.width(), page.height())
    painter.save()
    painter.translate(0, -view.top())
    painter.setClipRect(view)
    context = QAbstractTextDocumentLayout.PaintContext()
    context.clip = view.adjusted(0, 1, 0, -1)  # a line that only touches the page is on the next one
    context.palette.setColor(context.palette.ColorRole.Text, Qt.GlobalColor.black)
    document.documentLayout().draw(painter, context)
    painter.restore()
    painter.setFont(document.defaultFont())
    below = QRectF(0, page.height(), page.width(), _NUMBER_BELOW)
    painter.drawText(below, int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignBottom), str(number + 1))


def _meant(text: str, faces: Faces) -> dict[str, str]:
    """For each radical the character of the text that a face draws with the same glyph."""
    used = sorted({character for character in text if CHINESE_CHARACTER.match(character)} - set(radicals()))
    found: dict[str, str] = {}
    for family in (*faces.serif, *faces.kai):
        face = QRawFont.fromFont(QFont(family))
        by_glyph = dict(zip(_glyphs(face, used), used, strict=True))
        for radical, glyph in zip(radicals(), _glyphs(face, radicals()), strict=True):
            if glyph and glyph in by_glyph:
                found.setdefault(radical, by_glyph[glyph])
    return found


def _glyphs(face: QRawFont, characters: list[str]) -> list[int]:
    """One glyph a character; 0: the face has none."""
    return [(face.glyphIndexesForString(character) or [0])[0] for character in characters]


def _xmp(metadata: Metadata) -> bytes:
    filled = _XMP.format(
        title=xml_text(metadata.title_or(word("untitled", metadata.language))),
        author=xml_text(metadata.author),
        language=xml_text(metadata.language),
        date=f"{metadata.modified.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
    )
    return filled.encode("utf-8")
