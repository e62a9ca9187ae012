"""Word documents in: paragraphs, headings, quotes, lists and emphasis as the writer's Markdown-like text.

    zip → python-docx → every paragraph of the body, in order → blocks → Markdown

All text comes along: tables as their cells one after the other, text boxes, insertions that nobody accepted yet;
deleted text stays out. What cannot come along (pictures, notes, readings above characters) or is hidden is said.

For: import. Knows python-docx and WordprocessingML (ECMA-376 part 1); must not know Qt or files.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from desktop_app.document.errors import TextFileError
from desktop_app.document.readers.docx_lists import ListPlace, Numbering, nested
from desktop_app.document.readers.docx_runs import HIDDEN, LEFT_OUT, READINGS, SYMBOLS, Runs
from desktop_app.document.readers.docx_styles import Chain, Styles, heading_level, is_quote
from desktop_app.document.readers.docx_xml import W, child_value
from desktop_app.document.readers.imported import ImportedText
from desktop_app.document.text_file import Note
from desktop_app.document.writers.blocks import (
    Block,
    Heading,
    Paragraph,
    Piece,
    Quote,
    SceneBreak,
    all_pieces,
    plain,
)
from desktop_app.document.writers.manuscript import Metadata, language_of
from desktop_app.document.writers.markdown_writer import markdown
from desktop_app.document.writers.prose_markup import is_scene_break
from desktop_app.document.writers.writer import is_chinese

LARGEST_BYTES = 200 * 1024 * 1024  # of XML once unpacked; a long novel has five
_PICTURES = (f"{W}drawing", f"{W}pict", f"{W}object")
_NOTES = (f"{W}footnoteReference", f"{W}endnoteReference")
# kind of the note: what the line calls it, in the order in which it is said
_LEFT_OUT_WORDS: dict[str, str] = {
    "docx_pictures": "the pictures of {name} were left out",
    "docx_footnotes": "the footnotes of {name} were left out",
    HIDDEN: "the hidden text of {name} was left out",
    READINGS: "the readings above characters of {name} were left out",
    SYMBOLS: "symbols of {name} that are no characters outside of their font were left out",
}


def read_docx(data: bytes, name: str) -> ImportedText:
    """The text of a file's bytes. Raises `TextFileError`; `name` is for its words."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > LARGEST_BYTES:
            raise _refused(name)
        import docx

        return _Reader(docx.Document(io.BytesIO(data)), name).read()
    except TextFileError:
        raise
    except Exception as error:  # the library's own errors, zip's and the XML parser's have no common name
        raise _refused(name) from error


def _refused(name: str) -> TextFileError:
    return TextFileError(
        f"{name} is no Word document (.docx) that can be read; save it as .docx again in the program that wrote it",
        "damaged_docx",
        name=name,
    )


class _Quoted:
    """The kind of a paragraph of a quote."""


Kind = ListPlace | _Quoted | None


class _Reader:
    def __init__(self, document: Any, name: str) -> None:
        self._document = document
        self._name = name
        self._styles = Styles(document)
        self._numbering = Numbering(document, self._styles)
        self._runs = Runs(self._styles)

    def read(self) -> ImportedText:
        blocks = list(_grouped(self._paragraphs()))
        properties = self._document.core_properties
        said = properties.language or ""
        language = said or language_of("\n".join(piece.text for piece in all_pieces(blocks)))
        metadata = Metadata(properties.title or "", properties.author or "", language)
        return ImportedText(markdown(blocks, is_tight=is_chinese(language)), metadata, self._notes(), said)

    def _paragraphs(self) -> Iterator[tuple[Kind, Block]]:
        """(kind, block) of each paragraph that has text; paragraphs in cells and boxes too."""
        for element in self._document.element.body.iter(f"{W}p"):
            if any(parent.tag in LEFT_OUT for parent in element.iterancestors()):
                continue
            chain = self._styles.chain(child_value(element, "pPr", "pStyle"))
            pieces = tuple(self._runs.pieces(element, chain))
            if not plain(pieces).strip():
                continue
            yield self._block(element, chain, pieces)

    def _block(self, element: Any, chain: Chain, pieces: tuple[Piece, ...]) -> tuple[Kind, Block]:
        level = heading_level(chain)
        if level is not None:
            return None, Heading(level, tuple(Piece(piece.text.replace("\n", " ")) for piece in pieces))
        if is_quote(chain):
            return _Quoted(), Paragraph(pieces)
        place = self._numbering.place(element, chain)
        if place is not None:
            return place, Paragraph(pieces)
        if is_scene_break(plain(pieces)):
            return None, SceneBreak()
        return None, Paragraph(pieces)

    def _notes(self) -> tuple[Note, ...]:
        """What was left out; asked for after all paragraphs."""
        body, left_out = self._document.element.body, set(self._runs.left_out)
        if next(body.iter(*_PICTURES), None) is not None:
            left_out.add("docx_pictures")
        if next(body.iter(*_NOTES), None) is not None:
            left_out.add("docx_footnotes")
        facts = (("name", self._name),)
        words = {kind: text.format(name=self._name) for kind, text in _LEFT_OUT_WORDS.items()}
        return tuple(Note(kind, text, facts) for kind, text in words.items() if kind in left_out)


def _grouped(paragraphs: Iterator[tuple[Kind, Block]]) -> Iterator[Block]:
    """Quotes that follow each other as one quote, list items as lists."""
    for kind, group in groupby(paragraphs, key=lambda pair: type(pair[0])):
        rows = list(group)
        if kind is ListPlace:
            yield from nested((place, block) for place, block in rows if isinstance(place, ListPlace))
        elif kind is _Quoted:
            yield Quote(tuple(block for _, block in rows))
        else:
            yield from (block for _, block in rows)
