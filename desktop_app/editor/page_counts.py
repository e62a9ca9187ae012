"""The counts of the page while one types: an edit recounts what it touched; what the model wrote is counted at a pause.

    contentsChange → CountedText (about a millisecond)      250 ms of pause → changed(counts, the model's counts)
    a large change, or one that does not fit → the whole text, on the worker, at that pause

Knows: the view and the counts. Must not know: who shows them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QTextCursor

from desktop_app.editor.view import EditorView
from desktop_app.services.background import Background

if TYPE_CHECKING:  # their tables of characters can wait for the first picture
    from desktop_app.document.counted_text import CountedText
    from desktop_app.document.counting import Counts

PAUSE_MS = 250
_AT_ONCE = 20_000  # a change of more units than this waits for the worker


class PageCounts(QObject):
    """Follows one view. `changed` comes on the window's thread."""

    changed = Signal(object, object)  # Counts of the whole, Counts of what the model wrote

    def __init__(self, view: EditorView, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._view, self._background = view, background
        self.latest: tuple[Counts, Counts] | None = None  # what was told last
        self._counted: CountedText | None = None  # None: the whole text waits to be counted
        self._revision = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self._tell)
        view.document().contentsChange.connect(self._on_change)

    def ask(self) -> None:
        """Tell what is not told yet, as after every change."""
        if self.latest is None:
            self._timer.start()

    def stop(self) -> None:
        """Tell nothing any more: the page goes. An answer that is on its way finds another revision."""
        self._timer.stop()
        self._revision += 1

    def _on_change(self, position: int, removed: int, added: int) -> None:
        self._revision += 1
        self._timer.start()
        if self._counted is None:
            return
        if max(removed, added) > _AT_ONCE:
            self._counted = None
            return
        try:
            self._counted.change(position, removed, added, self._part)
        except ValueError:
            self._counted = None
        # Qt counts the end of the last paragraph in some changes; the length tells whether it all still fits.
        if self._counted is not None and self._counted.length != self._view.document().characterCount() - 1:
            self._counted = None

    def _part(self, start: int, end: int) -> str:
        last = self._view.document().characterCount() - 1
        if end > last:
            raise ValueError("the change reaches over the end of the text")
        cursor = QTextCursor(self._view.document())
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        return cursor.selectedText().replace("\u2029", "\n")

    def _tell(self) -> None:
        revision, spans, counted = self._revision, self._view.generated_spans(), self._counted
        text = self._view.text() if spans or counted is None else ""

        def work() -> tuple[CountedText | None, Counts]:
            return _counted_anew(text) if counted is None else None, _counts_of_spans(text, spans)

        self._background.run(work, lambda found: self._take(revision, *found), lambda _error: None)

    def _take(self, revision: int, anew: CountedText | None, model: Counts) -> None:
        if revision != self._revision:
            return  # the pause after the later change tells
        if anew is not None:
            self._counted = anew
        if self._counted is not None:
            self.latest = self._counted.counts, model
            self.changed.emit(*self.latest)


def _counted_anew(text: str) -> CountedText:
    from desktop_app.document.counted_text import CountedText, utf16_length

    counted = CountedText(utf16_length)
    counted.set_text(text)
    return counted


def _counts_of_spans(text: str, spans: tuple[tuple[int, int], ...]) -> Counts:
    from desktop_app.document.counting import Counts, count_text

    units = text.encode("utf-16-le", "surrogatepass")
    parts = (units[2 * start : 2 * end].decode("utf-16-le", "surrogatepass") for start, end in spans)
    return sum((count_text(part) for part in parts), Counts())
