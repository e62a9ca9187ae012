"""Writing a document to a file, with the questions that this brings up: which name, over another program's change, in
which encoding.

    Contents + Target → Disk → Saved      None: nothing was saved, and the person knows

Knows: `Disk`, both kinds of files, the questions. Must not know: the page, tabs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QCoreApplication

from desktop_app.dialogs.dialogs import Dialogs
from desktop_app.document.any_file import OpenedFile, is_document, open_file
from desktop_app.document.disk import Disk
from desktop_app.document.errors import ChangedOutside, DocumentError, NotEncodable, defect
from desktop_app.document.file_claims import FileClaim, FileClaims, identities
from desktop_app.document.nextstroke_file import SUFFIX, StoredDocument, save_document
from desktop_app.document.shown_name import shown_name
from desktop_app.document.text_encoding import UTF_8, TextFormat
from desktop_app.document.text_file import FileVersion, save_text
from desktop_app.document.versions import EarlierText
from desktop_app.open_texts import difference_questions as differences
from desktop_app.open_texts import document_questions as questions
from desktop_app.open_texts.patient_files import PatientFiles
from desktop_app.services.error_words import words_for

translate = QCoreApplication.translate  # the name that lupdate looks for
EXPORTED = (".docx", ".odt", ".pdf", ".epub")  # no program would open our text under these names


@dataclass(frozen=True)
class Contents:
    """What is saved: a copy of the document, and its shown text as the page had it, which is all a plain file holds."""

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


@dataclass(frozen=True)
class SavedLate:
    """What a save that the person gave up has put on the disk after all; `document` is what was to be saved."""

    path: Path
    format: TextFormat
    version: FileVersion
    versions: tuple[EarlierText, ...]
    document: StoredDocument


class Saving:
    """`asks_about_change` is called before the person is asked about another program's change.

    `saved_late`: a save that the person gave up got to the disk after all. `take` gets what the file holds, where they
    want that on the page.
    """

    def __init__(
        self,
        files: PatientFiles,
        claims: FileClaims,
        dialogs: Dialogs,
        asks_about_change: Callable[[], None],
        saved_late: Callable[[SavedLate], None],
        take: Callable[[OpenedFile], None],
    ) -> None:
        self._files, self._claims, self._dialogs = files, claims, dialogs
        self._asks_about_change, self._saved_late, self._take = asks_about_change, saved_late, take

    def choose_path(self, proposal: str, has_document: bool) -> Path | None:
        """Ask for a name; one without an ending gets that of the kind that the text has now (`has_document`)."""
        kinds = questions.kinds_to_save(has_document)
        chosen = self._dialogs.path_to_save(translate("Saving", "Save As"), proposal, kinds)
        if not chosen:
            return None
        path = Path(chosen)
        if path.suffix.lower() in EXPORTED:
            words = translate(
                "Saving",
                "“{name}” would hold plain text. Save as .txt, .md or .nextstroke; File → Export… writes {kind} files.",
            )
            self._dialogs.tell(
                translate("Saving", "The text is not saved"),
                words.format(name=shown_name(path.name), kind=path.suffix.lower()),
            )
            return None
        if path.suffix:
            return path  # the dialog has asked about a file of that name
        path = path.with_name(path.name + (SUFFIX if has_document else ".txt"))
        is_there = self._files.read(path, lambda disk: disk.exists(path))
        if is_there is None:
            return None
        if is_there and questions.ask_to_replace(self._dialogs, shown_name(path.name)) != questions.OVERWRITE:
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
        except Exception as error:  # noqa: BLE001 — who saves must be told that it is not saved, whatever the reason
            sys.excepthook(type(error), error, error.__traceback__)
            self._tell(defect(error))
            return None

    def _write(self, contents: Contents, target: Target, overwrite: bool) -> Saved | None:
        """Write it and hold its file. Another file than the one that is held is not written before it is held too."""
        held = target.claim
        if held is not None and held.is_on(target.path):
            claim = held
        else:
            keys = self._files.read(target.path, lambda _disk: identities(target.path))
            if keys is None:
                return None
            claim = self._claims.claim(target.path, keys, beside=held)
        written: tuple[tuple[EarlierText, ...], FileVersion] | None = None
        try:
            written = self._write_file(contents, target, overwrite)
        finally:
            if written is None and claim is not held:
                claim.release()
        if written is None:
            return None
        claim.renew()
        versions, version = written
        return Saved(target.path, target.format, version, versions, claim)

    def _write_file(
        self, contents: Contents, target: Target, overwrite: bool
    ) -> tuple[tuple[EarlierText, ...], FileVersion] | None:
        path = target.path

        def write(disk: Disk) -> tuple[tuple[EarlierText, ...], FileVersion]:
            if is_document(path):
                stored, version = save_document(disk, path, contents.document, target.known, overwrite)
                return stored.versions, version
            version = save_text(disk, path, contents.text, target.format, target.known, overwrite)
            return contents.document.versions, version

        def tell_late(written: tuple[tuple[EarlierText, ...], FileVersion]) -> None:
            versions, version = written
            self._saved_late(SavedLate(path, target.format, version, versions, contents.document))

        return self._files.write(path, write, tell_late)

    def _ask_about_change(self, error: ChangedOutside, contents: Contents, target: Target) -> Saved | None:
        file = None if error.removed else read_patiently(self._files, target.path)
        if file is None:
            answer = differences.ask_blindly_while_saving(self._dialogs, target.path.name, error)
        else:
            answer = differences.ask_while_saving(self._dialogs, contents.text, file)
        if answer == differences.OVERWRITE:
            return self.write(contents, target, overwrite=True)
        if answer == differences.TAKE and file is not None:
            self._take(file)
        if answer != differences.SAVE_AS:
            return None
        path = self.choose_path(str(target.path), is_document(target.path))
        return self.write(contents, Target(path, target.format, None, target.claim)) if path is not None else None

    def _ask_about_encoding(
        self, error: NotEncodable, contents: Contents, target: Target, overwrite: bool
    ) -> Saved | None:
        if not error.offer:
            self._tell(error)
            return None
        if questions.ask_about_encoding(self._dialogs, shown_name(target.path.name), error) != questions.CONVERT:
            return None
        format = TextFormat(error.offer or UTF_8, target.format.line_ends)
        return self.write(contents, replace(target, format=format), overwrite)

    def _tell(self, error: DocumentError) -> None:
        self._dialogs.tell(translate("Saving", "The text is not saved"), words_for(error))


def read_patiently(files: PatientFiles, path: Path) -> OpenedFile | None:
    """What a file holds; None where it cannot be read, for whatever reason, or nobody waits for it any longer."""
    try:
        return files.read(path, lambda disk: open_file(disk, path))
    except DocumentError:
        return None
