"""A text cut into the units in which a reader sees a change: a Chinese character, a word of other scripts, a mark.

    从前 a café 👩‍👧。   →   从 | 前 | ␣ | a | ␣ | café | ␣ | 👩‍👧 | 。

The units of a text, joined, are the text. None ends within what a reader sees as one character, nor within a pair of
surrogates. Knows strings. Must not know what the units are compared for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

from desktop_app.document.characters import EXTEND, HAN, KANA, character_pattern, has_clusters

_ONE_BY_ONE = f"[{HAN}{KANA}]"
_OF_A_WORD = f"[^\\W{HAN}{KANA}]"  # Chinese beyond the first plane too: rare, and then a run of it is one unit
_LINE_END, _SPACE = "\r?\n", "[^\\S\r\n]+"
_PAIR = "[\ud800-\udbff][\udc00-\udfff]"  # of surrogates, as a file of another program may hold them
_HALF = re.compile("[\ud800-\udfff]")
_CLOSES = frozenset("”’」』）)\"'")
_ENDS_BEFORE_SPACE = frozenset(".!?…") | _CLOSES
_ENDS_ANYWHERE = frozenset("。！？…；”」』")
PARAGRAPH, SENTENCE, LINE_END, WORD, NOWHERE = 4, 3, 2, 1, 0


# The start of the window compares nothing: both are made when they are needed.
@cache
def _plain() -> re.Pattern[str]:
    return re.compile(f"{_ONE_BY_ONE}|{_OF_A_WORD}+|{_SPACE}|{_LINE_END}|.", re.DOTALL)


@cache
def _clustered() -> re.Pattern[str]:
    words = f"{_ONE_BY_ONE}{EXTEND}*|(?:{_OF_A_WORD}{EXTEND}*)+|{_LINE_END}|{_SPACE}{EXTEND}*|"
    return re.compile(words + character_pattern(f"{_PAIR}|."), re.DOTALL)


def units_of_reading(text: str) -> list[str]:
    """The units of a text, in order."""
    is_plain = text.isascii() or not (has_clusters(text) or _HALF.search(text))
    return (_plain() if is_plain else _clustered()).findall(text)


def paragraphs_of(text: str) -> list[str]:
    """The paragraphs of a text, each with the line end behind it."""
    *whole, last = text.split("\n")
    found = [f"{paragraph}\n" for paragraph in whole]
    return [*found, last] if last else found


def parting_before(units: Sequence[str], at: int) -> int:
    """What begins at unit `at` for a reader: one of the names above; NOWHERE is within a word or before a mark."""
    if at <= 0 or units[at - 1].endswith("\n"):
        return PARAGRAPH
    if at < len(units) and (units[at] in _CLOSES or units[at] in _ENDS_ANYWHERE):
        return NOWHERE  # a mark that belongs to what is before it
    if at < len(units) and units[at].endswith("\n"):
        return LINE_END
    before = units[at - 1]
    if before.isspace():
        return SENTENCE if at > 1 and units[at - 2] in _ENDS_BEFORE_SPACE else WORD
    return SENTENCE if before in _ENDS_ANYWHERE else NOWHERE
