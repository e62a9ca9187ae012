"""One HTML file that needs nothing beside it: style sheet inside, languages marked, the origin of the text on request.

For: export. Knows blocks and origins; must not know Qt or files.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from desktop_app.document.writers.blocks import Block, Piece, all_pieces
from desktop_app.document.writers.manuscript import KINDS, TYPED, Manuscript
from desktop_app.document.writers.style_sheets import BOOK, ORIGINS, SCREEN
from desktop_app.document.writers.writer import word
from desktop_app.document.writers.xhtml import Mark, body, xml_text


class HtmlWriter:
    """HTML5 that is well-formed XML too. Marks of origin: pattern and colour of an underline, and a legend."""

    suffix = ".html"
    marks_origin = True

    def write(self, manuscript: Manuscript, blocks: Sequence[Block], with_origin: bool = False) -> bytes:
        """The file, UTF-8."""
        metadata = manuscript.metadata
        marked = with_origin and bool(manuscript.runs)
        text = body(blocks, metadata.language, _marker(manuscript) if marked else None)
        parts = [
            f'<!DOCTYPE html>\n<html lang="{xml_text(metadata.language)}">\n<head>\n<meta charset="utf-8"/>\n',
            f"<title>{xml_text(metadata.title_or(word('untitled', metadata.language)))}</title>\n",
            f'<meta name="author" content="{xml_text(metadata.author)}"/>\n' if metadata.author else "",
            '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n',
            f"<style>\n{BOOK}{SCREEN}{ORIGINS if marked else ''}</style>\n</head>\n<body>\n<main>\n",
            text,
            "</main>\n",
            _legend(manuscript, blocks) if marked else "",
            _records(manuscript) if marked else "",
            "</body>\n</html>\n",
        ]
        return "".join(parts).encode("utf-8")


def _marker(manuscript: Manuscript) -> Mark:
    language = manuscript.metadata.language

    def mark(piece: Piece, markup: str) -> str:
        run = manuscript.runs[piece.origin]
        if run.kind == TYPED:
            return markup
        record = f' data-record="{piece.origin}"' if run.record is not None else ""
        return f'<span class="{run.kind}" title="{word(run.kind, language)}"{record}>{markup}</span>'

    return mark


def _legend(manuscript: Manuscript, blocks: Sequence[Block]) -> str:
    """How many characters are of which origin, each kind shown as in the text."""
    language = manuscript.metadata.language
    counts: Counter[str] = Counter()
    for piece in all_pieces(blocks):
        counts[manuscript.runs[piece.origin].kind] += len(piece.text)
    items = "".join(
        f'<li><span class="{kind}">{word(kind, language)}</span> '
        f"{word('characters', language).format(count=counts[kind])}</li>\n"
        for kind in KINDS
        if counts[kind]
    )
    return f'<footer class="origins">\n<h2>{word("origin", language)}</h2>\n<ul>\n{items}</ul>\n</footer>\n'


def _records(manuscript: Manuscript) -> str:
    """The generation records by the number that the marks name."""
    records = {str(index): dict(run.record) for index, run in enumerate(manuscript.runs) if run.record is not None}
    if not records:
        return ""
    # Inside a script element only "<" could end it; as an escape it is the same JSON, and no "&" needs escaping.
    text = json.dumps(records, ensure_ascii=True, sort_keys=True).replace("<", "\\u003c").replace("&", "\\u0026")
    return f'<script type="application/json" id="generation-records">{text}</script>\n'
