"""Texts measured as Qt measures them: code units, lines.

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
