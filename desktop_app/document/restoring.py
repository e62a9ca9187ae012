"""A kept document meets its file again: how the next start shows it.

    unsaved                → as it was kept; a file that was changed since is noticed when it is saved
    saved                  → from its file, as that is now
    saved and unsaved      the program ended between a save and the store's next write: the file is ours, and is known

Knows files of both kinds. Must not know: SQLite, Qt, the engine.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from desktop_app.document.any_file import OpenedFile, is_document, open_file
from desktop_app.document.disk import Disk
from desktop_app.document.errors import NO_ANSWER, DocumentError, disk_error_of_kind
from desktop_app.document.history import BEGINNING
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.nextstroke_file import StoredDocument
from desktop_app.document.origins import GENERATED
from desktop_app.document.text_as_document import document_of_text, take_text
from desktop_app.document.text_encoding import TextFormat
from desktop_app.document.text_file import Note

ORIGIN_LOST = "the file was changed by another program, so it is not known any more what in it the model wrote"
UNREAD = "what was on the page is back as a text of its own; that file is left as it is"
NOWHERE = -1  # no step of the history is the one that was saved


@dataclass(frozen=True)
class RestoredDocument:
    """A document of the last session, ready for the editor. `is_recovered`: it is not what its file holds.

    `saved_step`: the step that the file shows, where it is a step of this document. `is_unread`: all of it was in the
    file, which cannot be read any more, as a note says.
    """

    document: KeptDocument
    is_recovered: bool
    notes: tuple[Note, ...] = ()
    saved_step: int = NOWHERE
    is_unread: bool = False


def restore(disk: Disk, kept: KeptDocument) -> RestoredDocument:
    """The document as the new session should show it. Never raises, never loses text.

    When the file of a saved document cannot be read any more, the kept one is offered as unsaved; that of a
    `.nextstroke` document then without its path: the next save asks for a name, and the file may still be mended.
    """
    if kept.path is None:
        return RestoredDocument(kept, is_recovered=kept.has_unsaved_text)
    try:
        opened = open_file(disk, kept.path)
    except DocumentError as error:
        return _without_file(kept, kept.path, error)
    if opened.stored is not None:
        return _of_document(kept, opened, opened.stored)
    return _of_text(kept, opened)


def restore_unread(kept: KeptDocument, path: Path) -> RestoredDocument:
    """`restore` of a document whose file is on a disk that does not answer: nobody waits for it any longer."""
    return _without_file(kept, path, disk_error_of_kind(NO_ANSWER, "read", path.name))


def _without_file(kept: KeptDocument, path: Path, error: DocumentError) -> RestoredDocument:
    if not is_document(path):
        if kept.is_modified:
            return RestoredDocument(kept, is_recovered=True)
        unsaved = replace(kept, is_modified=True)
        return RestoredDocument(unsaved, is_recovered=True, notes=(_note_of(error),), is_unread=True)
    alone = replace(kept, path=None, format=TextFormat(), version=None, is_modified=True)
    note = Note("document_unread", f"{path.name}: {UNREAD}", (("name", path.name),))
    return RestoredDocument(alone, is_recovered=alone.has_unsaved_text, notes=(_note_of(error), note))


def _of_text(kept: KeptDocument, opened: OpenedFile) -> RestoredDocument:
    is_same = opened.text == kept.text
    if kept.is_modified and not is_same:
        return RestoredDocument(kept, is_recovered=True)
    notes, stored = opened.notes, kept.stored
    if not is_same:
        if any(origin.kind == GENERATED for _, origin in stored.document.passages()):
            # Nobody knows where in another text the model's words are.
            notes = (*notes, Note("origin_lost", ORIGIN_LOST, (("name", opened.path.name),)))
        stored = StoredDocument(document_of_text(opened.text))
    return RestoredDocument(_as_opened(kept, opened, stored), is_recovered=False, notes=notes)


def _of_document(kept: KeptDocument, opened: OpenedFile, stored: StoredDocument) -> RestoredDocument:
    if kept.branch in stored.document.tree.branches:
        stored.document.switch(kept.branch)  # a text that came alone is that of this branch
    is_same = kept.text == stored.document.text() and (kept.is_text_only or _is_same(kept, stored))
    has_more = kept.is_modified and not is_same
    if not has_more:
        return RestoredDocument(_as_opened(kept, opened, stored), is_recovered=False, notes=opened.notes)
    step = stored.document.history.current
    if kept.is_text_only:
        # The version that the text came from: a file that was changed since is asked about before it is replaced.
        take_text(stored.document, kept.stored.document)
        unsaved = replace(kept, stored=stored, version=kept.version or opened.version)
        return RestoredDocument(unsaved, is_recovered=True, notes=opened.notes, saved_step=step)
    is_ours = _is_earlier(stored, kept.stored)
    version = opened.version if is_ours or kept.version is None else kept.version
    whole = replace(kept, stored=replace(kept.stored, versions=stored.versions), version=version)
    known = is_ours and step in (BEGINNING, *kept.stored.document.history.steps)
    return RestoredDocument(whole, is_recovered=True, notes=opened.notes, saved_step=step if known else NOWHERE)


def _is_same(kept: KeptDocument, stored: StoredDocument) -> bool:
    """Whether a file holds all that was kept."""
    revision = kept.stored.document.log.revision
    return _is_earlier(stored, kept.stored) and stored.document.log.revision == revision


def _is_earlier(stored: StoredDocument, kept: StoredDocument) -> bool:
    """Whether a file holds an earlier state of the kept document: what only grows has the same beginning."""
    old, new = stored.document, kept.document
    if old.log.revision > new.log.revision or len(old.buffer) > len(new.buffer):
        return False
    return stored.about == kept.about and old.buffer.read(0, len(old.buffer)) == new.buffer.read(0, len(old.buffer))


def _as_opened(kept: KeptDocument, opened: OpenedFile, stored: StoredDocument) -> KeptDocument:
    return replace(kept, stored=stored, format=opened.format, version=opened.version, is_modified=False)


def _note_of(error: DocumentError) -> Note:
    return Note(error.kind, str(error), tuple(error.facts.items()))
