"""Texts measured as Qt measures them: code units, lines; and texts as they have to be handed over to Qt.

Knows: strings. Must not know: widgets, where a text comes from.
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


def for_qt(text: str) -> str:
    """What to hand over so that Qt gets exactly `text`: the binding takes a U+FEFF in front as a byte order mark.

    It takes one away, or turns all bytes round where U+FFFE comes first; a mark of our own in front
    stands for the order that they have.
    """
    return f"\ufeff{text}" if text.startswith(("\ufeff", "\ufffe")) else text
