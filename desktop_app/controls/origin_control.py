"""Where the text at the caret came from: finds the passage, reads its record, has it shown.

Knows: the tab in front, the dialogs. Must not know: how origins are kept or drawn.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from desktop_app.dialogs.dialogs import Dialogs
from desktop_app.dialogs.origin_sheet import OriginAccount
from desktop_app.document.origins import Origin
from desktop_app.editor.document_link import Piece
from desktop_app.editor.view import EditorView
from desktop_app.open_texts.tabs import Tabs
from desktop_app.panels.origin_words import kind_words, rows_of, sentence_of

_QUOTE_CHARACTERS = 90


class OriginControl(QObject):
    """Answers "where did this come from?". `language`: "en" or "zh", for dates."""

    def __init__(
        self, tabs: Tabs, dialogs: Dialogs, language: Callable[[], str], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._tabs, self._dialogs, self._language = tabs, dialogs, language

    @property
    def _view(self) -> EditorView:
        return self._tabs.current.view

    def show_here(self) -> None:
        """The origin of the selection, or of the passage at the caret."""
        cursor = self._view.textCursor()
        start, end = cursor.selectionStart(), cursor.selectionEnd()
        if start == end:
            start, end = self._passage_at(start)
        pieces = self._view.link.pieces(start, end)
        origins = {piece.origin for piece in pieces}
        if not pieces:
            account = self._account(self.tr("There is no text here yet."), "", ())
        elif len(origins) == 1:
            account = self._account_of(pieces[0].origin, start, end)
        else:
            account = self._account(self.tr("This has several origins."), "", self._shares(pieces))
        self._dialogs.show_origin(account)

    def _passage_at(self, position: int) -> tuple[int, int]:
        """The piece that holds the character before the caret (behind it at the beginning), without a fixed reach."""
        for piece in self._view.link.pieces(0, self._view.link.model.units()):
            if piece.start < position <= piece.end or (position == 0 and piece.start == 0):
                return piece.start, piece.end
        return position, position

    def _account_of(self, origin: Origin, start: int, end: int) -> OriginAccount:
        model = self._view.link.model
        says = model.origins.records.get(origin.record)
        rows = [] if says is None else rows_of(says, self._language())
        words = " ".join(model.text(model.position_at(start), model.position_at(end)).split())
        return self._account(sentence_of(origin.kind, says is not None), _beginning(words), tuple(rows))

    def _shares(self, pieces: list[Piece]) -> tuple[tuple[str, str], ...]:
        """The characters of each origin, in the order of the text."""
        counts: dict[str, int] = {}
        model = self._view.link.model
        for piece in pieces:
            characters = model.position_at(piece.end) - model.position_at(piece.start)
            counts[piece.origin.kind] = counts.get(piece.origin.kind, 0) + characters
        words = self.tr("{count} characters")
        return tuple((kind_words(kind), words.format(count=f"{count:,}")) for kind, count in counts.items())

    def _account(self, sentence: str, quote: str, rows: tuple[tuple[str, str], ...]) -> OriginAccount:
        return OriginAccount(self.tr("Where This Came From"), sentence, quote, rows, self.tr("Close"))


def _beginning(words: str) -> str:
    """What of a passage is quoted: whole words, as far as there are spaces."""
    if len(words) <= _QUOTE_CHARACTERS:
        return words
    cut = words[:_QUOTE_CHARACTERS]
    return (cut.rpartition(" ")[0] or cut) + "…"
