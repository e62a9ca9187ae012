"""Texts measured as Qt measures them, and compared: code units, lines, what two texts have in common.

Knows: strings. Must not know: Qt, where a text comes from.
"""

from __future__ import annotations

from collections.abc import Iterator


def units_of_text(text: str) -> int:
    """UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def lines_of(start: int, text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each line of a text that begins at `start`, empty ones left out."""
    for line in text.split("\n"):
        end = start + units_of_text(line)
        if start < end:
            yield start, end
        start = end + 1


def without_common_ends(old: str, new: str, at: int) -> tuple[int, int, str]:
    """What of `old` (which lies at `at`) is replaced by what: (start, end, text), common beginnings and ends left."""
    first = _common_beginning(old, new)
    last = _common_beginning(old[first:][::-1], new[first:][::-1])
    return at + first, at + len(old) - last, new[first : len(new) - last]


def _common_beginning(one: str, other: str) -> int:
    """The length of the beginning that two texts share, by halving: comparing slices costs next to nothing."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
