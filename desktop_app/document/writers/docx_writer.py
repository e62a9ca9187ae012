"""Word documents with python-docx: styles for what each block is, so that Word's own outline and themes work.

For: export. Knows blocks and python-docx; must not know Qt or files. Chinese: fonts and language named for East Asian
text, indents of two characters, dots below for emphasis.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from desktop_app.document.writers.blocks import Block, Heading, Listing, Paragraph, Piece, Pieces, Quote
from desktop_app.document.writers.manuscript import Manuscript, Metadata
from desktop_app.document.writers.prose_markup import CHINESE_CHARACTER
from desktop_app.document.writers.writer import is_chinese, word
from desktop_app.document.writers.xhtml import xml_characters

if TYPE_CHECKING:  # python-docx takes a quarter of a second to load: only an export pays it
    from docx.document import Document
    from docx.text.paragraph import Paragraph as DocxParagraph

_LATIN_FONT, _CHINESE_FONT = "Times New Roman", "SimSun"  # every Word has them or replaces them by its own serif
_PAGE_MM, _MARGIN_MM = (210, 297), 25
_SIZE_PT, _LINE_SPACING = 12, 1.5
_LONGEST_PROPERTY = 255  # characters; more is refused by Word and by python-docx
_DEEPEST_LIST = 3  # the template has three styles of each kind


class DocxWriter:
    """Title, author, language and date go into the document's properties."""

    suffix = ".docx"
    marks_origin = False

    def write(self, manuscript: Manuscript, blocks: Sequence[Block], with_origin: bool = False) -> bytes:
        """The file."""
        import docx

        document = docx.Document()
        _drop_thumbnail(document)
        _set_properties(document, manuscript.metadata)
        _set_page(document)
        _set_styles(document, manuscript.metadata.language)
        _Body(document, manuscript.metadata.language).fill(blocks)
        file = io.BytesIO()
        document.save(file)
        return file.getvalue()


def _drop_thumbnail(document: Document) -> None:
    """The picture of the empty template is not one of this text."""
    relations = document.part.package.rels
    for name in [name for name, relation in relations.items() if relation.reltype.endswith("/thumbnail")]:
        del relations[name]


def _set_properties(document: Document, metadata: Metadata) -> None:
    properties = document.core_properties
    properties.title = xml_characters(metadata.title)[:_LONGEST_PROPERTY]
    properties.author = xml_characters(metadata.author)[:_LONGEST_PROPERTY]
    properties.last_modified_by, properties.comments = properties.author, ""
    properties.language = metadata.language
    properties.created = properties.modified = metadata.modified.replace(tzinfo=None)


def _set_page(document: Document) -> None:
    from docx.shared import Mm

    section = document.sections[0]
    section.page_width, section.page_height = (Mm(side) for side in _PAGE_MM)
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(_MARGIN_MM)


def _set_styles(document: Document, language: str) -> None:
    from docx.shared import Pt, RGBColor

    headings = [f"Heading {level}" for level in range(1, 7)]
    for name in ("Normal", *headings):
        style: Any = document.styles[name]
        style.font.name = _LATIN_FONT
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(_name(theme), None)  # a theme's font would win
        fonts.set(_name("eastAsia"), _CHINESE_FONT)
        style.font.color.rgb = RGBColor(0, 0, 0)
    normal: Any = document.styles["Normal"]
    normal.font.size = Pt(_SIZE_PT)
    normal.paragraph_format.line_spacing = _LINE_SPACING
    normal.paragraph_format.space_after = Pt(0 if is_chinese(language) else 6)
    for element in document.styles.element.iter(_name("lang")):
        element.set(_name("val"), "en-US" if is_chinese(language) else language)
        element.set(_name("eastAsia"), "zh-CN")


