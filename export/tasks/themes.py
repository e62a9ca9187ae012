"""Stories and the sentence each was written from: pairs for summaries in Chinese.

For: `make.py`.
Knows: that in TinyChineseStories (2023, CC BY 4.0) the theme came first and the story was written from it, so the theme
is what the story says in one sentence; several stories share a theme, so whole themes are held out, the same ones as in
`export.training.more_texts`.
Must not know: prompt formats, files of the corpus.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from export.tasks.pairs import Pair, beginning
from export.training.more_texts import read_stories, simplifier, split_by_theme, tidy


def theme_pairs(path: Path, simplify: Callable[[str], str] | None = None) -> tuple[list[Pair], list[Pair]]:
    """(training, held out) pairs of (beginning of the story, theme) from the table of stories."""
    simplify = simplify or simplifier()
    rows = list(read_stories(path, simplify))
    theme_of = {story: _sentence(tidy(theme, simplify)) for theme, story in rows}
    training, heldout = split_by_theme(rows)
    return _pairs(training, theme_of), _pairs(heldout, theme_of)


def _pairs(stories: list[str], theme_of: dict[str, str]) -> list[Pair]:
    found = ((beginning(story, "zh"), theme_of[story]) for story in stories)
    return [(source, theme) for source, theme in found if source and theme]


def _sentence(theme: str) -> str:
    return theme if not theme or theme[-1] in "。！？" else f"{theme}。"
