"""Blocks as XHTML, for the HTML and the EPUB writer: well-formed, escaped, each block in its own language.

For: html_writer, epub_writer. Knows blocks; must not know files, heads or style sheets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape

from desktop_app.document.counting import count_text
from desktop_app.document.writers.blocks import Block, Heading, Listing, Paragraph, Piece, Pieces, Quote, plain
from desktop_app.document.writers.manuscript import CHINESE, ENGLISH
from desktop_app.document.writers.writer import is_chinese

Mark = Callable[[Piece, str], str]  # puts something around the markup of a piece
# XML 1.0 has no place for these, escaped or not.
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def xml_characters(text: str) -> str:
    """A text without what XML cannot hold; for libraries that escape by themselves."""
    return _NO_XML.sub("\ufffd", text)


def xml_text(text: str) -> str:
    """A text inside an element or a quoted attribute."""
    return escape(xml_characters(text), quote=True)


def body(blocks: Sequence[Block], language: str, mark: Mark | None = None) -> str:
    """One line a block. A block in the other language than the book's says so."""
    return "".join(_block(block, language, mark) for block in blocks)


def inline(pieces: Pieces, mark: Mark | None = None) -> str:
    """Pieces with emphasis; `mark` sees each piece."""
    parts = []
    for piece in pieces:
        text = xml_text(piece.text).replace("\n", "<br/>")
        if piece.is_strong:
            text = f"<strong>{text}</strong>"
        if piece.is_emphasis:
            text = f"<em>{text}</em>"
        parts.append(mark(piece, text) if mark else text)
    return "".join(parts)


def _block(block: Block, language: str, mark: Mark | None) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}{_lang(block.pieces, language)}>{inline(block.pieces, mark)}</h{block.level}>\n"
    if isinstance(block, Paragraph):
        return f"<p{_lang(block.pieces, language)}>{inline(block.pieces, mark)}</p>\n"
    if isinstance(block, Quote):
        return f"<blockquote>\n{body(block.blocks, language, mark)}</blockquote>\n"
    if isinstance(block, Listing):
        return _listing(block, language, mark)
    return '<hr class="scene"/>\n'


def _listing(listing: Listing, language: str, mark: Mark | None) -> str:
    tag = "ol" if listing.is_ordered else "ul"
    start = f' start="{listing.start}"' if listing.is_ordered and listing.start != 1 else ""
    items = "".join(_item(item, language, mark) for item in listing.items)
    return f"<{tag}{start}>\n{items}</{tag}>\n"


def _item(item: tuple[Block, ...], language: str, mark: Mark | None) -> str:
    if item and isinstance(item[0], Paragraph):  # a short item needs no paragraph of its own
        first = item[0]
        rest = body(item[1:], language, mark)
        return f"<li{_lang(first.pieces, language)}>{inline(first.pieces, mark)}{chr(10) + rest if rest else ''}</li>\n"
    return f"<li>{body(item, language, mark)}</li>\n"


def _lang(pieces: Pieces, language: str) -> str:
    counts = count_text(plain(pieces))
    if counts.kana or not counts.words:
        return ""  # neither of both languages
    own = CHINESE if counts.chinese else ENGLISH
    return "" if is_chinese(own) == is_chinese(language) else f' lang="{own}" xml:lang="{own}"'
