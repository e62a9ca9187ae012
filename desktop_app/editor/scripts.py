"""Which script a piece of text is written in, as far as the layout of a page depends on it.

Knows: the Unicode ranges of Chinese characters and their punctuation. Must not know: Qt.
"""

from __future__ import annotations

import re

_HAN = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
_HAN_CHARACTER = re.compile(f"[{_HAN}]")
_FIRST_STRONG = re.compile(f"[{_HAN}]|[^\\W\\d_]")
_NOT_PROSE = re.compile(r"\s|[-*+>#|`]|\d+[.)、]|\u3000")
_LETTER = "0-9A-Za-z\u00aa\u00b5\u00ba\u00c0-\u024f\u0370-\u052f"  # Latin, Greek, Cyrillic
_BEGINS_WORD = re.compile(f"[{_LETTER}]")
_ENDS_WORD = re.compile(f"[{_LETTER}.,;:!?)\u2019\u201d%]")
_SAMPLE_CHARACTERS = 240
_LONG_WORD = 2000  # letters
# Between any two characters of Chinese, Japanese and Korean a line may end.
_WORD = re.compile(r"[^\s\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U000323af]+")


def is_chinese_paragraph(text: str) -> bool:
    """Whether the first letter of a paragraph is a Chinese character (opening quotes and dashes are passed over)."""
    first = _FIRST_STRONG.search(text)
    return first is not None and _HAN_CHARACTER.match(first.group()) is not None


def is_mostly_chinese(text: str) -> bool:
    """Whether a text takes more room in Chinese characters than in Latin letters (one character is about two)."""
    sample = text[:_SAMPLE_CHARACTERS]
    han = len(_HAN_CHARACTER.findall(sample))
    letters = len(re.findall(r"[^\W\d_]", sample)) - han
    return 2 * han > letters


def has_endless_word(text: str) -> bool:
    """Whether a paragraph holds so long a word (a key, a picture in letters) that it is no prose."""
    return len(text) > _LONG_WORD and any(word.end() - word.start() > _LONG_WORD for word in _WORD.finditer(text))


def needs_space(before: str, after: str) -> bool:
    """Whether a text and the character behind it must not meet without a space: a letter or a closing mark, then a
    letter of such a script.

    Chinese and other scripts without spaces need none; between two letters ’ is an apostrophe. Of `before` the last
    two characters count.
    """
    is_apostrophe = before[-1:] == "\u2019" and _BEGINS_WORD.match(before[-2:-1]) is not None
    return not is_apostrophe and _ENDS_WORD.match(before[-1:]) is not None and _BEGINS_WORD.match(after) is not None


def takes_first_line_indent(text: str) -> bool:
    """Chinese prose is indented by two characters, unless the writer did it or the line is a heading or a list."""
    return is_chinese_paragraph(text) and _NOT_PROSE.match(text) is None
