"""How much text there is, counted as writers of both languages count it.

    Chinese characters   字 only: ideographs, without punctuation
    with punctuation     and full-width punctuation; quotes, dashes, ellipses and ASCII marks count where they touch
                         Chinese (“，” of a careless keyboard is “,”)
    Latin words          runs of letters and digits of scripts with spaces, combining marks inside; one mark joins
                         (don't, 3.14, and/or); an address is one word; Markdown's marks are none
    words                Chinese characters + kana, one each + Latin words: the 字数 of word processors
    characters           what a reader sees as one: é of two code points, a family of seven joined emoji, a flag

Pure functions over text; must not know documents or widgets.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import astuple, dataclass

# Classes within the first plane are one table look-up each; one code point beyond it makes `re` walk a list: what lies
# beyond stands apart.
_HAN = "\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # with 々 and 〇
_FAR_HAN = "\U00020000-\U000323af"  # extensions B to J and the compatibility supplement
_KANA = "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9d"
_FULL_WIDTH = (
    "\u3001-\u3003\u3008-\u3011\u3014-\u301f\u30fb\ufe10-\ufe19\ufe30-\ufe4f\uff01-\uff0f\uff1a-\uff20"
    "\uff3b-\uff40\uff5b-\uff65"
)
_SHARED = "\u2014\u2e3a\u2018\u2019\u201c\u201d\u2026\u22ef\u00b7,.!?;:()\"'"  # — ‘ ’ “ ” … · and ASCII: of both

# Emoji and signs that a joiner may join (Extended_Pictographic of UTS #51, without the gaps inside its blocks).
_PICTURE = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935"
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001f1e5\U0001f200-\U0001f3fa\U0001f400-\U0001faff"
)
_FLAGS = "\U0001f1e6-\U0001f1ff"


def _marks(first: int, last: int) -> str:
    """A character class of the combining marks in a range of code points: Python's `re` has none of its own."""
    ranges: list[list[int]] = []
    for code in range(first, last):
        if not unicodedata.category(chr(code)).startswith("M"):
            continue
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    return "".join(f"{chr(start)}-{chr(end)}" for start, end in ranges)


_MARKS = _marks(0x300, 0x10000)
_FAR_MARKS = _marks(0x10000, 0x1F000) + "\U000e0100-\U000e01ef"
# What continues a character: marks, joiners, skin tones, tags, the voicing of half-width kana.
_EXTENDS = f"{_MARKS}\u200c\u200d\uff9e\uff9f"
_FAR_EXTENDS = f"{_FAR_MARKS}\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f"
_EXTEND = f"(?:[{_EXTENDS}]|[{_FAR_EXTENDS}])"

_HAN_RUN = re.compile(f"(?:[{_HAN}]|[{_FAR_HAN}])+")
_KANA_RUN = re.compile(f"[{_KANA}]+")
_CHINESE = f"{_HAN}{_FULL_WIDTH}"
_PUNCTUATION = re.compile(
    f"[{_FULL_WIDTH}]+|(?:(?<=[{_CHINESE}])|(?<=[{_FAR_HAN}]))[{_SHARED}]+|[{_SHARED}]+(?=[{_CHINESE}]|[{_FAR_HAN}])"
)
_ADDRESS = r"[A-Za-z][A-Za-z0-9+.\-]*://[!-~]+"
_JOINS = "['’\\-.,_&@/]"
_LETTER = "[^\\W_\uff9e\uff9f]"  # but the voicing of half-width kana, which Unicode calls letters
_PLAIN_WORD = re.compile(rf"{_ADDRESS}|{_LETTER}+(?:{_JOINS}{_LETTER}+)*")
# \u200c and \u200d join letters of Persian and Indic words.
_MARKED = f"{_LETTER}(?:{_LETTER}|{_EXTEND})*"
_MARKED_WORD = re.compile(f"{_ADDRESS}|{_MARKED}(?:{_JOINS}{_MARKED})*")
_IS_CLUSTERED = re.compile(f"[{_EXTENDS}]")
_IS_FAR = re.compile("[\U00010000-\U0010ffff]")
_IS_FAR_CLUSTERED = re.compile(f"[{_FAR_EXTENDS}{_FLAGS}]")
_CHARACTER = re.compile(f"(?:[{_FLAGS}]{{2}}|[{_PICTURE}](?:{_EXTEND}*(?<=\u200d)[{_PICTURE}])*|\\S){_EXTEND}*")
# Between two of these, and behind white space, a text can be cut without any count changing.
_CUT = re.compile(f"(?<=[{_CHINESE}{_KANA}])(?=[{_CHINESE}{_KANA}])|(?<=\\s)")


@dataclass(frozen=True)
class Counts:
    """The counts of one text. Counts of two texts add up where no word or mark goes over their border."""

    chinese: int = 0
    chinese_with_punctuation: int = 0
    latin_words: int = 0
    characters: int = 0  # as a reader sees them; everything but white space
    kana: int = 0

    @property
    def words(self) -> int:
        """Chinese characters, kana and Latin words together."""
        return self.chinese + self.kana + self.latin_words

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: Counts) -> Counts:
        return Counts(*(mine - theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


def count_text(text: str) -> Counts:
    """All counts of a text; linear in its length."""
    if not text:
        return Counts()
    rest, chinese = _take_out(_HAN_RUN, text)
    rest, kana = _take_out(_KANA_RUN, rest)
    punctuation = 0 if text.isascii() else sum(map(len, _PUNCTUATION.findall(text)))
    is_clustered = not text.isascii() and _has_clusters(text)
    word = _MARKED_WORD if is_clustered else _PLAIN_WORD
    return Counts(
        chinese=chinese,
        chinese_with_punctuation=chinese + punctuation,
        latin_words=len(word.findall(rest)),
        characters=len(_CHARACTER.findall(text)) if is_clustered else len("".join(text.split())),
        kana=kana,
    )


def cut_after(text: str, least: int) -> int:
    """The first place at or behind `least` where the counts of both parts add up to those of the whole."""
    found = _CUT.search(text, least)
    return len(text) if found is None else found.start()


def _has_clusters(text: str) -> bool:
    """Whether some character of a reader may be more than one code point."""
    if _IS_CLUSTERED.search(text) is not None:
        return True
    return _IS_FAR.search(text) is not None and _IS_FAR_CLUSTERED.search(text) is not None


def _take_out(runs: re.Pattern[str], text: str) -> tuple[str, int]:
    """The text with a space in the place of every run, and how many characters all runs had."""
    others = runs.split(text)
    return " ".join(others), len(text) - sum(map(len, others))
