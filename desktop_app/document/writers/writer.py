"""What a writer of a format is, and the words that it puts into a file by itself.

    manuscript + blocks ──> writer.write ──> bytes of one file

For: `export_file.py` and the writers. Must not know Qt or files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from desktop_app.document.writers.blocks import Block
from desktop_app.document.writers.manuscript import CHINESE, Manuscript

_WORDS: dict[str, tuple[str, str]] = {
    "untitled": ("Untitled", "无题"),
    "contents": ("Contents", "目录"),
    "scene break": ("* * *", "＊　＊　＊"),
    "origin": ("Origin of the text", "文字来源"),
    "typed": ("typed", "键入"),
    "pasted": ("pasted", "粘贴"),
    "imported": ("imported", "导入"),
    "generated": ("written by a model", "模型所写"),
    "characters": ("{count} characters", "{count} 个字符"),
}


class Writer(Protocol):
    """One format. Pure: the same manuscript gives the same file, but where the format's library writes a clock."""

    suffix: str
    marks_origin: bool  # whether the file itself can show who wrote what; else a sidecar says it

    def write(self, manuscript: Manuscript, blocks: Sequence[Block], with_origin: bool = False) -> bytes:
        """The file. `with_origin` matters only where `marks_origin`."""


def word(key: str, language: str) -> str:
    """A word in the language of the book, which need not be the window's."""
    english, chinese = _WORDS[key]
    return chinese if is_chinese(language) else english


def is_chinese(language: str) -> bool:
    """Whether a BCP 47 tag is Chinese of any kind."""
    return language == CHINESE or language.lower().partition("-")[0] == "zh"
