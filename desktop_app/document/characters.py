"""Classes of characters, as pieces of regular expressions: Chinese, kana, what continues a character, what is joined.

    character_pattern   one character as a reader sees it: é of two code points, a family of seven joined emoji, a flag

Knows Unicode, and how Python's `re` reads a class. Must not know what is counted or compared by them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache

# Classes within the first plane are one table look-up each; one code point beyond it makes `re` walk a list: what lies
# beyond stands apart.
HAN = "\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # with 々 and 〇
FAR_HAN = "\U00020000-\U000323af"  # extensions B to J and the compatibility supplement
KANA = "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9d"

# Emoji and signs that a joiner may join (Extended_Pictographic of UTS #51, without the gaps inside its blocks).
_PICTURE = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935"
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff"
)
_FLAGS = "\U0001f1e6-\U0001f1ff"


# Where marks may stand; between lie Chinese characters, Hangul, private use, cuneiform and Tangut, which the start of
# the window need not look through.
_NEAR = ((0x300, 0x3400), (0xA000, 0xAC00), (0xFA00, 0x10000))
_FAR = ((0x10000, 0x12000), (0x13400, 0x17000), (0x1B000, 0x1F000))


def _marks(places: Sequence[tuple[int, int]]) -> str:
    """A character class of the combining marks in ranges of code points: Python's `re` has none of its own."""
    category = unicodedata.category
    ranges: list[list[int]] = []
    for code in [code for first, last in places for code in range(first, last) if category(chr(code))[0] == "M"]:
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{chr(start)}-{chr(end)}" for start, end in ranges)


_MARKS = _marks(_NEAR)
_FAR_MARKS = _marks(_FAR) + "\U000e0100-\U000e01ef"
# What continues a character: marks, joiners, skin tones, tags, the voicing of half-width kana.
_EXTENDS = f"{_MARKS}\u200c\u200d\uff9e\uff9f"
_FAR_EXTENDS = f"{_FAR_MARKS}\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f"
EXTEND = f"(?:[{_EXTENDS}]|[{_FAR_EXTENDS}])"
_JOINED = f"[{_FLAGS}]{{2}}|[{_PICTURE}](?:{EXTEND}*(?<=\u200d)[{_PICTURE}])*"

_IS_CLUSTERED = re.compile(f"[{_EXTENDS}]")
_IS_FAR = re.compile("[\U00010000-\U0010ffff]")


@cache
def _is_far_clustered() -> re.Pattern[str]:
    return re.compile(f"[{_FAR_EXTENDS}{_FLAGS}]")


def character_pattern(single: str) -> str:
    """The pattern of one character as a reader sees it. `single`: the pattern of one that nothing is joined to."""
    return f"(?:{_JOINED}|{single}){EXTEND}*"


def has_clusters(text: str) -> bool:
    """Whether some character of a reader may be more than one code point."""
    if _IS_CLUSTERED.search(text) is not None:
        return True
    return _IS_FAR.search(text) is not None and _is_far_clustered().search(text) is not None
