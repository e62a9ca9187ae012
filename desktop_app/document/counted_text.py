"""The counts of a text that changes while one types: an edit recounts the pieces it touches, never the whole.

    pieces   [about 1000 characters | … | …]   cut where no count goes over the border; each knows length and counts
    change   the touched pieces and the ones they border on are read, counted and cut again

Knows lengths and counts; the text itself stays with the caller, who lends a part at a time. Must not know widgets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from desktop_app.document.counting import Counts, count_text, cut_after

PIECE = 1000
Read = Callable[[int, int], str]


@dataclass(frozen=True)
class _Piece:
    length: int
    counts: Counts


class CountedText:
    """`measure` gives the length of a string in the caller's units (`utf16_length` for Qt's positions)."""

    def __init__(self, measure: Callable[[str], int] = len) -> None:
        self._measure = measure
        self._pieces: list[_Piece] = []
        self._length = 0
        self._total = Counts()

    @property
    def counts(self) -> Counts:
        """Of the whole text."""
        return self._total

    @property
    def length(self) -> int:
        """Of the whole text, in the caller's units."""
        return self._length

    def set_text(self, text: str) -> None:
        """Count a whole new text."""
        self._pieces = list(self._cut(text))
        self._length = sum(piece.length for piece in self._pieces)
        self._total = _sum(self._pieces)

    def change(self, position: int, removed: int, added: int, read: Read) -> None:
        """`removed` units at `position` became `added` ones; `read(start, end)` lends a part of the text as it is now.

        Raises ValueError where the change does not fit the text that was counted: count the whole anew then.
        """
        if position < 0 or position + removed > self._length:
            raise ValueError(f"a change at {position} + {removed} is outside a text of length {self._length}")
        first, start = self._piece_before(position)
        last, end = first, start
        while last < len(self._pieces) and (end <= position + removed):
            end += self._pieces[last].length
            last += 1
        fresh = list(self._cut(read(start, end - removed + added)))
        self._total = self._total - _sum(self._pieces[first:last]) + _sum(fresh)
        self._length += added - removed
        self._pieces[first:last] = fresh

    def _piece_before(self, position: int) -> tuple[int, int]:
        """Index and start of the piece that ends at or behind `position`: a word may grow over a border."""
        start = 0
        for index, piece in enumerate(self._pieces):
            if position <= start + piece.length:
                return index, start
            start += piece.length
        return len(self._pieces), start

    def _cut(self, text: str) -> list[_Piece]:
        pieces: list[_Piece] = []
        start = 0
        while start < len(text):
            end = cut_after(text, min(start + PIECE, len(text)))
            part = text[start:end]
            pieces.append(_Piece(self._measure(part), count_text(part)))
            start = end
        return pieces


def utf16_length(text: str) -> int:
    """How many UTF-16 units a text has, which is how Qt counts positions."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _sum(pieces: list[_Piece]) -> Counts:
    return sum((piece.counts for piece in pieces), Counts())
