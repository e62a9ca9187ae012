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
from dataclasses import astuple, dataclass
from functools import cache

from desktop_app.document.characters import EXTEND, FAR_HAN, HAN, KANA, character_pattern, has_clusters

_FULL_WIDTH = (
    "\u3001-\u3003\u3008-\u3011\u3014-\u301f\u30fb\ufe10-\ufe19\ufe30-\ufe4f\uff01-\uff0f\uff1a-\uff20"
    "\uff3b-\uff40\uff5b-\uff65"
)
_SHARED = "\u2014\u2e3a\u2018\u2019\u201c\u201d\u2026\u22ef\u00b7,.!?;:()\"'"  # — ‘ ’ “ ” … · and ASCII: of both

_HAN_RUN = re.compile(f"(?:[{HAN}]|[{FAR_HAN}])+")
_KANA_RUN = re.compile(f"[{KANA}]+")
_CHINESE = f"{HAN}{_FULL_WIDTH}"
_PUNCTUATION = re.compile(
    f"[{_FULL_WIDTH}]+|(?:(?<=[{_CHINESE}])|(?<=[{FAR_HAN}]))[{_SHARED}]+|[{_SHARED}]+(?=[{_CHINESE}]|[{FAR_HAN}])"
)
_ADDRESS = r"[A-Za-z][A-Za-z0-9+.\-]*://[!-~]+"
_JOINS = "['’\\-.,_&@/]"
_LETTER = "[^\\W_\uff9e\uff9f]"  # but the voicing of half-width kana, which Unicode calls letters
_PLAIN_WORD = re.compile(rf"{_ADDRESS}|{_LETTER}+(?:{_JOINS}{_LETTER}+)*")
# \u200c and \u200d join letters of Persian and Indic words.
_MARKED = f"{_LETTER}(?:{_LETTER}|{EXTEND})*"
# Between two of these, and behind white space, a text can be cut without any count changing.
_CUT = re.compile(f"(?<=[{_CHINESE}{KANA}])(?=[{_CHINESE}{KANA}])|(?<=\\s)")


@cache  # two large patterns that few texts need
def _clustered() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Words with marks, and characters as a reader sees them."""
    word = re.compile(f"{_ADDRESS}|{_MARKED}(?:{_JOINS}{_MARKED})*")
    return word, re.compile(character_pattern("\\S"))


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
    word, character = _clustered() if not text.isascii() and has_clusters(text) else (_PLAIN_WORD, None)
    return Counts(
        chinese=chinese,
        chinese_with_punctuation=chinese + punctuation,
        latin_words=len(word.findall(rest)),
        characters=len("".join(text.split())) if character is None else len(character.findall(text)),
        kana=kana,
    )


def cut_after(text: str, least: int) -> int:
    """The first place at or behind `least` where the counts of both parts add up to those of the whole."""
    found = _CUT.search(text, least)
    return len(text) if found is None else found.start()


def _take_out(runs: re.Pattern[str], text: str) -> tuple[str, int]:
    """The text with a space in the place of every run, and how many characters all runs had."""
    others = runs.split(text)
    return " ".join(others), len(text) - sum(map(len, others))
