"""File → Earlier Texts…: what was saved of a document before, compared, restored or opened as a text of its own.

Knows: the tabs, the questions. Must not know: menus, files.
"""

from __future__ import annotations

from PySide6.QtCore import QObject

from desktop_app.dialogs.dialogs import Dialogs
from desktop_app.dialogs.earlier_texts_dialog import OPEN_AS_NEW, EarlierTexts
from desktop_app.document.versions import EarlierText
from desktop_app.open_texts.document_questions import moment_of
from desktop_app.open_texts.tabs import Tabs

_BEGINNING = 24  # characters of a text by which a person knows it


class EarlierControl(QObject):
    """An earlier text comes back as one step of the document, or into a tab of its own."""

    def __init__(self, tabs: Tabs, dialogs: Dialogs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tabs, self._dialogs = tabs, dialogs

    def show(self) -> None:
        """Ask which one, and what to do with it."""
        title = self.tr("Earlier Texts")
        texts = self._tabs.current.document.earlier_texts
        if not texts:
            words = self.tr(
                "Saved as a .nextstroke document, a text keeps what was saved of it before. This one has none."
            )
            self._dialogs.tell(title, words)
            return
        tab = self._tabs.current
        rows = [self._row(text) for text in texts]
        chosen = self._dialogs.earlier_text(EarlierTexts(title, rows, [text.text for text in texts], tab.view.text()))
        if chosen is None:
            return
        action, number = chosen
        if action == OPEN_AS_NEW:
            self._tabs.new(texts[number].text, is_unsaved=True)
            return
        tab.document.become(texts[number].text)
        words = self.tr("The text of {moment} is back; Undo brings back what was here before.")
        tab.document.told.emit(words.format(moment=moment_of(texts[number])))

    def _row(self, text: EarlierText) -> str:
        """Two lines: when and how much, how it begins."""
        size = self.tr("{count} characters").format(count=f"{len(text.text):,}")
        beginning = " ".join(text.text[: 4 * _BEGINNING].split())[:_BEGINNING]
        return f"{moment_of(text)}   {size}\n{beginning}".rstrip()
