"""Words of English and Chinese for the dictionary baseline.

For: `score.py`, which gives them to `dictionary.py`.
Knows: that English has spaces, and how Chinese words are found where there are none: a string of two to four characters
is a word if its parts stand together far more often than by chance, or hardly ever apart; the longest match is taken.
Must not know: translation.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from export.tasks.dictionary import Side, Words

LONGEST_WORD = 4  # characters
LEAST_COUNT = 4  # a string seen less often is not known to be a word
LEAST_COHESION = 20.0  # how many times more often than by chance, at the weakest place to cut it
MOSTLY = 0.9  # or parts that hardly ever stand alone

_ENGLISH = re.compile(r"[a-z]+(?:'[a-z]+)?|[0-9]+|[^\sa-z0-9]")
_CHINESE_RUN = re.compile(r"[\u4e00-\u9fff]+")
_OTHER = re.compile(r"[A-Za-z0-9]+|\S")
_NO_SPACE_BEFORE = set(",.!?;:%)")


def english() -> Side:
    """English: lower-case words and marks."""
    return Side(lambda text: tuple(_ENGLISH.findall(text.lower().replace("’", "'"))), _join_english)


def chinese(texts: Iterable[str]) -> Side:
    """Chinese, with the words found in these texts."""
    known = find_words(texts)
    return Side(lambda text: split_chinese(text, known), "".join)


def find_words(texts: Iterable[str]) -> frozenset[str]:
    """Strings of two to LONGEST_WORD characters that stand together by more than chance."""
    counts: Counter[str] = Counter()
    for text in texts:
        for run in _CHINESE_RUN.findall(text):
            for length in range(1, LONGEST_WORD + 1):
                counts.update(run[start : start + length] for start in range(len(run) - length + 1))
    characters = sum(count for string, count in counts.items() if len(string) == 1)

    def is_word(string: str) -> bool:
        together = counts[string]
        parts = [(counts[string[:place]], counts[string[place:]]) for place in range(1, len(string))]
        more_than_chance = all(together * characters >= LEAST_COHESION * left * right for left, right in parts)
        return more_than_chance or all(together >= MOSTLY * max(pair) for pair in parts)

    return frozenset(
        string for string, count in counts.items() if len(string) > 1 and count >= LEAST_COUNT and is_word(string)
    )


def split_chinese(text: str, known: frozenset[str]) -> Words:
    """Words by the longest match from the left; what is no known word stands alone, character by character."""
    words: list[str] = []
    place = 0
    while place < len(text):
        if not _CHINESE_RUN.match(text[place]):
            other = _OTHER.match(text, place)
            words += [other[0]] if other else []
            place = other.end() if other else place + 1
            continue
        lengths = range(min(LONGEST_WORD, len(text) - place), 1, -1)
        length = next((length for length in lengths if text[place : place + length] in known), 1)
        words.append(text[place : place + length])
        place += length
    return tuple(words)


def _join_english(words: Sequence[str]) -> str:
    text = "".join(word if word in _NO_SPACE_BEFORE else f" {word}" for word in words).strip()
    text = re.sub(r"\bi(?=\b|')", "I", text)
    return text[:1].upper() + text[1:]
