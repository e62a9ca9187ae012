"""A file of the writer's, whichever of the two kinds it is: a plain text, or a `.nextstroke` document.

    open_file       path → its text, its version, notes for the person, and the document where it is one
    readable_parts  a text that is too large or of a strange encoding, to be read a part at a time
    readable_text   the newest text that a damaged document still gives

The name's ending decides. Knows both kinds by their openers, and what a page cannot hold; must not know Qt or the
recovery store.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError, TextFileError
from desktop_app.document.nextstroke_file import SIZE_LIMIT_BYTES, SUFFIX, StoredDocument, open_document, salvage
from desktop_app.document.text_encoding import TextFormat
from desktop_app.document.text_file import FileVersion, Note, open_text
from desktop_app.document.text_parts import TextParts
from desktop_app.document.versions import EarlierText

# The page would make something else of these, and saving would write that.
_NOT_ON_A_PAGE = re.compile("[\u2029\ufdd0\ufdd1\ud800-\udfff]")
# Errors of plain files whose text can be read all the same.
READABLE = frozenset(("file_too_large", "unknown_encoding", "damaged_text", "not_on_a_page", "line_too_long"))
LONGEST_LINE = 1_000_000  # characters: the page lays a paragraph out whole, four seconds at this length
ALTERED = "its bytes are not those that were saved; read it through, or open a copy of it"


@dataclass(frozen=True)
class OpenedFile:
    """What a file holds. `stored` is the document of a `.nextstroke` file, `text` then that of its shown branch."""

    path: Path
    text: str
    version: FileVersion
    format: TextFormat = field(default_factory=TextFormat)
    notes: tuple[Note, ...] = ()
    stored: StoredDocument | None = None


def is_document(path: Path) -> bool:
    """Whether a file of this name is a `.nextstroke` document."""
    return path.suffix.lower() == SUFFIX


def open_file(disk: Disk, path: Path) -> OpenedFile:
    """Read a file. Raises `DocumentError`; the file is never touched."""
    if not is_document(path):
        text = open_text(disk, path)
        demand_page(text.text, path.name)
        return OpenedFile(text.path, text.text, text.version, text.format, text.notes)
    stored, version = open_document(disk, path)
    demand_lines(stored.document.text(), path.name)
    notes = (Note("document_altered", f"{path.name}: {ALTERED}", (("name", path.name),)),) if stored.is_altered else ()
    return OpenedFile(path, stored.document.text(), version, notes=notes, stored=stored)


def readable_text(disk: Disk, path: Path) -> EarlierText | None:
    """The newest text that can still be read of a damaged document, if there is one. Never raises."""
    try:
        texts = salvage(disk.read_bytes(path, SIZE_LIMIT_BYTES))
    except DocumentError:
        return None
    return texts[0] if texts else None


def readable_parts(disk: Disk, path: Path, error: DocumentError) -> TextParts | None:
    """A plain text that cannot be edited, to be read; None where it is no text, or `error` leaves nothing to read.

    Raises `DiskError` where the disk does not give it.
    """
    if is_document(path) or error.kind not in READABLE:
        return None
    try:
        return TextParts(disk, path)
    except TextFileError:
        return None


def demand_page(text: str, name: str) -> None:
    """Raise `TextFileError` where a page would not give this text back as it is, or not in time."""
    demand_lines(text, name)
    found = _NOT_ON_A_PAGE.search(text)
    if found is not None:
        code, line = f"U+{ord(found[0]):04X}", str(text.count("\n", 0, found.start()) + 1)
        words = f"{name} holds a character ({code}, line {line}) that the page cannot keep; nothing was changed"
        words += ", take it out with the program that wrote it"
        raise TextFileError(words, "not_on_a_page", name=name, code=code, line=line)


def too_long_line(text: str) -> int:
    """The number of the first line that is too long for a page, from 1 on; 0: there is none."""
    lines = text.split("\n") if len(text) > LONGEST_LINE else ()
    return next((number for number, line in enumerate(lines, 1) if len(line) > LONGEST_LINE), 0)


def demand_lines(text: str, name: str) -> None:
    """Raise `TextFileError` where a line is longer than a page shows in time."""
    line = too_long_line(text)
    if line:
        words = f"line {line} of {name} is longer than {LONGEST_LINE:,} characters, more than a page shows smoothly"
        raise TextFileError(f"{words}; break it where it was written", "line_too_long", name=name, line=str(line))
