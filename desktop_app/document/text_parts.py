"""A text file of any size, to be read and not changed, a part at a time: memory holds one part, never the file.

    0 ── part 0 ── 1 MB ── part 1 ── 2 MB ── …       each border is moved on to the end of its line, or, in a line
                                                     without an end nearby, to the next character

The encoding is that of the first part; bytes that make no sense in it are shown as "\ufffd", which does no harm where
nothing is written back. Knows `Disk` and encodings; must not know Qt.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from pathlib import Path

from desktop_app.document.disk import Disk
from desktop_app.document.errors import ChangedOutside
from desktop_app.document.text_encoding import reading_of, without_line_ends

PART_BYTES = 1 << 20
_LINE_BYTES = 1 << 16  # how far a border looks for the end of its line
_WIDEST_BYTES = 4  # of a character in any of the encodings


@dataclass(frozen=True)
class TextPart:
    """Part `number` (from 0) of `count`, its lines ending in LF. `is_exact`: every byte of it made sense."""

    number: int
    count: int
    text: str
    is_exact: bool


class TextParts:
    """One file, open for reading by parts. Nothing stays open; raises `DocumentError` where it is no text."""

    def __init__(self, disk: Disk, path: Path, part_bytes: int = PART_BYTES) -> None:
        self.path = path
        self._disk, self._part_bytes = disk, part_bytes
        beginning, self._token = disk.read_part(path, 0, part_bytes)
        reading = reading_of(beginning, path.name)
        self.encoding, self._codec, self._begin = reading.encoding, reading.codec, reading.begin
        self.size_bytes = self._token.size
        self.count = max(1, -(-self.size_bytes // part_bytes))

    def by(self, disk: Disk) -> TextParts:
        """The same parts, read by another disk: that of a job."""
        twin = copy(self)
        twin._disk = disk
        return twin

    def part(self, number: int) -> TextPart:
        """One part. Raises `ChangedOutside` where the file is not the one any more that was opened."""
        if not 0 <= number < self.count:
            raise ValueError(f"there is no part {number} of {self.count}")
        start, end = self._border(number), self._border(number + 1)
        data = self._read(start, end - start)
        try:
            text, is_exact = data.decode(self._codec), True
        except UnicodeDecodeError:
            text, is_exact = data.decode(self._codec, "replace"), False
        return TextPart(number, self.count, without_line_ends(text), is_exact)

    def _border(self, number: int) -> int:
        """Where part `number` begins: the same whichever of its two neighbours asks."""
        if number == 0:
            return self._begin
        place = number * self._part_bytes
        if place >= self.size_bytes:
            return self.size_bytes
        width = 2 if self._codec.startswith("utf-16") else 1
        place += (place - self._begin) % width
        found = self._read(place, _LINE_BYTES)
        end = _after_line_end(found, "\n".encode(self._codec), width)
        return place + (end if end else _to_character(found, self._codec))

    def _read(self, start: int, count: int) -> bytes:
        data, token = self._disk.read_part(self.path, start, count)
        if token != self._token:
            raise ChangedOutside(self.path.name)
        return data


def _after_line_end(data: bytes, line_end: bytes, width: int) -> int:
    """The place behind the first line end, 0 where there is none."""
    found = data.find(line_end)
    while found >= 0 and found % width:
        found = data.find(line_end, found + 1)
    return 0 if found < 0 else found + len(line_end)


def _to_character(data: bytes, codec: str) -> int:
    """The next place where a character begins."""
    if codec == "utf-8":
        head = data[:_WIDEST_BYTES]
        return next((at for at, byte in enumerate(head) if byte & 0xC0 != 0x80), _rest(head, _WIDEST_BYTES))
    if codec == "gb18030":  # a byte below the digits is never a part of another character
        return next((at for at, byte in enumerate(data) if byte < 0x30), _rest(data, _LINE_BYTES))
    high = data[1::2] if codec == "utf-16-le" else data[::2]
    return 2 if high and 0xDC <= high[0] <= 0xDF else 0  # the second half of a character goes with the first


def _rest(data: bytes, wanted: int) -> int:
    """To the end, where the file ends before anything was found; else the border stays where it is."""
    return len(data) if len(data) < wanted else 0