class _Body:
    """Adds blocks at the end of a document.

    python-docx looks through all paragraphs for the place of each new one: a book would take minutes. So paragraphs are
    appended here, while the section's properties, which must come last, are away.
    """

    def __init__(self, document: Document, language: str) -> None:
        self._document = document
        self._language = language
        self._element: Any = document._body._element
        self._style_ids = {style.name: style.style_id for style in document.styles}

    def fill(self, blocks: Sequence[Block]) -> None:
        """Put all blocks into the document."""
        section = self._element.sectPr
        self._element.remove(section)
        self._add(blocks)
        self._element.append(section)

    def _add(self, blocks: Sequence[Block], style: str = "Normal", depth: int = 0) -> None:
        for block in blocks:
            if isinstance(block, Heading):
                self._add_pieces(self._paragraph(f"Heading {block.level}"), block.pieces)
            elif isinstance(block, Paragraph):
                self._add_prose(block.pieces, style)
            elif isinstance(block, Quote):
                self._add(block.blocks, "Quote", depth)
            elif isinstance(block, Listing):
                self._add_list(block, depth)
            else:
                self._add_scene_break()

    def _paragraph(self, style: str) -> DocxParagraph:
        from docx.oxml.parser import OxmlElement
        from docx.text.paragraph import Paragraph as Made

        element: Any = OxmlElement("w:p")
        self._element.append(element)
        if style != "Normal":
            element.style = self._style_ids[style]
        return Made(element, self._document._body)

    def _add_prose(self, pieces: Pieces, style: str) -> DocxParagraph:
        paragraph = self._paragraph(style)
        if is_chinese(self._language) and style == "Normal":
            indent = paragraph._p.get_or_add_pPr().get_or_add_ind()
            indent.set(_name("firstLineChars"), "200")  # hundredths of a character; Word computes the width
            indent.set(_name("firstLine"), str(2 * _SIZE_PT * 20))  # in twentieths of a point, for other readers
        self._add_pieces(paragraph, pieces)
        return paragraph

    def _add_scene_break(self) -> None:
        from docx.enum.text import WD_ALIGN_PARAGRAPH

        paragraph = self._paragraph("Normal")
        paragraph.add_run(word("scene break", self._language))
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER

    def _add_list(self, listing: Listing, depth: int) -> None:
        level = min(depth, _DEEPEST_LIST - 1)
        style = ("List Number" if listing.is_ordered else "List Bullet") + (f" {level + 1}" if level else "")
        number = self._new_numbering(style, listing.start) if listing.is_ordered else None
        for item in listing.items:
            first, rest = (item[0], item[1:]) if item and isinstance(item[0], Paragraph) else (Paragraph(()), item)
            paragraph = self._add_prose(first.pieces, style)
            if number is not None:
                _use_numbering(paragraph, number)
            self._add(rest, "List Continue" + (f" {level + 1}" if level else ""), depth + 1)

    def _new_numbering(self, style: str, start: int) -> int:
        """A numbering of its own, so that a second list does not go on with the numbers of the first."""
        numbering: Any = self._document.part.numbering_part.element
        own: Any = self._document.styles[style].element
        of_style = numbering.num_having_numId(own.pPr.numPr.numId.val)
        fresh = numbering.add_num(of_style.abstractNumId.val)
        fresh.add_lvlOverride(ilvl=0).add_startOverride(start)
        return int(fresh.numId)

    def _add_pieces(self, paragraph: DocxParagraph, pieces: Pieces) -> None:
        for piece in pieces:
            self._add_piece(paragraph, piece)

    def _add_piece(self, paragraph: DocxParagraph, piece: Piece) -> None:
        run = paragraph.add_run(xml_characters(piece.text))
        run.bold = piece.is_strong or None
        if piece.is_emphasis and CHINESE_CHARACTER.search(piece.text):
            run._r.get_or_add_rPr().append(_element("em", "dot"))
        elif piece.is_emphasis:
            run.italic = True


def _use_numbering(paragraph: DocxParagraph, number: int) -> None:
    properties: Any = paragraph._p.get_or_add_pPr().get_or_add_numPr()
    properties.get_or_add_ilvl().val = 0
    properties.get_or_add_numId().val = number


def _name(local: str) -> str:
    from docx.oxml.ns import qn

    return str(qn(f"w:{local}"))


def _element(local: str, value: str) -> Any:
    from docx.oxml.parser import OxmlElement

    element = OxmlElement(f"w:{local}")
    element.set(_name("val"), value)
    return element
