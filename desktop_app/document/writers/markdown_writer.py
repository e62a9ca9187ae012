"""Markdown that any CommonMark reader takes for what it is: a blank line between blocks, marks escaped in text.

For: export and the import of .docx. What `prose_markup` does not understand (links, HTML …) goes out as it was written.
Knows blocks; must not know Qt or files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from desktop_app.document.writers.blocks import Block, Heading, Listing, Paragraph, Piece, Quote
from desktop_app.document.writers.manuscript import Manuscript, Metadata

_INLINE = re.compile(r"\\(?=[!-/:-@\[-`{-~\n]|$)|\*|(?<!\w)_|_(?!\w)|~~~")
_LINE_START = re.compile(r"(\s*)([#>]|[-+](?=\s|$)|-(?=\s*-)|_(?=\s*_)|=|~(?=~~)|`(?=``))|(\s*\d{1,9})([.)])(?=\s|$)")
_LAST_NUMBER_MARK = re.compile(r"#+\s*$")


class MarkdownWriter:
    """Title, author and language stand in a YAML head where there is a title or an author."""

    suffix = ".md"
    marks_origin = False

    def write(self, manuscript: Manuscript, blocks: Sequence[Block], with_origin: bool = False) -> bytes:
        """The file, UTF-8."""
        return (_head(manuscript.metadata) + markdown(blocks)).encode("utf-8", "replace")


def markdown(blocks: Sequence[Block], is_tight: bool = False) -> str:
    """The blocks as Markdown; `read_blocks` gives the same blocks back. `is_tight`: no blank line between paragraphs,
    as Chinese is set on the page.
    """
    lines = _lines(blocks, is_tight)
    return "\n".join(lines) + "\n" if lines else ""


def _head(metadata: Metadata) -> str:
    if not metadata.title and not metadata.author:
        return ""
    fields = {"title": metadata.title, "author": metadata.author, "lang": metadata.language}
    # A JSON string is a YAML string, whatever is in it.
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in fields.items() if value]
    return "---\n" + "\n".join(lines) + "\n---\n\n"


def _lines(blocks: Sequence[Block], is_tight: bool = False) -> list[str]:
    lines: list[str] = []
    before: Block | None = None
    is_other_list = False
    for block in blocks:
        is_pair = isinstance(before, Paragraph) and isinstance(block, Paragraph)
        if before is not None and not (is_tight and is_pair):
            lines.append("")
        # Two lists in a row would be one, but for another mark.
        is_other_list = isinstance(before, Listing) and isinstance(block, Listing) and not is_other_list
        lines += _list_lines(block, is_other_list) if isinstance(block, Listing) else _block_lines(block, is_tight)
        before = block
    return lines


def _block_lines(block: Block, is_tight: bool) -> list[str]:
    if isinstance(block, Heading):
        text = _inline(block.pieces).replace("\\\n", " ")
        return ["#" * block.level + " " + _LAST_NUMBER_MARK.sub(lambda found: "\\" + found[0], text)]
    if isinstance(block, Paragraph):
        return _inline(block.pieces).split("\n")
    if isinstance(block, Quote):
        return ["> " + line if line else ">" for line in _lines(block.blocks, is_tight)]
    return ["* * *"]


def _list_lines(listing: Listing, is_other: bool) -> list[str]:
    lines: list[str] = []
    for number, item in enumerate(listing.items, listing.start):
        mark = f"{number}{')' if is_other else '.'} " if listing.is_ordered else ("* " if is_other else "- ")
        inner = _lines(item) or [""]
        lines.append((mark + inner[0]).rstrip())
        lines += [" " * len(mark) + line if line else "" for line in inner[1:]]
    return lines


def _inline(pieces: Sequence[Piece]) -> str:
    """Pieces with their stars. Spaces at the edge of an emphasis go outside, where a star may stand beside them."""
    parts = []
    for text, is_emphasis, is_strong in _looks(pieces):
        stars = "*" * (is_emphasis + 2 * is_strong)
        core = text.strip()
        if not stars or not core:
            parts.append(escape(text))
            continue
        start = text.index(core)
        parts.append(text[:start] + stars + escape(core) + stars + text[start + len(core) :])
    return _escape_line_starts("".join(parts).strip().replace("\n", "\\\n"))


def _looks(pieces: Sequence[Piece]) -> list[tuple[str, bool, bool]]:
    """Neighbours of one look together, whatever their origin."""
    found: list[tuple[str, bool, bool]] = []
    for piece in pieces:
        if found and found[-1][1:] == (piece.is_emphasis, piece.is_strong):
            found[-1] = (found[-1][0] + piece.text, *found[-1][1:])
        else:
            found.append((piece.text, piece.is_emphasis, piece.is_strong))
    return found


def escape(text: str) -> str:
    """A text in which no star, underscore or backslash means anything."""
    return _INLINE.sub(lambda found: "\\" + found[0], text)


def _escape_line_starts(text: str) -> str:
    def with_backslash(found: re.Match[str]) -> str:
        if found[2] is not None:
            return f"{found[1]}\\{found[2]}"
        return f"{found[3]}\\{found[4]}"

    return "\n".join(
        _LINE_START.sub(with_backslash, line, count=1) if _LINE_START.match(line) else line for line in text.split("\n")
    )
