"""Styles of a Word document: what a paragraph's style says, and the styles that it is based on.

    "Mine" ── chain ──> Mine, List Bullet, Normal        the nearest one that says something is right

For: the readers of Word documents. Knows ECMA-376 part 1, 17.7 (styles); must not know text or files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from desktop_app.document.readers.docx_xml import W, attribute, child, child_value, is_on

_LONGEST_CHAIN = 16  # more than Word itself follows
_HEADING = re.compile(r"heading (\d{1,2})", re.IGNORECASE)  # Word writes it small, others do not
_NO_OUTLINE = "9"  # the outline level of body text: "TOC Heading" is based on a heading, and is none


@dataclass(frozen=True, eq=False)
class Style:
    """One style. `paragraph`, `run`: its properties as elements, None without any."""

    name: str
    based_on: str
    paragraph: Any
    run: Any


Chain = tuple[Style, ...]


class Styles:
    """All styles of a document, read once."""

    def __init__(self, document: Any) -> None:
        self._styles = {attribute(each, "styleId"): _style(each) for each in document.styles.element.iter(f"{W}style")}
        self._chains: dict[str | None, Chain] = {}

    def chain(self, style_id: str | None) -> Chain:
        """A style and those that it is based on, from the nearest on; empty for one that the document lacks."""
        if style_id not in self._chains:
            self._chains[style_id] = self._followed(style_id)
        return self._chains[style_id]

    def _followed(self, style_id: str | None) -> Chain:
        found: list[Style] = []
        style = self._styles.get(style_id)
        while style is not None and style not in found and len(found) < _LONGEST_CHAIN:
            found.append(style)
            style = self._styles.get(style.based_on)
        return tuple(found)


def heading_level(chain: Chain) -> int | None:
    """1 to 6 for a heading of a book, None for any other paragraph."""
    if chain and chain[0].name == "Title":
        return 1
    for style in chain:
        named = _HEADING.fullmatch(style.name)
        if named is not None:
            return max(1, min(6, int(named[1])))
        if child_value(style.paragraph, "outlineLvl") == _NO_OUTLINE:
            return None
    return None


def is_quote(chain: Chain) -> bool:
    """Whether a paragraph is a quotation."""
    return any("Quote" in style.name for style in chain)


def is_hidden(run: Any, own: Chain, paragraph: Chain) -> bool:
    """Whether a run's text is hidden (`w:vanish`): by itself, by its style, or by the paragraph's style."""
    holders = [child(run, "rPr"), *(style.run for style in own), *(style.run for style in paragraph)]
    said = (is_on(holder, "vanish") for holder in holders)
    return next((each for each in said if each is not None), False)


def _style(element: Any) -> Style:
    name, based_on = child_value(element, "name"), child_value(element, "basedOn")
    return Style(name or "", based_on or "", child(element, "pPr"), child(element, "rPr"))
