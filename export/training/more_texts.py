"""Two groups of the tiny-zh-en recipe that are made from texts at hand, beside the corpus's own files.

For: `python -m export.training.more_texts CORPUS OUTPUT --stories stories.csv`.
Knows: what counts as modern vernacular Chinese, and how the TinyChineseStories table becomes documents.
Must not know: recipes, tokenizers, models.

Of the 13 million characters of `zh_modern_pd1945` four fifths are historical romances in the language of the Qing
dynasty; a small model that learns mostly from those writes no modern sentence. `zh_modern_vernacular` is the part of it
in today's written language, named a second time so that a recipe can weigh it by itself. `zh_short_stories` are 2,277
short stories written by GPT-3.5 (TinyChineseStories, 2023), traditional characters turned into simplified. Their
licence stands at the end of the README of the data set on Hugging Face (joe-chiu/TinyChineseStories, 25 September 2023:
"license: cc-by-4.0"), as a line of its text and not among its labels; the GitHub repository of the program that made
them holds the table too, points to that page, and names no licence itself.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import lzma
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from engine.contracts.errors import CorpusError, MissingExtraError, NextstrokeError
from export.training.corpus import read_documents
from export.training.files import write_atomically

MODERN_GROUPS = ("zh_modern_pd1945", "zh_modern_pd1955")
HELDOUT_SHARE = 0.02  # of the themes
_LEAST_DE = 0.025  # share of 的 in modern prose: 3-6 %; in the historical romances under 1 %
_MOST_CLASSICAL = 0.004  # share of 之, 乃 and 曰: over 1 % in the historical romances
_PARTICLE = re.compile(r"(?<![原名显编译论巨专土合])著(?![名作者述称书])")  # traditional 著 for the particle 着
_COLUMNS = 4  # names, genre, theme, story


def is_modern_vernacular(text: str) -> bool:
    """Whether a Chinese document is written in the modern vernacular, by the share of its function words."""
    if not text:
        return False
    classical = sum(text.count(word) for word in "之乃曰")
    return text.count("的") / len(text) > _LEAST_DE and classical / len(text) < _MOST_CLASSICAL


def tidy(text: str, simplify: Callable[[str], str]) -> str:
    """One story in simplified characters, with mainland quotation marks and full-width punctuation."""
    text = _PARTICLE.sub("着", simplify(text.strip()))
    for old, new in ("「“", "」”", "『‘", "』’"):
        text = text.replace(old, new)
    if not re.search("[A-Za-z]{4}", text):
        text = text.replace("?", "？").replace("!", "！").replace(";", "；")
    text = re.sub(r"(?<=[\u4e00-\u9fff”])\s*,\s*", "，", text)
    text = re.sub(r"(?<=[\u4e00-\u9fff”])\s*\.(?=\s|$|”|[\u4e00-\u9fff])", "。", text)
    text = re.sub(r"(?<=[\u4e00-\u9fff]):", "：", text)
    return re.sub(r"[ \t]+(?=[\u4e00-\u9fff“”，。！？])", "", text)


def read_stories(path: Path, simplify: Callable[[str], str]) -> Iterator[tuple[str, str]]:
    """(theme, story) of the table `names, genre, theme, story`; cut-off and repeated stories are left out."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file))[1:]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CorpusError(f"cannot read the stories in {path}: {error}; copy the file again") from error
    seen = set()
    for row in rows:
        if len(row) != _COLUMNS:
            raise CorpusError(f"{path}: a row has {len(row)} columns, not names, genre, theme, story; wrong file?")
        story = tidy(row[3], simplify)
        letters = "".join(re.findall("[\u4e00-\u9fff]", story))
        whole = len(story) >= 60 and story[-1] in "。！？”…" and len(letters) > 0.75 * len(story)
        if whole and letters[:80] not in seen:
            seen.add(letters[:80])
            yield row[2], story


def split_by_theme(stories: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """(training, held out): whole themes are held out, since stories of one theme resemble each other."""
    stories = list(stories)
    themes = sorted({theme for theme, _ in stories}, key=lambda theme: hashlib.sha256(theme.encode()).hexdigest())
    held = set(themes[: max(1, int(len(themes) * HELDOUT_SHARE))])
    return [s for theme, s in stories if theme not in held], [s for theme, s in stories if theme in held]


def write_documents(path: Path, texts: Iterable[str]) -> int:
    """Write a `.jsonl.xz` group file; returns its documents."""
    lines = [json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts]
    write_atomically(path, lzma.compress("".join(lines).encode()))
    return len(lines)


def simplifier() -> Callable[[str], str]:
    """Traditional characters into simplified ones. Raises `MissingExtraError` without OpenCC."""
    try:
        from opencc import OpenCC
    except ImportError as error:
        raise MissingExtraError(
            "turning the stories into simplified characters needs opencc-python-reimplemented; install the extra `test`"
        ) from error
    convert: Callable[[str], str] = OpenCC("t2s").convert
    return convert


def main(arguments: Sequence[str] | None = None) -> int:
    """Write zh_modern_vernacular and, with --stories, zh_short_stories into OUTPUT."""
    parser = argparse.ArgumentParser(prog="python -m export.training.more_texts", description=main.__doc__)
    parser.add_argument("corpus", type=Path, metavar="CORPUS")
    parser.add_argument("output", type=Path, metavar="OUTPUT")
    parser.add_argument("--stories", type=Path, metavar="FILE", help="stories.csv of TinyChineseStories")
    options = parser.parse_args(arguments)
    try:
        sources = [options.corpus / f"{group}.jsonl.xz" for group in MODERN_GROUPS]
        modern = (text for path in sources for text in read_documents(path) if is_modern_vernacular(text))
        made = {"zh_modern_vernacular": write_documents(options.output / "zh_modern_vernacular.jsonl.xz", modern)}
        if options.stories:
            training, heldout = split_by_theme(read_stories(options.stories, simplifier()))
            made["zh_short_stories"] = write_documents(options.output / "zh_short_stories.jsonl.xz", training)
            name = "zh_short_stories.heldout"
            made[name] = write_documents(options.output / f"{name}.jsonl.xz", heldout)
    except NextstrokeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for name, documents in made.items():
        print(f"{name:26} {documents:6} documents", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
