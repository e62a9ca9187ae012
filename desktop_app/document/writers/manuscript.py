"""What every writer of a format is given: a text, who wrote which part of it, and the book's metadata.

    "……text……"  +  [ (9, typed) (40, generated, record) (3, typed) … ]  +  title, author, language, when

For: writers of files. Knows plain values only; must not know Qt, the engine, files, or how the editor keeps origins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

from desktop_app.document.counting import count_text

TYPED = "typed"
PASTED = "pasted"
IMPORTED = "imported"
GENERATED = "generated"
KINDS = (TYPED, PASTED, IMPORTED, GENERATED)

ENGLISH = "en"
CHINESE = "zh-Hans"  # BCP 47; what a reader sorts, hyphenates and picks fonts by
_SAMPLE_CHARACTERS = 20_000


@dataclass(frozen=True)
class Run:
    """`length` characters (code points) of one origin. `record`: how a generated one was made, as plain data."""

    length: int
    kind: str
    record: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Metadata:
    """Of the book. `modified` has a time zone; an empty title is allowed, formats that need one take `title_or`."""

    title: str = ""
    author: str = ""
    language: str = ENGLISH
    modified: datetime = field(default=datetime(2000, 1, 1, tzinfo=UTC))

    def title_or(self, otherwise: str) -> str:
        """The title, or another one where there is none."""
        return self.title.strip() or otherwise


@dataclass(frozen=True)
class Manuscript:
    """A text whose lines end in LF. `runs` cover it exactly and in order; none: nobody knows the origin.

    `joins_lines`: a single line end is white space, as Markdown says; else every line is a paragraph, as on the page.
    Raises ValueError where the runs do not cover the text.
    """

    text: str
    metadata: Metadata = field(default_factory=Metadata)
    runs: tuple[Run, ...] = ()
    joins_lines: bool = False

    def __post_init__(self) -> None:
        covered = sum(run.length for run in self.runs)
        if self.runs and covered != len(self.text):
            raise ValueError(f"the runs cover {covered} of {len(self.text)} characters; they must cover all of them")

    def run_ends(self) -> list[int]:
        """Where each run ends, in characters from the start of the text."""
        return list(accumulate(run.length for run in self.runs))


def language_of(text: str) -> str:
    """The language that most of a text is in: Chinese or English."""
    counts = count_text(text[:_SAMPLE_CHARACTERS])
    return CHINESE if counts.chinese > counts.latin_words else ENGLISH
