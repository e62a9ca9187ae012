"""Earlier texts of a document: which are kept when a new one is saved.

    the last ten · then one an hour for a day · then one a day for two months · then one a month

Knows times and texts, and how one is packed; must not know files or SQLite.
"""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ALL_OF_THE_LAST = 10
_HOUR, _DAY = 3_600.0, 86_400.0
_HOURLY_FOR, _DAILY_FOR = _DAY, 61 * _DAY
TEXT_LIMIT_BYTES = 64 * 1024 * 1024  # a small file can inflate to anything


@dataclass(frozen=True)
class EarlierText:
    """A text as it was saved. `saved`: seconds since 1970."""

    saved: float
    text: str


_LATEST = 253_402_300_799.0  # the last second of the year 9999, the last one that has a date


def sane_moment(written: Any) -> float:
    """Seconds since 1970 as a file says them, pulled to where there are dates; 0 for what is no time at all."""
    moment = float(written)
    return 0.0 if math.isnan(moment) else min(max(moment, 0.0), _LATEST)


def with_version(versions: Sequence[EarlierText], text: str, now: float) -> tuple[EarlierText, ...]:
    """The versions with this text as the newest, thinned out; the same ones where nothing has changed since."""
    if versions and versions[-1].text == text:
        return tuple(versions)
    return thinned((*versions, EarlierText(now, text)), now)


def thinned(versions: Sequence[EarlierText], now: float) -> tuple[EarlierText, ...]:
    """Of each span of time the newest version, in the order of the given ones (oldest first)."""
    recent = len(versions) - ALL_OF_THE_LAST
    kept: dict[object, EarlierText] = {}
    for number, version in enumerate(versions):
        key: object = number if number >= recent else _span_of_time(version.saved, now)
        kept[key] = version  # a later one of the same span takes the place
    return tuple(sorted(kept.values(), key=lambda version: version.saved))


def _span_of_time(saved: float, now: float) -> tuple[str, int]:
    age = now - saved
    if age < _HOURLY_FOR:
        return "hour", int(saved // _HOUR)
    if age < _DAILY_FOR:
        return "day", int(saved // _DAY)
    moment = time.gmtime(saved)
    return "month", moment.tm_year * 12 + moment.tm_mon


class TooLongError(ValueError):
    """A text that is longer than there is room for; to find that out takes as long as to have it."""


def packed(text: str) -> bytes:
    """A text as a store keeps it: UTF-8 (half characters too), deflated."""
    return zlib.compress(text.encode("utf-8", "surrogatepass"))


def unpacked(data: bytes, most_bytes: int = TEXT_LIMIT_BYTES) -> str:
    """The text of `packed`. Raises `ValueError` or `zlib.error` for anything else, and for more than `most_bytes`."""
    opener = zlib.decompressobj()
    text = opener.decompress(data, max(1, min(most_bytes, TEXT_LIMIT_BYTES)))  # 0 would mean without a limit
    if opener.unconsumed_tail:
        raise TooLongError("the text is longer than a document may be")
    if not opener.eof:
        raise ValueError("the text is cut off")
    return text.decode("utf-8", "surrogatepass")
