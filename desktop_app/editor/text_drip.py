"""Received text, handed out in small steps: a burst from the engine becomes a steady flow on the page.

Knows: characters that must stay together. Must not know: clocks, widgets.
"""

from __future__ import annotations

import unicodedata

# A backlog shrinks by this share a frame: shown within a tenth of a second, never in one jump.
_FRAMES_TO_DRAIN = 6
_JOINERS = frozenset("\u200d\ufe0e\ufe0f")


class TextDrip:
    """A queue of characters. `add` what arrived, `take` once a frame."""

    def __init__(self) -> None:
        self._waiting = ""

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, text: str) -> None:
        """Queue received text."""
        self._waiting += text

    def take(self) -> str:
        """The characters of one frame."""
        count = -(-len(self._waiting) // _FRAMES_TO_DRAIN)
        while count < len(self._waiting) and _belongs_to_previous(self._waiting, count):
            count += 1
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    def take_all(self) -> str:
        """Everything at once, for people who do not want motion."""
        taken, self._waiting = self._waiting, ""
        return taken

    def clear(self) -> None:
        """Forget what was not shown."""
        self._waiting = ""


def _belongs_to_previous(text: str, index: int) -> bool:
    character, before = text[index], text[index - 1]
    return character in _JOINERS or before == "\u200d" or unicodedata.combining(character) != 0
