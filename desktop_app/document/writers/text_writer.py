"""Plain text: no marks at all, paragraphs as each language sets them in a bare file.

    English    a blank line between paragraphs          Chinese    two full-width spaces before each

For: export. Knows blocks; must not know Qt or files.
"""

from __future__ import annotations

from collections.abc import Sequence

from desktop_app.document.writers.blocks import Block, Heading, Listing, Paragraph, Quote, plain
from desktop_app.document.writers.manuscript import Manuscript
from desktop_app.document.writers.writer import is_chinese, word

_CHINESE_INDENT = "\u3000\u3000"


class TextWriter:
    """UTF-8 without BOM, lines ending in LF. Title and author stand at the top where there are any."""

    suffix = ".txt"
    marks_origin = False

    def write(self, manuscript: Manuscript, blocks: Sequence[Block], with_origin: bool = False) -> bytes:
        """The file."""
        metadata = manuscript.metadata
        head = [line for line in (metadata.title.strip(), metadata.author.strip()) if line]
        parts = ["\n".join(head)] if head else []
        text = _text(blocks, metadata.language)
        return ("\n\n\n".join([*parts, text] if text else parts) + "\n").encode("utf-8", "replace")


def _text(blocks: Sequence[Block], language: str, depth: int = 0) -> str:
    """Blocks with the gaps between them; no line end at the last."""
    parts: list[str] = []
    before: Block | None = None
    for block in blocks:
        if before is not None:
            is_prose = isinstance(before, Paragraph) and isinstance(block, Paragraph)
            is_close = is_prose and is_chinese(language)
            parts.append("\n" if is_close else ("\n\n\n" if isinstance(block, Heading) else "\n\n"))
        parts.append(_block(block, language, depth))
        before = block
    return "".join(parts)


def _block(block: Block, language: str, depth: int) -> str:
    indent = _CHINESE_INDENT if is_chinese(language) and not depth else "  " * depth
    if isinstance(block, Heading):
        return plain(block.pieces)
    if isinstance(block, Paragraph):
        return indent + plain(block.pieces).replace("\n", "\n" + indent)
    if isinstance(block, Quote):
        return _text(block.blocks, language, depth + 2)
    if isinstance(block, Listing):
        return _items(block, language, depth)
    return indent + word("scene break", language)


def _items(listing: Listing, language: str, depth: int) -> str:
    items = []
    for number, item in enumerate(listing.items, listing.start):
        mark = f"{number}. " if listing.is_ordered else "- "
        items.append("  " * depth + mark + _text(item, language, depth + 1).lstrip())
    return "\n".join(items)
