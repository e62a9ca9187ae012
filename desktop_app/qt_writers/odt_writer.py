"""OpenDocument text by Qt's own writer, and what that leaves out: headings, metadata, languages, East Asian fonts.

    blocks → QTextDocument → QTextDocumentWriter → zip → content.xml mended, meta.xml added → zip

For: export. Knows Qt's writer and the few elements it needs (OASIS OpenDocument 1.2); must not know files or widgets.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC
from xml.etree import ElementTree

from PySide6.QtCore import QBuffer, QByteArray, QIODevice
from PySide6.QtGui import QTextDocument, QTextDocumentWriter

from desktop_app.document.writers.blocks import Block
from desktop_app.document.writers.manuscript import Manuscript, Metadata
from desktop_app.document.writers.writer import is_chinese
from desktop_app.document.writers.xhtml import xml_text
from desktop_app.qt_writers.faces import Faces
from desktop_app.qt_writers.page_document import page_document

_NAMES = {
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
    "style": "urn:oasis:names:tc:opendocument:xmlns:style:1.0",
    "fo": "urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0",
    "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    "draw": "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0",
    "svg": "urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0",
}
_META = """\
<?xml version="1.0" encoding="UTF-8"?>
<office:document-meta xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" \
xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0" \
office:version="1.2"><office:meta><meta:generator>Nextstroke</meta:generator><dc:title>{title}</dc:title>\
<meta:initial-creator>{author}</meta:initial-creator><dc:creator>{author}</dc:creator><dc:language>{language}\
</dc:language><dc:date>{date}</dc:date></office:meta></office:document-meta>
"""
_META_ENTRY = (
    b' <manifest:file-entry manifest:media-type="text/xml" manifest:full-path="meta.xml"/>\n</manifest:manifest>'
)


class OdtWriter:
    """Title, author, language and date stand in the document's properties. Needs a QGuiApplication."""

    suffix = ".odt"
    marks_origin = False

    def __init__(self, faces: Faces) -> None:
        self._faces = faces

    def write(self, manuscript: Manuscript, blocks: Sequence[Block], with_origin: bool = False) -> bytes:
        """The file."""
        document = page_document(manuscript, blocks, self._faces)
        files = _unzipped(_by_qt(document))
        files["content.xml"] = _mended(files["content.xml"], document, manuscript.metadata.language)
        files["META-INF/manifest.xml"] = files["META-INF/manifest.xml"].replace(b"</manifest:manifest>", _META_ENTRY)
        files["meta.xml"] = _meta(manuscript.metadata)
        return _zipped(files, manuscript.metadata)


def _by_qt(document: QTextDocument) -> bytes:
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    QTextDocumentWriter(buffer, QByteArray(b"odf")).write(document)
    return bytes(data.data())


def _unzipped(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _zipped(files: dict[str, bytes], metadata: Metadata) -> bytes:
    date = max(metadata.modified.astimezone(UTC).timetuple()[:6], (1980, 1, 1, 0, 0, 0))
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, date)
            entry.compress_type = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return data.getvalue()


def _mended(content: bytes, document: QTextDocument, language: str) -> bytes:
    for prefix, address in _NAMES.items():
        ElementTree.register_namespace(prefix, address)
    root = ElementTree.fromstring(content)
    _make_headings(root, document)
    for properties in root.iter(_name("style", "text-properties")):
        _add_languages(properties, language)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode").encode("utf-8")


def _make_headings(root: ElementTree.Element, document: QTextDocument) -> None:
    """Qt writes a paragraph for every block, in order; those of headings become headings."""
    for element, level in zip(list(root.iter(_name("text", "p"))), _levels(document), strict=True):
        if level:
            element.tag = _name("text", "h")
            element.set(_name("text", "outline-level"), str(level))


def _levels(document: QTextDocument) -> Iterator[int]:
    block = document.begin()
    while block.isValid():
        yield block.blockFormat().headingLevel()
        block = block.next()


def _add_languages(properties: ElementTree.Element, language: str) -> None:
    """ODF keeps the look of East Asian text apart from that of Latin text; Qt names the latter alone."""
    for name in ("font-family", "font-size", "font-weight", "font-style"):
        value = properties.get(_name("fo", name))
        if value is not None:
            properties.set(_name("style", f"{name}-asian"), value)
    latin = "en" if is_chinese(language) else language.partition("-")[0]
    properties.set(_name("fo", "language"), latin)
    properties.set(_name("fo", "country"), "US" if latin == "en" else "none")
    properties.set(_name("style", "language-asian"), "zh")
    properties.set(_name("style", "country-asian"), "CN")


def _meta(metadata: Metadata) -> bytes:
    filled = _META.format(
        title=xml_text(metadata.title),
        author=xml_text(metadata.author),
        language=xml_text(metadata.language),
        date=f"{metadata.modified.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
    )
    return filled.encode("utf-8")


def _name(prefix: str, local: str) -> str:
    return f"{{{_NAMES[prefix]}}}{local}"
