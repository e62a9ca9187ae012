"""What the recovery store keeps of an open document, and how a kept document becomes an open one again.

Knows files of both kinds; must not know SQLite, Qt or the engine.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from desktop_app.document.any_file import OpenedFile, is_document, open_file
from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.document.nextstroke_file import StoredDocument
from desktop_app.document.text_encoding import TextFormat
from desktop_app.document.text_file import FileVersion, Note

ORIGIN_LOST = "the file was changed by another program, so it is not known any more what in it the model wrote"
UNREAD = "what was on the page is back as a text of its own; that file is left as it is"
Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class KeptDocument:
    """One open document at one moment.

    `key` names it for as long as it is open (any unique text); `path` is None for a text without a file; `version` is
    the state of its file that the text came from; `saved_digest` is `text_digest` of the text when it was last the same
    as the file, or "" for a text that was never saved.
    """

    key: str
    text: str
    path: Path | None = None
    caret: int = 0  # as the editor counts it; it may lie behind the end of a file that has become shorter
    scroll: int = 0
    format: TextFormat = field(default_factory=TextFormat)
    version: FileVersion | None = None
    saved_digest: str = ""
    changed_at: float = 0.0  # seconds since 1970, set by the store
    generated: Spans = ()  # what the model wrote, as the editor counts: (start, end) in order
    branch: int = 0  # the one that was shown; 0: that of its file. The session's file keeps it, the store does not
    is_damaged: bool = False  # the store gave the text back with "\ufffd" where its bytes make no sense

    @property
    def has_unsaved_text(self) -> bool:
        """Whether closing this document without saving would lose text."""
        if not self.saved_digest:
            return bool(self.text)
        return text_digest(self.text) != self.saved_digest


@dataclass(frozen=True)
class RestoredDocument:
    """A document of the last session, ready for the editor. `is_recovered`: its text is not what its file holds.

    `stored` is what a `.nextstroke` file holds; the kept text is shown as one edit of it.
    """

    document: KeptDocument
    is_recovered: bool
    notes: tuple[Note, ...] = ()
    stored: StoredDocument | None = None


def text_digest(text: str) -> str:
    """SHA-256 of a text, for `saved_digest`."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def restore(disk: Disk, kept: KeptDocument) -> RestoredDocument:
    """The document as the new session should show it. Never raises, never loses text.

    Unsaved text comes from the store; a text that was saved comes from its file, which may have changed since; when
    that file cannot be read any more, the kept text is offered as unsaved. The store keeps no branches: those of a
    `.nextstroke` document come from its file, and a text whose file cannot be read has none from then on.
    """
    if kept.path is not None and is_document(kept.path):
        return _restore_document(disk, kept, kept.path)
    if kept.path is None or kept.has_unsaved_text:
        return RestoredDocument(kept, is_recovered=kept.has_unsaved_text)
    try:
        opened = open_file(disk, kept.path)
    except DocumentError as error:
        return RestoredDocument(replace(kept, saved_digest=""), is_recovered=True, notes=(_note_of(error),))
    is_same = opened.text == kept.text
    notes = opened.notes
    if kept.generated and not is_same:  # nobody knows where in another text the model's words are
        notes = (*notes, Note("origin_lost", ORIGIN_LOST, (("name", kept.path.name),)))
    fresh = replace(_as_opened(kept, opened), generated=kept.generated if is_same else ())
    return RestoredDocument(fresh, is_recovered=False, notes=notes)


def _restore_document(disk: Disk, kept: KeptDocument, path: Path) -> RestoredDocument:
    try:
        opened = open_file(disk, path)
    except DocumentError as error:
        # Without its path: the next save asks for a name, and the branches in that file may still be saved.
        text = replace(kept, path=None, format=TextFormat(), version=None, saved_digest="")
        note = Note("document_unread", f"{path.name}: {UNREAD}", (("name", path.name),))
        return RestoredDocument(text, is_recovered=bool(kept.text), notes=(_note_of(error), note))
    if kept.has_unsaved_text and kept.text != opened.text:
        # The version that the text came from: a file that was changed since is asked about before it is replaced.
        unsaved = replace(kept, version=kept.version or opened.version)
        return RestoredDocument(unsaved, is_recovered=True, notes=opened.notes, stored=opened.stored)
    return RestoredDocument(_as_opened(kept, opened), is_recovered=False, notes=opened.notes, stored=opened.stored)


def _as_opened(kept: KeptDocument, opened: OpenedFile) -> KeptDocument:
    digest = text_digest(opened.text)
    return replace(kept, text=opened.text, format=opened.format, version=opened.version, saved_digest=digest)


def _note_of(error: DocumentError) -> Note:
    return Note(error.kind, str(error), tuple(error.facts.items()))
