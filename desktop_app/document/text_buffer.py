"""The append-only text under a document: every character that was ever in it, once, at an address that never changes.

    append("Once ") → 0        append("upon") → 5        read(3, 4) → "e up"

Nothing is removed, so a span of text is two numbers, undo needs no copies, and a store writes the new end only.
Positions are code points; Qt counts UTF-16 code units, so the places of the characters beyond U+FFFF (two units each)
are kept in order, and either count is a binary search away.

Knows: strings. Must not know: spans, origins, branches, Qt.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right

_WIDE = re.compile("[\U00010000-\U0010ffff]")
_PART_CHARACTERS = 4096  # a part grows by copying until here: some hundred nanoseconds a key


class TextBuffer:
    """Text that only grows. Addresses and lengths are code points."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._starts: list[int] = []
        self._length = 0
        self._wide: array[int] = array("Q")  # addresses of the characters beyond U+FFFF

    def __len__(self) -> int:
        return self._length

    def copy(self) -> TextBuffer:
        """The same text; what is appended to one is not in the other."""
        other = TextBuffer()
        other._parts, other._starts, other._wide = self._parts[:], self._starts[:], self._wide[:]
        other._length = self._length
        return other

    def append(self, text: str) -> int:
        """Add `text` at the end; returns its address."""
        address = self._length
        if not text:
            return address
        if self._parts and len(self._parts[-1]) + len(text) <= _PART_CHARACTERS:
            self._parts[-1] += text
        else:
            self._parts.append(text)
            self._starts.append(address)
        if not text.isascii():
            self._wide.extend(address + found.start() for found in _WIDE.finditer(text))
        self._length += len(text)
        return address

    def read(self, address: int, length: int) -> str:
        """`length` characters from `address`; fewer where the buffer ends before."""
        number = bisect_right(self._starts, address) - 1
        if number >= 0 and address + length <= self._starts[number] + len(self._parts[number]):
            first = address - self._starts[number]
            return self._parts[number][first : first + length]
        pieces: list[str] = []
        while length > 0 and 0 <= number < len(self._parts):
            first = address - self._starts[number]
            piece = self._parts[number][first : first + length]
            pieces.append(piece)
            address, length, number = address + len(piece), length - len(piece), number + 1
        return pieces[0] if len(pieces) == 1 else "".join(pieces)

    def units(self, address: int, length: int) -> int:
        """The UTF-16 code units of `length` characters from `address`."""
        if not self._wide:
            return length
        return length + bisect_left(self._wide, address + length) - bisect_left(self._wide, address)

    def characters(self, address: int, units: int) -> int:
        """How many whole characters from `address` fit into `units` code units (half a character does not count)."""
        if not self._wide:
            return units
        first = bisect_left(self._wide, address)
        low, high = first, len(self._wide)
        while low < high:  # the number of wide characters that lie whole within the units
            middle = (low + high) // 2
            if self._wide[middle] - address + (middle - first) + 2 <= units:
                low = middle + 1
            else:
                high = middle
        found = units - (low - first)
        # The unit that is left over may be the first half of a wide character.
        return found - 1 if low < len(self._wide) and self._wide[low] == address + found - 1 else found
