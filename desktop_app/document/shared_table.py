"""A table by growing numbers whose copies cost next to nothing: they share its pieces until one of them writes there.

    pieces   {0: {1: …, 2: …}, 1: {256: …}, …}      of 256 numbers; a piece that a copy may see is copied before a write

Knows: numbers and values. Must not know: what the values are.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TypeVar

_Value = TypeVar("_Value")
_BITS = 8  # of a number, within a piece


class SharedTable(MutableMapping[int, _Value]):
    """A dictionary by numbers. A copy may be read on another thread while this one is written."""

    def __init__(self) -> None:
        self._pieces: dict[int, dict[int, _Value]] = {}
        self._own: set[int] = set()  # pieces that no copy sees
        self._length = 0

    def copy(self) -> SharedTable[_Value]:
        """The same table; what is set in one is not in the other."""
        other = SharedTable[_Value]()
        other._pieces, other._length = dict(self._pieces), self._length
        self._own = set()
        return other

    def __getitem__(self, number: int) -> _Value:
        return self._pieces[number >> _BITS][number]

    def __setitem__(self, number: int, value: _Value) -> None:
        piece = self._writable(number >> _BITS)
        self._length += number not in piece
        piece[number] = value

    def __delitem__(self, number: int) -> None:
        if number not in self:
            raise KeyError(number)
        del self._writable(number >> _BITS)[number]
        self._length -= 1

    def __contains__(self, number: object) -> bool:
        return isinstance(number, int) and number in self._pieces.get(number >> _BITS, ())

    def __iter__(self) -> Iterator[int]:
        return (number for piece in self._pieces.values() for number in piece)

    def __len__(self) -> int:
        return self._length

    def _writable(self, at: int) -> dict[int, _Value]:
        if at not in self._own:
            self._pieces[at] = dict(self._pieces.get(at, ()))
            self._own.add(at)
        return self._pieces[at]
