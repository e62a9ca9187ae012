"""Token bytes to text, piece by piece: never half a character, never a part of a stop string.

For: generation. Knows: UTF-8 and stop strings. Must not know: tokens, models, sampling.

    bytes -> Utf8Stream (holds back an unfinished character) -> StopFilter (holds back what may begin a stop) -> text

The result does not depend on how the bytes were cut: the text that comes out in all, and the stop that is found, are
those of the whole.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class Utf8Stream:
    """Incremental UTF-8. Bytes that can never become a character turn into U+FFFD, as `bytes.decode` with "replace"."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, piece: bytes) -> str:
        """The characters that `piece` completes."""
        return self._decoder.decode(piece)

    def finish(self, is_cut: bool) -> str:
        """What an unfinished character becomes at the end: nothing if the text was cut from outside, else U+FFFD."""
        rest = self._decoder.decode(b"", final=True)
        return "" if is_cut else rest


class StopFilter:
    """Lets text through until a stop string is complete; the one that ends first wins, the longest of those."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._held = ""
        self.matched: str | None = None

    def push(self, piece: str) -> str:
        """The text that certainly belongs to no stop string; nothing any more once one has matched."""
        if self.matched is not None:
            return ""
        text = self._held + piece
        found = [(start + len(stop), start, stop) for stop in self._stops if (start := text.find(stop)) >= 0]
        if found:
            _, start, self.matched = min(found)
            self._held = ""
            return text[:start]
        kept = max((_overlap(text, stop) for stop in self._stops), default=0)
        self._held = text[len(text) - kept :]
        return text[: len(text) - kept]

    def finish(self) -> str:
        """The text still held back, which turned out to begin no stop string."""
        rest, self._held = self._held, ""
        return rest


class TextStream:
    """Both together; the first `hidden` bytes are dropped: they stand in the prompt already.

    `begun`: bytes of a character that the prompt ends within; the text begins with that character whole.
    """

    def __init__(self, stops: Sequence[str] = (), hidden: int = 0, begun: bytes = b"") -> None:
        self._hidden = hidden
        self._characters = Utf8Stream()
        self._characters.push(begun)
        self._filter = StopFilter(stops)

    @property
    def matched(self) -> str | None:
        """The stop string that was found."""
        return self._filter.matched

    def push(self, piece: bytes) -> str:
        """The text that is certain after these bytes."""
        shown = piece[self._hidden :]
        self._hidden -= len(piece) - len(shown)
        return self._filter.push(self._characters.push(shown))

    def finish(self, is_cut: bool = True) -> str:
        """The rest of the text; `is_cut` says that the generation was ended from outside."""
        return self._filter.push(self._characters.finish(is_cut)) + self._filter.finish()


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that is a beginning of `stop` and not all of it."""
    for length in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
