"""Writing a document to a file, with the questions that this brings up: which name, over another program's change, in
which encoding.

    Contents + Target → Disk → Saved      None: nothing was saved, and the person knows

Knows: `Disk`, both kinds of files, the questions. Must not know: the page, tabs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from desktop_app import document_questions as questions
from desktop_app.dialogs.dialogs import Dialogs
from desktop_app.document.any_file import is_document
from desktop_app.document.disk import Disk
from desktop_app.document.errors import ChangedOutside, DocumentError, NotEncodable
from desktop_app.document.file_claims import FileClaim, FileClaims
from desktop_app.document.nextstroke_file import SUFFIX, StoredDocument, save_document
from desktop_app.document.text_encoding import UTF_8, TextFormat
from desktop_app.document.text_file import FileVersion, save_text
from desktop_app.document.versions import EarlierText
from desktop_app.services.error_words import words_for

translate = QCoreApplication.translate  # the name that lupdate looks for


@dataclass(frozen=True)
class Contents:
    """What is saved: the document, and its shown text as the page has it, which is all that a plain file holds."""

    document: StoredDocument
    text: str


@dataclass(frozen=True)
class Target:
    """Where to. `known`: the state of the file that the text came from; None for a name that was chosen just now."""

    path: Path
    format: TextFormat
    known: FileVersion | None = None
    claim: FileClaim | None = None  # that the text has on its file; another file is claimed first


@dataclass(frozen=True)
class Saved:
    """What is on the disk now."""

    path: Path
    format: TextFormat
    version: FileVersion
    versions: tuple[EarlierText, ...]  # earlier texts that the file holds
    claim: FileClaim


class Saving:
    """`asks_about_change` is called before the person is asked about another program's change."""

    def __init__(self, disk: Disk, claims: FileClaims, dialogs: Dialogs, asks_about_change: Callable[[], None]) -> None:
        self._disk, self._claims, self._dialogs = disk, claims, dialogs
        self._asks_about_change = asks_about_change

    def choose_path(self, proposal: str, has_document: bool) -> Path | None:
        """Ask for a name; one without an ending gets that of the kind that the text has now (`has_document`)."""
        kinds = questions.kinds_to_save(has_document)
        chosen = self._dialogs.path_to_save(translate("Saving", "Save As"), proposal, kinds)
        if not chosen:
            return None
        path = Path(chosen)
        if path.suffix:
            return path  # the dialog has asked about a file of that name
        path = path.with_name(path.name + (SUFFIX if has_document else ".txt"))
        if self._disk.exists(path) and questions.ask_to_replace(self._dialogs, path.name) != questions.OVERWRITE:
            return None
        return path

    def write(self, contents: Contents, target: Target, overwrite: bool = False) -> Saved | None:
        """Write it, whole or not at all; every failure is asked about or told."""
        try:
            return self._write(contents, target, overwrite)
        except ChangedOutside as error:
            self._asks_about_change()
            return self._ask_about_change(error, contents, target)
        except NotEncodable as error:
            return self._ask_about_encoding(error, contents, target, overwrite)
        except DocumentError as error:
            self._tell(error)
            return None

    def _write(self, contents: Contents, target: Target, overwrite: bool) -> Saved:
        """Write it and hold its file. Another file than the one that is held is not written before it is held too."""
        held = target.claim
        claim = held if held is not None and held.is_on(target.path) else self._claims.claim(target.path)
        try:
            version, versions = self._write_file(contents, target, overwrite)
        except DocumentError:
            if claim is not held:
                claim.release()
            raise
        claim.renew()
        return Saved(target.path, target.format, version, versions, claim)

    def _write_file(
        self, contents: Contents, target: Target, overwrite: bool
    ) -> tuple[FileVersion, tuple[EarlierText, ...]]:
        if not is_document(target.path):
            version = save_text(self._disk, target.path, contents.text, target.format, target.known, overwrite)
            return version, contents.document.versions
        stored, version = save_document(self._disk, target.path, contents.document, target.known, overwrite)
        return version, stored.versions

    def _ask_about_change(self, error: ChangedOutside, contents: Contents, target: Target) -> Saved | None:
        answer = questions.ask_about_change(self._dialogs, target.path.name, error)
        if answer == questions.OVERWRITE:
            return self.write(contents, target, overwrite=True)
        if answer != questions.SAVE_AS:
            return None
        path = self.choose_path(str(target.path), is_document(target.path))
        return self.write(contents, Target(path, target.format, None, target.claim)) if path is not None else None

    def _ask_about_encoding(
        self, error: NotEncodable, contents: Contents, target: Target, overwrite: bool
    ) -> Saved | None:
        if not error.offer:
            self._tell(error)
            return None
        if questions.ask_about_encoding(self._dialogs, target.path.name, error) != questions.CONVERT:
            return None
        format = TextFormat(error.offer or UTF_8, target.format.line_ends)
        return self.write(contents, replace(target, format=format), overwrite)

    def _tell(self, error: DocumentError) -> None:
        self._dialogs.tell(translate("Saving", "The text is not saved"), words_for(error))
