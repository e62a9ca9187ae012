"""Opening a file in a tab: which file, whether it is open already, what is left of a damaged one.

    path → open in a tab? it comes to the front : open in another window? a copy : read → a tab

Knows: tabs, files by their opener, the questions. Must not know: menus, bars.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject

from desktop_app.dialogs.dialogs import Dialogs
from desktop_app.document.any_file import demand_lines, open_file, readable_text
from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.document.file_claims import FileClaim, FileClaims, FileHeld, identities
from desktop_app.document.shown_name import shown_name
from desktop_app.document.versions import EarlierText
from desktop_app.open_texts import document_questions as questions
from desktop_app.open_texts.patient_files import PatientFiles
from desktop_app.open_texts.reading_parts import offer_to_read
from desktop_app.open_texts.tabs import Tabs
from desktop_app.services.error_words import words_for


class Opening(QObject):
    """`open` is the way in for every file that is named, chosen or dropped."""

    def __init__(
        self, tabs: Tabs, disk: Disk, claims: FileClaims, dialogs: Dialogs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._tabs, self._claims, self._dialogs = tabs, claims, dialogs
        self._files = PatientFiles(disk, dialogs)

    def open(self, path: str = "", folder: str = "") -> bool:
        """Open a file, asking for one (from `folder` on) where none is named; whether its text is in front."""
        chosen = path or self._dialogs.path_to_open(self.tr("Open"), folder, questions.kinds_to_open())
        if not chosen:
            return False
        named = Path(chosen)
        keys = self._files.read(named, lambda _disk: identities(named))
        if keys is None:
            return False
        found = next((tab for tab in self._tabs.all if tab.document.holds(keys)), None)
        if found is not None:
            self._tabs.bring_to_front(found)
            return True
        return self._open(named, keys)

    def _open(self, path: Path, keys: Sequence[str]) -> bool:
        claim: FileClaim | None = None
        try:
            claim = self._claims.claim(path, keys)
        except FileHeld:
            if questions.ask_to_open_copy(self._dialogs, shown_name(path.name)) != questions.OPEN_COPY:
                return False
        try:
            opened = self._files.read(path, lambda disk: open_file(disk, path))
        except DocumentError as error:
            if claim is not None:
                claim.release()
            return self._offer_what_is_left(path, error)
        if opened is None:
            if claim is not None:
                claim.release()
            return False
        tab = self._tabs.for_file()
        if claim is not None:
            tab.document.show_file(opened, claim)
        else:
            tab.document.show_copy(opened)
        tab.view.setFocus()
        return True

    def _offer_what_is_left(self, path: Path, error: DocumentError) -> bool:
        """Say that a file cannot be opened; of a damaged document, offer the newest text that can still be read."""
        if offer_to_read(self._files, self._dialogs, path, error):
            return False
        is_damaged = error.kind == "document_damaged"
        said = words_for(error)
        try:
            left = self._files.read(path, lambda disk: _what_is_left(disk, path)) if is_damaged else None
        except DocumentError as too_long:
            left, said = None, f"{said} {words_for(too_long)}"
        if left is None:
            self._dialogs.tell(questions.cannot_be_opened(), said)
            return False
        if questions.ask_for_what_is_left(self._dialogs, error, left) != questions.OPEN_TEXT:
            return False
        self._tabs.new(left.text, is_unsaved=True)
        return True


def _what_is_left(disk: Disk, path: Path) -> EarlierText | None:
    """The newest text of a damaged document. Raises `TextFileError` where a page would not show it in time."""
    left = readable_text(disk, path)
    if left is not None:
        demand_lines(left.text, path.name)
    return left
