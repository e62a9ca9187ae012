"""How much text there is, counted as writers of both languages count it.

    Chinese characters   字 only: ideographs, without punctuation
    with punctuation     and full-width punctuation; quotes, dashes and ellipses count where they touch Chinese
    Latin words          runs of letters and digits; one mark inside joins (don't, 3.14, and/or)
    words                Chinese characters + Latin words: the 字数 of word processors

Pure functions over text; must not know documents or widgets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Ideographs with 々 and 〇; extensions A to J and the compatibility blocks.
_HAN = "\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_FULL_WIDTH = "\u3001-\u3003\u3008-\u3011\u3014-\u301f\ufe30-\ufe4f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
_SHARED = "\u2014\u2018\u2019\u201c\u201d\u2026\u00b7"  # — ‘ ’ “ ” … · belong to both languages

_HAN_CHARACTER = re.compile(f"[{_HAN}]")
_PUNCTUATION = re.compile(
    f"[{_FULL_WIDTH}]|(?<=[{_HAN}{_FULL_WIDTH}])[{_SHARED}]+|[{_SHARED}]+(?=[{_HAN}{_FULL_WIDTH}])"
)
_LATIN_WORD = re.compile(r"[^\W_]+(?:['’\-.,_&@/][^\W_]+)*")
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Counts:
    """The counts of one text."""

    chinese: int
    chinese_with_punctuation: int
    latin_words: int
    characters: int  # everything but white space

    @property
    def words(self) -> int:
        """Chinese characters and Latin words together."""
        return self.chinese + self.latin_words


def count_text(text: str) -> Counts:
    """All counts of a text; linear in its length."""
    without_chinese, chinese = _HAN_CHARACTER.subn(" ", text)
    punctuation = sum(len(found) for found in _PUNCTUATION.findall(text)) if chinese else 0
    return Counts(
        chinese=chinese,
        chinese_with_punctuation=chinese + punctuation,
        latin_words=sum(1 for _ in _LATIN_WORD.finditer(without_chinese)),
        characters=len(_SPACE.sub("", text)),
    )
