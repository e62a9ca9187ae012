"""Lists of Word documents: WordprocessingML numbers flat paragraphs, and a text has lists in lists.

    numPr (numId, ilvl) ── numbering part ──> ListPlace        rows of (place, block) ── nested ──> Listing(Listing …)

For: `docx_reader`. Knows ECMA-376 part 1, 17.9 (numbering) and the built-in list styles; must not know text or files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

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

    def __init__(self, document: Any) -> None:
        parts = (part for part in document.part.rels.values() if part.reltype.endswith("/numbering"))
        found = next(parts, None)  # python-docx's own property cannot do without one
        self._root: Any = found.target_part.element if found is not None else None
        self._next: dict[tuple[str, int], int] = {}  # (abstract numbering, level): the number that comes next
        self._begun: set[tuple[int, int]] = set()

    def place(self, paragraph: Any, style: Any) -> ListPlace | None:
        """The place of a `w:p` with this style of python-docx's, None outside of lists."""
        named = _STYLE.match((style.name or "") if style is not None else "")
        level = int(named[2] or 1) - 1 if named else 0
        own = _number_and_level(paragraph) or (_number_and_level(style.element) if style is not None else None)
        if own is None:
            return ListPlace(level, is_more=True) if named and named[1] == "Continue" else None
        number, inner = own
        if number == 0:  # taken out of the list that its style would put it into
            return None
        form, abstract = self._form(number, inner)
        if form == "none":
            return None
        shown = max(level, inner)
        return ListPlace(shown, None if form == "bullet" else self._counted(number, inner, abstract))

    def _form(self, number: int, level: int) -> tuple[str, str]:
        """(number format, id of the abstract numbering); a bullet where the document does not say."""
        root = self._root
        if root is None:
            return "bullet", ""
        abstract = next(iter(root.xpath(f"w:num[@w:numId='{number}']/w:abstractNumId/@w:val")), "")
        formats = root.xpath(f"w:abstractNum[@w:abstractNumId='{abstract}']/w:lvl[@w:ilvl='{level}']/w:numFmt/@w:val")
        return (str(formats[0]) if formats else "bullet"), str(abstract)

    def _counted(self, number: int, level: int, abstract: str) -> int:
        root = self._root
        first = root.xpath(f"w:abstractNum[@w:abstractNumId='{abstract}']/w:lvl[@w:ilvl='{level}']/w:start/@w:val")
        override = root.xpath(f"w:num[@w:numId='{number}']/w:lvlOverride[@w:ilvl='{level}']/w:startOverride/@w:val")
        if override and (number, level) not in self._begun:
            self._next.pop((abstract, level), None)
        self._begun.add((number, level))
        found = self._next.get((abstract, level), int((override or first or ["1"])[0]))
        self._next[abstract, level] = found + 1
        for key in [key for key in self._next if key[0] == abstract and key[1] > level]:
            del self._next[key]  # the numbers below begin anew under each item
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


def _number_and_level(holder: Any) -> tuple[int, int] | None:
    properties = holder.pPr.numPr if holder.pPr is not None else None
    if properties is None or properties.numId is None:
        return None
    return int(properties.numId.val), int(properties.ilvl.val if properties.ilvl is not None else 0)
