"""Which words of a paragraph are looked up in a dictionary, and where they stand.

    "Der 中文 teh `code` www.a.b well-known NASA x2"   →   Der, teh, well-known

Looked up are words of an alphabet that the dictionary is of. Left out: Chinese and every script without a dictionary
here, code spans, links, addresses, paths, tags, words with digits, in capitals, or with capitals inside (`iPhone`), and
single letters. What stands between two lines of ``` or ~~~ is code as well.

Positions are characters of the paragraph. Knows strings. Must not know: Qt, dictionaries, what is misspelt.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

LATIN, GREEK, CYRILLIC = "latin", "greek", "cyrillic"
LONGEST_WORD = 60  # letters; a longer one is a key or a joke, and compounds make looking it up slow
LONGEST_PARAGRAPH = 20_000  # characters; more are no prose, and would cost more than a frame

_LATIN = "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u1e00-\u1eff"
_GREEK = "\u0370-\u03ff\u1f00-\u1fff"
_CYRILLIC = "\u0400-\u052f"
_PART_OF_WORD = f"0-9_{_LATIN}{_GREEK}{_CYRILLIC}\u0300-\u036f"
_APOSTROPHES = "'\u2019"
_ALPHABETS = {name: re.compile(f"[{letters}]") for name, letters in ((GREEK, _GREEK), (CYRILLIC, _CYRILLIC))}
# A full stop or @ between letters makes them one: main.py, e.g., jon@example.org. None of these is a word.
_TOKEN = re.compile(f"[{_PART_OF_WORD}]+(?:[{_APOSTROPHES}\u2010\u2011.@+-][{_PART_OF_WORD}]+)*")
# What is no prose, each behind the letters without which it is not looked for: in most paragraphs none is. Repetitions
# have a bound, or a paragraph of nothing but beginnings would take the square of its length.
_NO_PROSE = tuple(
    (trigger, re.compile(pattern))
    for trigger, pattern in (
        ("`", r"(?P<ticks>`{1,20})(?!`).{1,500}?(?<!`)(?P=ticks)(?!`)"),  # a code span
        ("](", r"\]\([^)\s]{0,500}\)"),  # the target of a Markdown link
        ("://", r"(?<![0-9A-Za-z])[A-Za-z][A-Za-z0-9+.-]{0,20}://[!-~]+"),
        ("www.", r"www\.[!-~]+"),
        ("mailto:", r"mailto:[!-~]+"),
        ("/", r"(?<![\w)])(?:~|\.{1,2})?/[\w.@~+-]+(?:/[\w.@~+-]*)*"),  # a path
        ("\\", r"(?<![\w)])(?:[A-Za-z]:)?\\[\w.@~+-]+(?:\\[\w.@~+-]*)*"),
        ("<", r"</?[A-Za-z][^<>\n]{0,300}>"),  # HTML in Markdown
        ("&", r"&#?\w{1,30};"),
        ("@", r"@[0-9A-Za-z_]+"),
        ("#", r"#[0-9A-Za-z_]+"),
    )
)
_NO_LETTERS_OF_A_WORD = re.compile("[0-9_.@+]")
_HAS_LETTER = re.compile(f"[{_LATIN}{_GREEK}{_CYRILLIC}]")
_HYPHEN = re.compile("[\u2010\u2011-]")
_INNER_CAPITAL = re.compile(r"[^\W\d_A-Z][A-Z]")
_PREFIX_OF_NAMES = re.compile(r"^(?:Mc|Mac)(?=[A-Z])")
_MOST_SPANS = 500  # of each kind in a paragraph; one with more is no prose, and its words need not be right
_FENCE = re.compile(r" {0,3}(?:```|~~~)")


class Word(NamedTuple):
    """A word of a paragraph. `key` is what is looked up: composed letters, a plain apostrophe, plain hyphens."""

    start: int
    end: int
    key: str


@lru_cache(maxsize=512)
def words_of(paragraph: str) -> tuple[Word, ...]:
    """The words that a dictionary may be asked about, in order."""
    if len(paragraph) > LONGEST_PARAGRAPH or _HAS_LETTER.search(paragraph) is None:
        return ()
    words: list[Word] = []
    skipped = _spans_without_prose(paragraph)  # in order, the nearest last
    for match in _TOKEN.finditer(paragraph):
        start, end = match.span()
        while skipped and skipped[-1][1] <= start:
            skipped.pop()
        is_skipped = bool(skipped) and skipped[-1][0] < end
        if not is_skipped and (key := _key_of_prose(match.group())):
            words.append(Word(start, end, key))
    return tuple(words)


def parts_of(word: Word) -> tuple[Word, ...]:
    """The parts of a word with hyphens, each as a word; a word without has one part."""
    parts, at = [], word.start
    for part in word.key.split("-"):
        end = at + len(part)
        if len(part) > 1:
            parts.append(Word(at, end, part))
        at = end + 1
    # Letters that are written as several characters have no place to be cut at.
    return tuple(parts) if at - 1 == word.end else (word,)


def misspelt(
    words: Sequence[Word], verdict: Callable[[str], bool | None], alphabets: Collection[str]
) -> tuple[list[Word], list[str]]:
    """(the misspelt ones, the keys that have no verdict yet). Of a word with hyphens only the wrong parts are shown."""
    bad: list[Word] = []
    unknown: list[str] = []
    for word in words:
        if alphabet_of(word.key) not in alphabets:
            continue
        found = verdict(word.key)
        if found is None:
            unknown.append(word.key)
        elif not found:
            parts = parts_of(word)
            verdicts = [verdict(part.key) for part in parts] if len(parts) > 1 else []
            unknown += [part.key for part, known in zip(parts, verdicts, strict=False) if known is None]
            wrong = [part for part, known in zip(parts, verdicts, strict=False) if known is False]
            bad += wrong or ([word] if None not in verdicts else [])
    return bad, unknown


def alphabet_of(word: str) -> str:
    """Which alphabet a word begins in."""
    return next((name for name, letters in _ALPHABETS.items() if letters.match(word)), LATIN)


def key_of(word: str) -> str:
    """The word as dictionaries have it."""
    plain = word.replace("\u2019", "'")
    return unicodedata.normalize("NFC", _HYPHEN.sub("-", plain))


def is_fence(paragraph: str) -> bool:
    """Whether a block of code begins or ends here."""
    return _FENCE.match(paragraph) is not None


def _spans_without_prose(paragraph: str) -> list[tuple[int, int]]:
    """What is left out, the last first; none meets another."""
    found = [
        match.span()
        for trigger, pattern in _NO_PROSE
        if trigger in paragraph
        for match in islice(pattern.finditer(paragraph), _MOST_SPANS)
    ]
    joined: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if joined and start < joined[-1][1]:
            start, end = joined[-1][0], max(end, joined.pop()[1])
        joined.append((start, end))
    return joined[::-1]


@lru_cache(maxsize=1 << 15)
def _key_of_prose(token: str) -> str:
    """What is looked up for it, "" for what is no word of prose."""
    if not 1 < len(token) <= LONGEST_WORD or _NO_LETTERS_OF_A_WORD.search(token):
        return ""
    key = key_of(token)
    letters = key.removesuffix("'s")
    if len(letters) > 1 and letters.isupper():
        return ""
    # A capital behind a small letter is a name of somebody's making: iPhone, PyTorch. McDonald and O'Brien are words.
    has_inner_capital = _INNER_CAPITAL.search(_PREFIX_OF_NAMES.sub("", key))
    return "" if has_inner_capital else key
