"""Word documents in: paragraphs, headings, quotes, lists and emphasis as the writer's Markdown-like text.

    zip → python-docx → every paragraph of the body, in order → blocks → Markdown

All text comes along: tables as their cells one after the other, text boxes, insertions that nobody accepted yet;
deleted text stays out. What cannot come along (pictures, notes) is said.

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
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_LEFT_OUT = (f"{_W}del", f"{_W}moveFrom", "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback")
_PICTURES = (f"{_W}drawing", f"{_W}pict", f"{_W}object")
_NOTES = (f"{_W}footnoteReference", f"{_W}endnoteReference")


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
        self._numbering = Numbering(document)
        self._styles = {style.style_id: style for style in document.styles}

    def read(self) -> ImportedText:
        blocks = list(_grouped(self._paragraphs()))
        body = self._document.element.body
        properties = self._document.core_properties
        language = properties.language or language_of("\n".join(piece.text for piece in all_pieces(blocks)))
        metadata = Metadata(properties.title or "", properties.author or "", language)
        return ImportedText(markdown(blocks, is_tight=is_chinese(language)), metadata, self._notes(body))

    def _paragraphs(self) -> Iterator[tuple[Kind, Block]]:
        """(kind, block) of each paragraph that has text; paragraphs in cells and boxes too."""
        for element in self._document.element.body.iter(f"{_W}p"):
            if any(parent.tag in _LEFT_OUT for parent in element.iterancestors()):
                continue
            pieces = tuple(_pieces(element))
            if not plain(pieces).strip():
                continue
            yield self._block(element, pieces)

    def _block(self, element: Any, pieces: tuple[Piece, ...]) -> tuple[Kind, Block]:
        style = self._styles.get(element.style)
        name = (style.name or "") if style is not None else ""
        if name.startswith("Heading ") and name[8:].isdigit():
            return None, Heading(min(6, int(name[8:])), tuple(Piece(piece.text.replace("\n", " ")) for piece in pieces))
        if name == "Title":
            return None, Heading(1, tuple(Piece(piece.text.replace("\n", " ")) for piece in pieces))
        if "Quote" in name:
            return _Quoted(), Paragraph(pieces)
        place = self._numbering.place(element, style)
        if place is not None:
            return place, Paragraph(pieces)
        if is_scene_break(plain(pieces)):
            return None, SceneBreak()
        return None, Paragraph(pieces)

    def _notes(self, body: Any) -> tuple[Note, ...]:
        notes = []
        if next(body.iter(*_PICTURES), None) is not None:
            notes.append(Note("docx_pictures", f"the pictures of {self._name} were left out", (("name", self._name),)))
        if next(body.iter(*_NOTES), None) is not None:
            words = f"the footnotes of {self._name} were left out"
            notes.append(Note("docx_footnotes", words, (("name", self._name),)))
        return tuple(notes)


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


def _pieces(paragraph: Any) -> Iterator[Piece]:
    for run in paragraph.iter(f"{_W}r"):
        own = next(parent for parent in run.iterancestors() if parent.tag == f"{_W}p")
        if own is not paragraph or any(parent.tag in _LEFT_OUT for parent in run.iterancestors()):
            continue  # of a text box inside this paragraph, or deleted
        text = "".join(_run_text(run)).replace("\r", "")
        properties = run.find(f"{_W}rPr")
        if text:
            is_emphasis = _is_on(properties, "i") or _is_on(properties, "em")
            yield Piece(text, is_emphasis, _is_on(properties, "b"))


def _run_text(run: Any) -> Iterator[str]:
    for element in run:
        if element.tag == f"{_W}t":
            yield element.text or ""
        elif element.tag == f"{_W}tab":
            yield "\t"
        elif element.tag in (f"{_W}br", f"{_W}cr"):
            yield "\n"
        elif element.tag == f"{_W}noBreakHyphen":
            yield "\u2011"


def _is_on(properties: Any, name: str) -> bool:
    found = properties.find(f"{_W}{name}") if properties is not None else None
    return found is not None and found.get(f"{_W}val", "true") not in ("false", "0", "off", "none")
