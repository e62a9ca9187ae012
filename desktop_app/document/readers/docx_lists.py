"""Lists of Word documents: WordprocessingML numbers flat paragraphs, and a text has lists in lists.

    numPr (numId, ilvl) ── numbering part ──> ListPlace        rows of (place, block) ── nested ──> Listing(Listing …)

For: `docx_reader`. Knows the numbering part, styles and the built-in list styles; must not know text or files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from desktop_app.document.readers.docx_numbering import BULLET, DEEPEST, NumberingPart
from desktop_app.document.readers.docx_styles import Chain, Styles
from desktop_app.document.readers.docx_xml import child, child_value, whole_number
from desktop_app.document.writers.blocks import Block, Listing

_STYLE = re.compile(r"List (Bullet|Number|Continue)(?: ([2-9]))?$")


@dataclass(frozen=True)
class ListPlace:
    """Where a paragraph stands. `number`: what a numbered item shows, None for a bullet; `level` from 0 on.

    `is_more`: no item of its own, but one more paragraph of the item before it.
    """

    level: int
    number: int | None = None
    is_more: bool = False


class Numbering:
    """Counts the numbered paragraphs of a document, which must be asked about in their order."""

    def __init__(self, document: Any, styles: Styles) -> None:
        self._part = NumberingPart(document, styles)
        self._next: dict[tuple[str, int], int] = {}  # (abstract numbering, level): the number that comes next
        self._begun: set[tuple[str, int]] = set()

    def place(self, paragraph: Any, chain: Chain) -> ListPlace | None:
        """The place of a `w:p` with these styles, None outside of lists."""
        named = next((found for style in chain if (found := _STYLE.match(style.name))), None)
        level = int(named[2] or 1) - 1 if named else 0
        own = _number_and_level([child(paragraph, "pPr"), *(style.paragraph for style in chain)])
        if own is None:
            return ListPlace(level, is_more=True) if named and named[1] == "Continue" else None
        number, inner = own
        if whole_number(number) == 0:  # taken out of the list that its style would put it into
            return None
        form = self._part.level(number, inner).form
        if form == "none":
            return None
        return ListPlace(max(level, inner), None if form == BULLET else self._counted(number, inner))

    def _counted(self, number: str, level: int) -> int:
        abstract, anew = self._part.abstract(number), self._part.begins_anew(number, level)
        first = self._part.level(number, level).start
        if anew is not None and (number, level) not in self._begun:
            self._next[abstract, level] = anew
        self._begun.add((number, level))
        found = self._next.get((abstract, level), first if anew is None else anew)
        self._next[abstract, level] = found + 1
        for deeper in range(level + 1, DEEPEST + 1):
            self._next.pop((abstract, deeper), None)  # the numbers below begin anew under each item
        return found


def nested(rows: Iterable[tuple[ListPlace, Block]]) -> Iterator[Block]:
    """Neighbouring list paragraphs as lists in lists."""
    open_lists: list[_Open] = []

    def closed() -> Iterator[Block]:
        made = open_lists.pop().made()
        if open_lists:
            open_lists[-1].items[-1].append(made)
        else:
            yield made

    for place, block in rows:
        while open_lists and (open_lists[-1].place.level > place.level or open_lists[-1].ends_before(place)):
            yield from closed()
        if place.is_more:
            if open_lists:
                open_lists[-1].items[-1].append(block)
            else:
                yield block
            continue
        if not open_lists or open_lists[-1].place.level < place.level:
            open_lists.append(_Open(place))
        open_lists[-1].items.append([block])
    while open_lists:
        yield from closed()


@dataclass
class _Open:
    """A list that may get more items. `place`: that of its first one."""

    place: ListPlace
    items: list[list[Block]] = field(default_factory=list)

    def ends_before(self, place: ListPlace) -> bool:
        """Whether an item of this level is of another list: the other kind, or a number that does not follow."""
        if place.is_more or place.level != self.place.level:
            return False
        expected = None if self.place.number is None else self.place.number + len(self.items)
        return place.number != expected

    def made(self) -> Listing:
        """As a block."""
        start = self.place.number
        return Listing(start is not None, 1 if start is None else start, tuple(tuple(item) for item in self.items))


def _number_and_level(holders: Iterable[Any]) -> tuple[str, int] | None:
    """(id, level) that the nearest properties say; what one does not say, those after it may."""
    level: int | None = None
    for holder in holders:
        properties = child(holder, "numPr")
        if level is None:
            level = whole_number(child_value(properties, "ilvl"))
        number = child_value(properties, "numId")
        if number is not None:
            return number, min(DEEPEST, max(0, level or 0))
    return None
