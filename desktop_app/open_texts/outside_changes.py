"""The file's text against the page's: what another program wrote, and unsaved text that came back.

    the tab comes to the front ── look ──> nothing │ question with the difference ──> take │ keep │ save as

Knows: the document's file, the questions. Must not know: tabs, how a text gets onto the page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from desktop_app.dialogs.dialogs import Dialogs
from desktop_app.document.any_file import OpenedFile
from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.document.nextstroke_file import StoredDocument
from desktop_app.document.text_file import FileVersion, changed_outside
from desktop_app.open_texts import difference_questions as differences
from desktop_app.open_texts.file_state import FileState
from desktop_app.open_texts.patient_files import PatientFiles
from desktop_app.open_texts.saving import read_patiently


class Page(Protocol):
    """What is asked of the document whose file is looked at."""

    @property
    def is_modified(self) -> bool:
        """Whether the page holds what its file does not."""

    @property
    def branch(self) -> int:
        """The branch on the page."""

    def text(self) -> str:
        """The text on the page."""

    def holds_all_of(self, stored: StoredDocument) -> bool:
        """Whether the page's document is that one, not its text alone."""

    def tell_removed(self) -> None:
        """The file is gone."""

    def tell_unreadable(self) -> None:
        """The file changed, and cannot be read."""

    def agree(self, file: OpenedFile) -> None:
        """The page holds what the file holds."""

    def take_file(self, file: OpenedFile) -> None:
        """The page's text becomes what its file holds."""

    def save_as(self) -> bool:
        """Save under another name."""


class OutsideChanges:
    """`is_writing`: whether the file changes by our own hand just now. `settled` is called when text that came back was
    decided about.
    """

    def __init__(
        self,
        page: Page,
        file: FileState,
        files: PatientFiles,
        dialogs: Dialogs,
        is_writing: Callable[[], bool],
        settled: Callable[[], None],
    ) -> None:
        self._page, self._file, self._files, self._dialogs = page, file, files, dialogs
        self._is_writing, self._settled = is_writing, settled

    def look(self) -> None:
        """Ask once about text that came back, and about another program's."""
        path, version = self._file.path, self._file.version
        if path is None or version is None or self._file.asked_about == version or self._is_busy():
            return
        if self._file.is_recovered:
            self._ask_about_recovered(path)
            return
        self._files.glance(
            path,
            lambda disk: (_is_changed(disk, path, version), disk.exists(path)),
            lambda found: self._on_looked(path, version, *found),
        )

    def _on_looked(self, path: Path, version: FileVersion, is_changed: bool, is_there: bool) -> None:
        now = self._file
        if not is_changed or (path, version) != (now.path, now.version) or now.asked_about == version:
            return
        if self._is_busy():
            return  # begun after the look: the next one will see
        now.know_of_change()
        if is_there:
            self._ask_about_change(path)
        else:
            self._page.tell_removed()

    def _is_busy(self) -> bool:
        return self._files.is_busy or self._is_writing()

    def _ask_about_change(self, path: Path) -> None:
        found = self._in_file(path)
        if path != self._file.path:
            return
        if found is None:
            self._page.tell_unreadable()
            return
        text = self._page.text()
        if found.text == text and (found.stored is None or self._page.holds_all_of(found.stored)):
            self._page.agree(found)
            return
        self._follow(differences.ask_about_change(self._dialogs, text, found, self._page.is_modified), found)

    def _ask_about_recovered(self, path: Path) -> None:
        """Until it is answered, nothing goes into the file by itself."""
        found, text = self._in_file(path), self._page.text()
        if path != self._file.path or not self._file.is_recovered:
            return
        if found is not None and found.text != text:
            self._file.know_of_change()  # of what is shown now
            self._follow(differences.ask_about_recovered(self._dialogs, text, found), found)
        self._file.is_recovered = False
        self._settled()

    def _in_file(self, path: Path) -> OpenedFile | None:
        """What the file holds now, of a document the branch that is on the page."""
        found, branch = read_patiently(self._files, path), self._page.branch
        if found is None or found.stored is None or branch not in found.stored.document.tree.branches:
            return found
        found.stored.document.switch(branch)
        return replace(found, text=found.stored.document.text())

    def _follow(self, answer: str, found: OpenedFile) -> None:
        if answer == differences.TAKE:
            self._page.take_file(found)
        elif answer == differences.SAVE_AS:
            self._page.save_as()


def _is_changed(disk: Disk, path: Path, version: FileVersion) -> bool:
    try:
        return changed_outside(disk, path, version)
    except DocumentError:  # a folder is there now, or nobody may read it
        return True
