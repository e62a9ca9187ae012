"""The numbering part of a Word document, read once: which format and first number a level of a numbering has.

    num ── abstractNumId ──> abstractNum ── lvl ──> Level        num ── lvlOverride ──> another Level, another start
                             abstractNum ── numStyleLink ──> list style ── numId ──> num ──> abstractNum

For: `docx_lists`. Knows ECMA-376 part 1, 17.9 (numbering); must not know paragraphs. Ids are compared as text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from desktop_app.document.readers.docx_styles import Styles
from desktop_app.document.readers.docx_xml import W, attribute, child, child_value, whole_number

DEEPEST = 8  # Word knows nine levels, from 0 on
BULLET = "bullet"
_LARGEST_START = 32_767  # Word's; Markdown ends at nine digits
_LONGEST_WAY = 8  # from list style to list style


@dataclass(frozen=True)
class Level:
    """`form`: a number format's name, or "bullet", or "none"."""

    form: str = BULLET
    start: int = 1


@dataclass
class _Numbering:
    """A `w:num` or a `w:abstractNum`. `leads_to`: the abstract one of the first, the list style of the second."""

    leads_to: str | None
    levels: dict[int, Level] = field(default_factory=dict)
    starts: dict[int, int] = field(default_factory=dict)  # that a level begins with once more


class NumberingPart:
    """What the document defines; of an id that it lacks, every level is a bullet."""

    def __init__(self, document: Any, styles: Styles) -> None:
        relations = (each for each in document.part.rels.values() if each.reltype.endswith("/numbering"))
        # python-docx's own property cannot do without one; one outside of the file, or of another type, is none
        found = next((each.target_part for each in relations if not each.is_external), None)
        root = getattr(found, "element", None)
        self._styles = styles
        self._numbers: dict[str, _Numbering] = {}
        self._abstract: dict[str, _Numbering] = {}
        self._of_style: dict[str, str] = {}  # a list style: the abstract numbering that says it is its own
        for element in root if root is not None else ():
            self._take(element)

    def abstract(self, number: str) -> str:
        """The id of the abstract numbering, whose count its numberings share; "" where there is none."""
        number = _id(number)
        for _ in range(_LONGEST_WAY):
            abstract = self._numbers[number].leads_to if number in self._numbers else None
            style = self._abstract[abstract].leads_to if abstract in self._abstract else None
            if style is None:
                return abstract or ""
            steps = (child_value(each.paragraph, "numPr", "numId") for each in self._styles.chain(style))
            of_style = next((step for step in steps if step is not None), None)
            if of_style is None or _id(of_style) not in self._numbers:
                return self._of_style.get(style, abstract or "")
            number = _id(of_style)
        return ""

    def level(self, number: str, level: int) -> Level:
        """What a level (0 to 8) of a numbering looks like."""
        own, abstract = self._numbers.get(_id(number)), self._abstract.get(self.abstract(number))
        levels = (each.levels[level] for each in (own, abstract) if each is not None and level in each.levels)
        return next(levels, Level())

    def begins_anew(self, number: str, level: int) -> int | None:
        """The number that a level of this numbering begins with, whatever the others of its abstract one counted."""
        own = self._numbers.get(_id(number))
        return own.starts.get(level) if own is not None else None

    def _take(self, element: Any) -> None:
        if element.tag == f"{W}num":
            made = _Numbering(_known_id(child_value(element, "abstractNumId")))
            made.levels.update(_levels(element.findall(f"{W}lvlOverride/{W}lvl")))
            made.starts.update(_starts(element))
            self._numbers.setdefault(_id(attribute(element, "numId")), made)
        elif element.tag == f"{W}abstractNum":
            key = _id(attribute(element, "abstractNumId"))
            made = _Numbering(child_value(element, "numStyleLink"), dict(_levels(element.findall(f"{W}lvl"))))
            self._abstract.setdefault(key, made)
            style = child_value(element, "styleLink")
            if style is not None:
                self._of_style.setdefault(style, key)


def _levels(elements: list[Any]) -> Iterator[tuple[int, Level]]:
    for element in elements:
        number = whole_number(attribute(element, "ilvl"))
        if number is not None:
            start = _start(child_value(element, "start"))
            # Without a format it is decimal (17.9.17); Word keeps its own formats elsewhere.
            yield number, Level(child_value(element, "numFmt") or "decimal", 1 if start is None else start)


def _starts(element: Any) -> Iterator[tuple[int, int]]:
    for override in element.findall(f"{W}lvlOverride"):
        level, start = whole_number(attribute(override, "ilvl")), child(override, "startOverride")
        value = _start(attribute(start, "val")) if start is not None else None
        if level is not None and value is not None:
            yield level, value


def _start(text: str | None) -> int | None:
    number = whole_number(text)
    return number if number is not None and 0 <= number <= _LARGEST_START else None


def _known_id(text: str | None) -> str | None:
    return None if text is None else _id(text)


def _id(text: str | None) -> str:
    """One spelling of an id: "07" is 7."""
    number = whole_number(text)
    return (text or "") if number is None else str(number)
