"""A dictionary of a few words, in Hunspell's two files: it loads in a moment."""

from pathlib import Path

AFF = """SET UTF-8
TRY esianrtolcdugmphbyfvkw
REP 1
REP ei ie
SFX S Y 1
SFX S 0 s .
"""
WORDS = [
    "the",
    "cat/S",
    "sat/S",
    "on",
    "a",
    "mat/S",
    "receive/S",
    "word/S",
    "don't",
    "isn't",
    "well",
    "known",
    "and",
    "or",
    "here",
    "is",
    "some",
    "prose",
    "with",
    "more",
    "text",
    "café",
    "model/S",
    "wrote",
    "write/S",
    "one",
    "two",
    "three",
    "naïve",
    "in",
    "of",
    "Alice",
    "Once",
    "upon",
    "time",
    "friend/S",
    "chief/S",
]


def put_dictionary(folder: Path, name: str = "en_US", words: list[str] | None = None, aff: str = AFF) -> Path:
    """Write both files; returns what `Dictionary.base` would be."""
    listed = WORDS if words is None else words
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.aff").write_text(aff, encoding="utf-8")
    (folder / f"{name}.dic").write_text("\n".join([str(len(listed)), *listed]) + "\n", encoding="utf-8")
    return folder / name
