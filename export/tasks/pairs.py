"""Honest pairs in a corpus: what its own authors or editors wrote as translation, title, lead or theme.

For: `make.py`.
Knows: how the corpus' documents are laid out, and which pairs are worth learning from.
Must not know: prompt formats, files, models.

    parallel     an English line, then its Chinese line, and so on          -> (English, Chinese)
    titles       the first line of a story, essay or chapter, then the text -> (beginning of the text, title)
    leads        an encyclopaedic paragraph that opens with a definition    -> (what follows, that first sentence)

A chapter's title was written for the whole chapter; the model sees only its beginning. That is said, not repaired.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.contracts.errors import CorpusError

Pair = tuple[str, str]  # (source, target)

LONGEST_SOURCE = {"en": 600, "zh": 240}  # characters, about 160 tokens each: a training window holds several examples
SHORTEST_SOURCE = {"en": 150, "zh": 60}
LONGEST_TITLE = {"en": 60, "zh": 30}
_SHORTEST_TITLE = {"en": 4, "zh": 3}
_LEAD = (10, 80)  # characters of a lead sentence
_END = {"en": re.compile(r"[.!?][\"')]*(?=\s|$)"), "zh": re.compile(r"[。！？][”’』」）]*")}
_NUMBER = "一二三四五六七八九十百零〇○0-9"
_CHAPTER = re.compile(rf"^(正文)?(上卷|中卷|下卷)?\s*(第?[{_NUMBER}]+[回章卷节篇折])?\s*")
_NO_TITLE = re.compile(
    r"^(作者|译者|选自|附记|序言|自序|后记|引言|题记|目录)|[。！？，；：、…”]$|[□�？?]|^[\W\d_一二三四五六七八九十〇]*$"
)
_NO_ENGLISH_TITLE = re.compile(r"[.!?,;:\"]$|^(chapter|part|book|[ivxlc]+)\b", re.IGNORECASE)
_DEFINES = re.compile(r"^(?![在由该此他她其这那它从当因而但自于至0-9])[^。]{1,40}?(?:是|为|指|，.{0,16}(?:人|家|者))")
_EMPTY_BRACKETS = re.compile(r"（(?:[^（）]{0,6}：)?[，、；]*）")  # where a foreign name was taken out of a text


def parallel_pairs(text: str) -> Iterator[Pair]:
    """(English, Chinese) of a document of alternating lines. Raises `CorpusError` when they do not alternate."""
    lines = text.split("\n")
    if len(lines) % 2:
        raise CorpusError(f"a parallel document has {len(lines)} lines, so they are no pairs; correct or remove it")
    for english, chinese in zip(lines[::2], lines[1::2], strict=True):
        if english.strip() and chinese.strip():
            yield english.strip(), chinese.strip()


def title_pairs(text: str, language: str) -> Iterator[Pair]:
    """(beginning, title), when the first line is a title that says something."""
    first, _, rest = text.partition("\n")
    title = _title(first.strip(), language)
    body = rest.strip()
    if language == "zh":  # 诗曰：, 作者：…, or the title once more
        body = "\n".join(line for line in body.split("\n") if len(line) >= 12 and title not in line[: len(title) + 12])
    source = beginning(body, language)
    if title and source:
        yield source, title


def lead_pairs(text: str) -> Iterator[Pair]:
    """(the Chinese paragraph behind its first sentence, that sentence), when the sentence defines its subject."""
    text = _EMPTY_BRACKETS.sub("", text)
    end = _END["zh"].search(text)
    if end is None:
        return
    lead, source = text[: end.end()].strip(), beginning(text[end.end() :].strip(), "zh")
    shortest, longest = _LEAD
    if source and shortest <= len(lead) <= longest and "\n" not in lead and _DEFINES.match(lead):
        yield source, lead


def beginning(text: str, language: str) -> str:
    """Whole sentences from the start of a text, up to the longest source; empty when there are too few."""
    longest, shortest = LONGEST_SOURCE[language], SHORTEST_SOURCE[language]
    ends = [found.end() for found in _END[language].finditer(text[:longest])]
    return text[: ends[-1]].strip() if ends and ends[-1] >= shortest else ""


def _title(line: str, language: str) -> str:
    """The title without its number; empty for what is none."""
    if language == "zh":
        title = _CHAPTER.sub("", line).strip()
        refused = _NO_TITLE.search(title)
    else:
        title, refused = line, _NO_ENGLISH_TITLE.search(line)
    fits = _SHORTEST_TITLE[language] <= len(title) <= LONGEST_TITLE[language]
    return title if fits and not refused else ""
