"""A person's own texts: which files of a folder are read, and which of them are kept aside to measure on.

For: `nextstroke finetune`.
Knows: that nothing is skipped without a word, that copies count once, and how to split so that a rerun splits alike.
Must not know: tokenizers, models.

    document held out when SHA-256(text) falls into the lowest tenth
      too little text -> those with the next lowest as well
      still too little (one document, or one long one and scraps) -> the tail of the longest, from a paragraph's start
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.contracts.errors import CorpusError, FileError, file_error
from export.training.files import write_atomically
from export.training.text_files import PLAIN, WORD, read_text_file

HELDOUT_SHARE = 0.1
_LARGEST_HELDOUT = 0.25  # of all characters together: beyond that, text is worth more in training
_LEAST_HELDOUT = 0.03  # of all characters: less would measure nothing


@dataclass(frozen=True)
class OwnTexts:
    """What was found: (name, text) of each document, and (name, reason) of all that was left out."""

    documents: tuple[tuple[str, str], ...]
    left_out: tuple[tuple[str, str], ...]

    @property
    def sha256(self) -> str:
        """Digest of the texts, whatever their names and order."""
        lines = sorted(_digest(text) for _, text in self.documents)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class Split:
    """The texts to learn from, and those to measure on."""

    training: tuple[str, ...]
    heldout: tuple[str, ...]


def read_own_texts(place: Path) -> OwnTexts:
    """Every .txt, .md and .docx below a folder, or one such file.

    Raises `CorpusError` when there is no text at all, `FileError` when the place cannot be read.
    """
    documents, left_out, seen = list[tuple[str, str]](), list[tuple[str, str]](), dict[str, str]()
    for name, path, obstacle in _files(place):
        reason = obstacle
        if not reason:
            try:
                text = read_text_file(path)
            except CorpusError as error:
                reason = str(error)
            else:
                first = seen.setdefault(_digest(text), name)
                if first == name:
                    documents.append((name, text))
                else:
                    reason = f"says the same as {first}"
        if reason:
            left_out.append((name, reason))
    if not documents:
        found = f"all {len(left_out)} files in it were left out" if left_out else "it is empty"
        raise CorpusError(f"there is no text to learn from in {place}: {found}; give a folder of .txt, .md or .docx")
    return OwnTexts(tuple(documents), tuple(left_out))


def split(texts: Sequence[str]) -> Split:
    """About a tenth aside, by each text's digest: the same texts always fall the same way, whatever else is there."""
    total = sum(map(len, texts))
    ordered = sorted(texts, key=_digest)
    held, size = list[str](), 0
    for text in ordered:
        drawn = int(_digest(text)[:8], 16) < HELDOUT_SHARE * 2**32
        if size + len(text) <= _LARGEST_HELDOUT * total and (drawn or size < _LEAST_HELDOUT * total):
            held.append(text)
            size += len(text)
    if size >= _LEAST_HELDOUT * total:
        return Split(tuple(text for text in ordered if text not in held), tuple(held))
    longest = max(ordered, key=len)
    place = _start_of_tail(longest)
    rest = tuple(text for text in ordered if text is not longest)
    return Split((*rest, longest[:place].rstrip("\n")), (longest[place:].lstrip("\n"),))


def write_split(folder: Path, parts: Split) -> tuple[Path, Path]:
    """Freeze a split as JSON lines, so that a run that goes on later sees the same texts."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise file_error(error, f"write {folder}") from error
    paths = folder / "training.jsonl", folder / "heldout.jsonl"
    for path, texts in zip(paths, (parts.training, parts.heldout), strict=True):
        lines = [json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts]
        write_atomically(path, "".join(lines).encode())
    return paths


def _files(place: Path) -> Iterator[tuple[str, Path, str]]:
    """(name below the place, path, why it is not read or nothing), in a fixed order; hidden folders are one entry."""
    if not place.exists():
        raise FileError(f"there is no {place}; give a folder of .txt, .md or .docx files")
    if place.is_file():
        yield place.name, place, _obstacle(place)
        return
    unreadable = list[OSError]()
    for folder, folders, names in os.walk(place, onerror=unreadable.append):
        inner = sorted(folders)
        folders[:] = [name for name in inner if not _obstacle_of_folder(Path(folder, name))]
        for name in inner:
            if name not in folders:
                path = Path(folder, name)
                yield f"{_below(place, path)}/", path, _obstacle_of_folder(path)
        for path in (Path(folder, name) for name in sorted(names)):
            yield _below(place, path), path, _obstacle(path)
    for error in unreadable:
        path = Path(str(error.filename))
        yield f"{_below(place, path)}/", path, f"cannot be read: {error.strerror}"


def _below(place: Path, path: Path) -> str:
    return path.relative_to(place).as_posix() if path != place else "."


def _obstacle_of_folder(path: Path) -> str:
    if path.name.startswith("."):
        return "is a hidden folder"
    return "is a link to a folder" if path.is_symlink() else ""


def _obstacle(path: Path) -> str:
    if path.name.startswith((".", "~$")):  # Word's mark of a file that is open
        return "is a hidden file"
    if path.suffix.lower() not in (*PLAIN, *WORD):
        return "is neither .txt, .md nor .docx"
    return "" if path.is_file() else "is no ordinary file"


def _start_of_tail(text: str) -> int:
    """Where the last tenth begins: at a paragraph near by, else at a line or a sentence, else anywhere."""
    wanted = len(text) - max(1, round(HELDOUT_SHARE * len(text)))
    for mark in ("\n\n", "\n", "。", ". ", " "):
        place = text.rfind(mark, round(0.7 * len(text)), wanted + 1)
        if place > 0:
            return place + len(mark)
    return wanted


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
