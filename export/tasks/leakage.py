"""No held-out pair may stand in the training part: a score would then measure memory.

For: `make.py`.
Knows: when two texts say the same in the same letters (case, width, punctuation and spaces do not count).
Must not know: tasks, files.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from export.tasks.pairs import Pair

SHARED_LETTERS = 20  # a sentence this long that stands in both parts was copied, a shorter one may be chance
_ENDS = re.compile(r"[.!?;。！？；\n]+")


def letters(text: str) -> str:
    """What is compared: letters and digits alone, in one case and width."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


class Seen:
    """The lines and sentences of the training part."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Remember a text's lines and sentences."""
        self._known.update(_parts(text))

    def holds(self, pair: Pair) -> bool:
        """Whether the source or the target, or a long sentence of either, stands in the training part."""
        wholes = {letters(text) for text in pair}
        long_parts = {part for text in pair for part in _parts(text) if len(part) >= SHARED_LETTERS}
        return not self._known.isdisjoint(wholes | long_parts)


def _parts(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        for part in {line, *_ENDS.split(line)}:
            if found := letters(part):
                yield found
