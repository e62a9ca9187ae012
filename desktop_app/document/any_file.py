"""A file of the writer's, whichever of the two kinds it is: a plain text, or a `.nextstroke` document.

    open_file       path → its text, its version, notes for the person, and the document where it is one
    readable_text   the newest text that a damaged document still gives

The name's ending decides. Knows both kinds by their openers; must not know Qt, the page or the recovery store.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.document.nextstroke_file import SIZE_LIMIT_BYTES, SUFFIX, StoredDocument, open_document, salvage
from desktop_app.document.text_encoding import TextFormat
from desktop_app.document.text_file import FileVersion, Note, open_text
from desktop_app.document.versions import EarlierText

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
        return OpenedFile(text.path, text.text, text.version, text.format, text.notes)
    stored, version = open_document(disk, path)
    notes = (Note("document_altered", f"{path.name}: {ALTERED}", (("name", path.name),)),) if stored.is_altered else ()
    return OpenedFile(path, stored.document.text(), version, notes=notes, stored=stored)


def readable_text(disk: Disk, path: Path) -> EarlierText | None:
    """The newest text that can still be read of a damaged document, if there is one. Never raises."""
    try:
        texts = salvage(disk.read_bytes(path, SIZE_LIMIT_BYTES))
    except DocumentError:
        return None
    return texts[0] if texts else None
