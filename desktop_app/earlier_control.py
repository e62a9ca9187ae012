"""File → Earlier Texts…: what was saved of a document before, to be opened as a text of its own.

Knows: the open document, the questions. Must not know: menus, files.
"""

from __future__ import annotations

from PySide6.QtCore import QDateTime, QObject

from desktop_app.dialogs.dialogs import Dialogs
from desktop_app.document.versions import EarlierText
from desktop_app.editor.view import EditorView
from desktop_app.open_document import OpenDocument

_BEGINNING = 24  # characters of a text by which a person knows it


class EarlierControl(QObject):
    """The document on the page stays as it is; the earlier text comes onto a new page, as every new text does."""

    def __init__(
        self, view: EditorView, document: OpenDocument, dialogs: Dialogs, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._view, self._document, self._dialogs = view, document, dialogs

    def show(self) -> None:
        """Ask which one, and open it."""
        title = self.tr("Earlier Texts")
        texts = self._document.earlier_texts
        if not texts:
            words = self.tr(
                "Saved as a .nextstroke document, a text keeps what was saved of it before. This one has none."
            )
            self._dialogs.tell(title, words)
            return
        chosen = self._dialogs.earlier_text(title, [self._row(text) for text in texts])
        if chosen is not None and self._document.new(texts[chosen].text):
            self._view.document().setModified(True)  # it has no file of its own yet

    def _row(self, text: EarlierText) -> str:
        moment = QDateTime.fromSecsSinceEpoch(int(text.saved)).toString("yyyy-MM-dd HH:mm")
        size = self.tr("{count} characters").format(count=f"{len(text.text):,}")
        beginning = " ".join(text.text[: 4 * _BEGINNING].split())[:_BEGINNING]
        return "   ".join(part for part in (moment, size, beginning) if part)
