"""EPUB 3 with the standard library: a zip of templates, one XHTML file a chapter.

    mimetype (first, stored) · META-INF/container.xml · OEBPS/book.opf, contents.xhtml, style.css, chapter-001.xhtml …

A chapter begins at each heading of the highest level in use. The same manuscript gives the same bytes: dates come from
the metadata, the identifier from the text.

For: export. Knows blocks; must not know Qt or files. Rules: W3C EPUB 3.3; the tests ask epubcheck.
"""

from __future__ import annotations

import io
import uuid
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC

from desktop_app.document.writers.blocks import Block, Heading, plain
from desktop_app.document.writers.manuscript import Manuscript, Metadata
from desktop_app.document.writers.style_sheets import BOOK
from desktop_app.document.writers.writer import word
from desktop_app.document.writers.xhtml import body, xml_text

_NAMESPACE = uuid.UUID("9f0d0b0a-6a0c-5c55-9c39-2f1d6f0a7c11")  # of identifiers made from a text
_OLDEST_ZIP_YEAR = 1980
_CONTAINER = """\
<?xml version="1.0" encoding="UTF-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles>
<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/>
</rootfiles>
</container>
"""


@dataclass(frozen=True)
class _Chapter:
    name: str
    title: str
    blocks: tuple[Block, ...]


class EpubWriter:
    """Title and language are required by the format: an untitled book is called so."""

    suffix = ".epub"
    marks_origin = False

    def write(self, manuscript: Manuscript, blocks: Sequence[Block], with_origin: bool = False) -> bytes:
        """The file."""
        metadata = manuscript.metadata
        title = metadata.title_or(word("untitled", metadata.language))
        chapters = _chapters(blocks, title)
        book = io.BytesIO()
        with zipfile.ZipFile(book, "w") as archive:
            for name, text in _files(metadata, title, chapters, _identifier(manuscript)).items():
                _add(archive, name, text, metadata)
        return book.getvalue()


def _files(metadata: Metadata, title: str, chapters: list[_Chapter], identifier: str) -> dict[str, str]:
    """Every file of the book by its name, in the order of the zip."""
    language = xml_text(metadata.language)
    files = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": _CONTAINER,
        "OEBPS/book.opf": _package(metadata, title, chapters, identifier),
        "OEBPS/contents.xhtml": _contents(language, word("contents", metadata.language), chapters),
        "OEBPS/style.css": BOOK,
    }
    for chapter in chapters:
        text = body(chapter.blocks, metadata.language) or "<p></p>\n"
        files[f"OEBPS/{chapter.name}"] = _page(language, chapter.title, f"<section>\n{text}</section>\n")
    return files


def _add(archive: zipfile.ZipFile, name: str, text: str, metadata: Metadata) -> None:
    moment = metadata.modified.astimezone(UTC)
    date = max(moment.timetuple()[:6], (_OLDEST_ZIP_YEAR, 1, 1, 0, 0, 0))
    entry = zipfile.ZipInfo(name, date)
    # The type must be readable at a fixed place in the file, so it is not compressed.
    entry.compress_type = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
    archive.writestr(entry, text.encode("utf-8"))


def _identifier(manuscript: Manuscript) -> str:
    metadata = manuscript.metadata
    name = "\n".join((metadata.title, metadata.author, metadata.language, manuscript.text))
    return f"urn:uuid:{uuid.uuid5(_NAMESPACE, name.encode('utf-8', 'replace').decode('utf-8'))}"


def _chapters(blocks: Sequence[Block], title: str) -> list[_Chapter]:
    levels = [block.level for block in blocks if isinstance(block, Heading)]
    top = min(levels, default=0)
    parts: list[list[Block]] = [[]]
    for block in blocks:
        if isinstance(block, Heading) and block.level == top and parts[-1]:
            parts.append([])
        parts[-1].append(block)
    return [_chapter(number, tuple(part), top, title) for number, part in enumerate(parts, 1)]


def _chapter(number: int, blocks: tuple[Block, ...], top: int, title: str) -> _Chapter:
    first = blocks[0] if blocks else None
    own = plain(first.pieces).strip() if isinstance(first, Heading) and first.level == top else ""
    return _Chapter(f"chapter-{number:03}.xhtml", own.replace("\n", " ") or title, blocks)


def _page(language: str, title: str, text: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>\n'
        f'<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops" lang="{language}"'
        f' xml:lang="{language}">\n<head>\n<title>{xml_text(title)}</title>\n'
        f'<link rel="stylesheet" type="text/css" href="style.css"/>\n</head>\n<body>\n{text}</body>\n</html>\n'
    )


def _contents(language: str, heading: str, chapters: list[_Chapter]) -> str:
    items = "".join(f'<li><a href="{part.name}">{xml_text(part.title)}</a></li>\n' for part in chapters)
    text = f'<nav epub:type="toc" id="toc">\n<h1>{xml_text(heading)}</h1>\n<ol>\n{items}</ol>\n</nav>\n'
    return _page(language, heading, text)


def _package(metadata: Metadata, title: str, chapters: list[_Chapter], identifier: str) -> str:
    author = metadata.author.strip()
    creator = f"<dc:creator>{xml_text(author)}</dc:creator>\n" if author else ""
    files = "".join(
        f'<item id="c{number}" href="{part.name}" media-type="application/xhtml+xml"/>\n'
        for number, part in enumerate(chapters, 1)
    )
    order = "".join(f'<itemref idref="c{number}"/>\n' for number in range(1, len(chapters) + 1))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id"'
        f' xml:lang="{xml_text(metadata.language)}">\n'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">\n'
        f'<dc:identifier id="id">{identifier}</dc:identifier>\n<dc:title>{xml_text(title)}</dc:title>\n{creator}'
        f"<dc:language>{xml_text(metadata.language)}</dc:language>\n"
        f'<meta property="dcterms:modified">{metadata.modified.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}</meta>\n'
        "</metadata>\n<manifest>\n"
        '<item id="contents" href="contents.xhtml" media-type="application/xhtml+xml" properties="nav"/>\n'
        f'<item id="style" href="style.css" media-type="text/css"/>\n{files}</manifest>\n'
        f"<spine>\n{order}</spine>\n</package>\n"
    )
