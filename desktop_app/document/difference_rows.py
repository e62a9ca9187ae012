"""A difference laid out in one column: the paragraphs of both texts as one, with what went and what came inside them.

    unchanged          →  Fold(12)                       far from any change
    She left. He [came](went).   →  Paragraph of parts   same · removed · added
    …                  →  Rest(340)                      changes beyond the most that are shown

What is shown is bounded: long stretches are cut in their middle, and behind the most paragraphs only a number follows.
Knows a difference. Must not know colours, words on the screen, widgets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from desktop_app.document.counting import count_text
from desktop_app.document.difference import Difference
from desktop_app.document.reading_units import units_of_reading

SAME, REMOVED, ADDED, CUT = "same", "removed", "added", "cut"
LINE_END = "¶"  # a line end that went or came, where nothing else shows it
AROUND = 2  # unchanged paragraphs shown before and behind a changed one
_FEWEST_HIDDEN = 4  # lines; fewer are shown rather than counted
MOST_PARAGRAPHS = 2_000  # more than anybody reads through, and shown in a second
_LONGEST = {SAME: 1_200, REMOVED: 12_000, ADDED: 12_000}  # characters of one part


class Part(NamedTuple):
    """A stretch of one paragraph. `change`: the number of its change from 1 on, 0 for what is the same."""

    kind: str
    text: str
    change: int = 0


@dataclass(frozen=True)
class Paragraph:
    """One paragraph of either text or of both."""

    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Fold:
    """Unchanged paragraphs that are not shown; `paragraphs` does not count blank ones."""

    paragraphs: int


@dataclass(frozen=True)
class Rest:
    """How many changes follow that are not shown."""

    changes: int


Row = Paragraph | Fold | Rest


@dataclass(frozen=True)
class Summary:
    """How much differs; characters as a reader sees them, white space apart."""

    changes: int
    removed: int
    added: int


def summary_of(difference: Difference) -> Summary:
    """How much differs."""
    removed = sum(count_text(difference.removed(change)).characters for change in difference.changes)
    added = sum(count_text(difference.added(change)).characters for change in difference.changes)
    return Summary(len(difference.changes), removed, added)


def rows_of(difference: Difference, most: int = MOST_PARAGRAPHS) -> list[Row]:
    """The column, from the beginning to the end; no row where both texts are empty."""
    column = _Column()
    at = 0
    for number, change in enumerate(difference.changes, 1):
        if len(column.rows) >= most:
            column.end()
            return [*column.rows, Rest(len(difference.changes) - number + 1)]
        column.add_same(difference.old[at : change.start], is_first=number == 1, is_last=False)
        column.add_changed(number, difference.removed(change), difference.added(change))
        at = change.end
    column.add_same(difference.old[at:], is_first=not difference.changes, is_last=True)
    column.end()
    return column.rows


class _Column:
    """Rows as they grow; the last paragraph is open until its line end comes."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._open: list[Part] = []

    def end(self) -> None:
        """The open paragraph is whole."""
        if self._open:
            self.rows.append(Paragraph(tuple(self._open)))
            self._open = []

    def add_same(self, text: str, is_first: bool, is_last: bool) -> None:
        """What both texts have: it ends the open paragraph, folds what is between, and begins the next one."""
        *lines, begun = text.split("\n")
        if self._open and lines:
            self._put_same(lines.pop(0))
            self.end()
        if is_last and begun and not self._open:
            lines, begun = [*lines, begun], ""
        self._fold(lines, before=0 if is_first else AROUND, behind=0 if is_last else AROUND)
        self._put_same(begun)

    def add_changed(self, number: int, removed: str, added: str) -> None:
        """What went and what came in its place; where either has line ends, each begins a paragraph of its own."""
        self._add_lines(REMOVED, removed, number)
        if added and self._open and "\n" in removed + added and all(part.kind == REMOVED for part in self._open):
            self.end()
        self._add_lines(ADDED, added, number)

    def _add_lines(self, kind: str, text: str, number: int) -> None:
        for part in shortened(Part(kind, text, number)):
            *lines, begun = part.text.split("\n")
            for line in lines:
                self._put(part._replace(text=line))
                if not self._open or any(other.kind != kind for other in self._open):
                    self._put(part._replace(text=LINE_END))
                self.end()
            self._put(part._replace(text=begun))

    def _fold(self, lines: Sequence[str], before: int, behind: int) -> None:
        hidden = lines[before : max(before, len(lines) - behind)]
        count = sum(1 for line in hidden if line.strip())
        if count < 2 and len(hidden) <= _FEWEST_HIDDEN:
            self._show(lines)
            return
        self._show(lines[:before])
        if count:
            self.rows.append(Fold(count))
        self._show(lines[len(lines) - behind :] if behind else ())

    def _show(self, lines: Sequence[str]) -> None:
        for line in lines:
            self.rows.append(Paragraph(tuple(shortened(Part(SAME, line)))))

    def _put_same(self, text: str) -> None:
        if text:
            self._open += shortened(Part(SAME, text))

    def _put(self, part: Part) -> None:
        if part.text:
            self._open.append(part)


def shortened(part: Part) -> Iterator[Part]:
    """The part; a very long one as its beginning, a mark that something is left out, and its end."""
    longest = _LONGEST[part.kind]
    if len(part.text) <= longest:
        yield part
        return
    beginning = _beginning(part.text, longest // 2)
    end = part.text[len(part.text) - longest // 2 - 64 :]
    end = end[len(_beginning(end, 64)) :]
    yield part._replace(text=beginning)
    yield Part(CUT, f"{len(part.text) - len(beginning) - len(end):,}", part.change)
    yield part._replace(text=end)


def _beginning(text: str, length: int) -> str:
    """About the first `length` characters, whole units; a unit of more than 64 characters is cut."""
    found = ""
    for unit in units_of_reading(text[: length + 64]):
        if len(found) + len(unit) > length:
            break
        found += unit
    return found or text[:length]
