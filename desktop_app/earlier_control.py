"""File → Earlier Texts…: what was saved of a document before, to be opened as a text of its own.

Knows: the tabs, the questions. Must not know: menus, files.
"""

from __future__ import annotations

from PySide6.QtCore import QDateTime, QObject

from desktop_app.dialogs.dialogs import Dialogs
from desktop_app.document.versions import EarlierText
from desktop_app.tabs import Tabs

_BEGINNING = 24  # characters of a text by which a person knows it


class EarlierControl(QObject):
    """The document on the page stays as it is; the earlier text comes into a tab of its own."""

    def __init__(self, tabs: Tabs, dialogs: Dialogs, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tabs, self._dialogs = tabs, dialogs

    def show(self) -> None:
        """Ask which one, and open it."""
        title = self.tr("Earlier Texts")
        texts = self._tabs.current.document.earlier_texts
        if not texts:
            words = self.tr(
                "Saved as a .nextstroke document, a text keeps what was saved of it before. This one has none."
            )
            self._dialogs.tell(title, words)
            return
        chosen = self._dialogs.earlier_text(title, [self._row(text) for text in texts])
        if chosen is not None:
            self._tabs.new(texts[chosen].text, is_unsaved=True)

    def _row(self, text: EarlierText) -> str:
        moment = QDateTime.fromSecsSinceEpoch(int(text.saved)).toString("yyyy-MM-dd HH:mm")
        size = self.tr("{count} characters").format(count=f"{len(text.text):,}")
        beginning = " ".join(text.text[: 4 * _BEGINNING].split())[:_BEGINNING]
        return "   ".join(part for part in (moment, size, beginning) if part)
