"""Opening a file in a tab: which file, whether it is open already, what is left of a damaged one.

    path → open here already? its tab comes to the front : read → a tab

Knows: tabs, files by their opener, the questions. Must not know: menus, bars.
"""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QObject

from desktop_app import document_questions as questions
from desktop_app.dialogs.dialogs import Dialogs
from desktop_app.document.any_file import open_file, readable_text
from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.services.error_words import words_for
from desktop_app.tab import Tab
from desktop_app.tabs import Tabs


class Opening(QObject):
    """`open` is the way in for every file that is named, chosen or dropped."""

    def __init__(self, tabs: Tabs, disk: Disk, dialogs: Dialogs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tabs, self._disk, self._dialogs = tabs, disk, dialogs

    def open(self, path: str = "", folder: str = "") -> bool:
        """Open a file, asking for one (from `folder` on) where none is named; whether its text is in front."""
        chosen = path or self._dialogs.path_to_open(self.tr("Open"), folder, questions.kinds_to_open())
        if not chosen:
            return False
        found = self.tab_of(Path(chosen))
        if found is not None:
            self._tabs.bring_to_front(found)
            return True
        try:
            opened = open_file(self._disk, Path(chosen))
        except DocumentError as error:
            return self._offer_what_is_left(Path(chosen), error)
        self._tabs.for_file().document.show_file(opened)
        self._tabs.current.view.setFocus()
        return True

    def tab_of(self, path: Path) -> Tab | None:
        """The tab that has this file open, whatever it was called when it was opened there."""
        return next((tab for tab in self._tabs.all if _is_same(tab.document.path, path)), None)

    def _offer_what_is_left(self, path: Path, error: DocumentError) -> bool:
        """Say that a file cannot be opened; of a damaged document, offer the newest text that can still be read."""
        left = readable_text(self._disk, path) if error.kind == "document_damaged" else None
        if left is None:
            self._dialogs.tell(questions.cannot_be_opened(), words_for(error))
            return False
        if questions.ask_for_what_is_left(self._dialogs, error, left) != questions.OPEN_TEXT:
            return False
        self._tabs.new(left.text, is_unsaved=True)
        return True


def _is_same(known: Path | None, path: Path) -> bool:
    if known is None:
        return False
    try:
        return os.path.samefile(known, path)
    except (OSError, ValueError):  # one of them is not there
        return os.path.realpath(known) == os.path.realpath(path)
