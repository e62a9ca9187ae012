"""The find bar: search in the page, next and previous, replace one or all in one undo step.

Knows: the view and its text. Must not know: menus.
"""

from __future__ import annotations

import re

from PySide6.QtCore import QEvent, QRegularExpression, QSize, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QTextCursor, QTextDocument
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QToolButton, QWidget

from desktop_app.editor.text_units import for_qt, units_of_text
from desktop_app.editor.view import EditorView
from desktop_app.look.theme import Theme

MARKED_AT_MOST = 2000  # beyond, marking every place costs more than it shows


class FindBar(QWidget):
    """Shown above the page by `open`, hidden by Esc."""

    def __init__(self, view: EditorView, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("findBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._view, self._theme = view, theme
        self._wanted, self._instead = QLineEdit(self), QLineEdit(self)
        self._count = QLabel(self)
        self._count.setProperty("soft", True)
        self._previous, self._next, self._close = (QToolButton(self) for _ in range(3))
        self._one, self._all = QPushButton(self), QPushButton(self)
        self._lay_out()
        self._wanted.textChanged.connect(self._search_from_start)
        self._wanted.returnPressed.connect(self.find_next)
        self._instead.returnPressed.connect(self.replace_one)
        self._next.clicked.connect(self.find_next)
        self._previous.clicked.connect(self.find_previous)
        self._close.clicked.connect(self.close_bar)
        self._one.clicked.connect(self.replace_one)
        self._all.clicked.connect(self.replace_all)
        self._mark_later = QTimer(self)  # a search through a long text must not wait on every key
        self._mark_later.setSingleShot(True)
        self._mark_later.setInterval(200)
        self._mark_later.timeout.connect(self._mark)
        view.document().contentsChanged.connect(self._text_changed)
        theme.changed.connect(self._renew_icons)
        self._renew_icons()
        self.retranslate_ui()
        self.hide()

    def set_view(self, view: EditorView) -> None:
        """Search in another page from now on; what was found in the one before is not marked any more."""
        if view is self._view:
            return
        self._view.set_found([])
        self._view.document().contentsChanged.disconnect(self._text_changed)
        self._view = view
        view.document().contentsChanged.connect(self._text_changed)
        self._mark()

    def open(self, with_replace: bool) -> None:
        """Show the bar with the selected words in it."""
        selected = self._view.textCursor().selectedText()
        if selected and "\u2029" not in selected:
            self._wanted.setText(for_qt(selected))
        for widget in (self._instead, self._one, self._all):
            widget.setVisible(with_replace)
        self.show()
        self._wanted.setFocus()
        self._wanted.selectAll()
        self._mark()

    def close_bar(self) -> None:
        """Hide, and go back to the page."""
        self.hide()
        self._view.set_found([])
        self._view.setFocus()

    def find_next(self) -> None:
        """Select the next place, from the start again after the end."""
        self._find(QTextDocument.FindFlag(0))

    def find_previous(self) -> None:
        """Select the previous place."""
        self._find(QTextDocument.FindFlag.FindBackward)

    def replace_one(self) -> None:
        """Replace the selected place and go on to the next."""
        cursor = self._view.textCursor()
        wanted = self._wanted.text()
        if wanted and cursor.selectedText().casefold() == wanted.casefold():
            self._view.edits.replace_found([(cursor.selectionStart(), cursor.selectionEnd())], self._instead.text())
        self.find_next()

    def replace_all(self) -> None:
        """Replace every place, in one undo step."""
        places = self._places()
        if not places:
            return
        self._view.edits.replace_found(places, self._instead.text())
        self._count.setText(self.tr("{count} replaced").format(count=len(places)))

    def _find(self, flags: QTextDocument.FindFlag) -> None:
        wanted = self._wanted.text()
        if not wanted:
            if not self.isVisible():
                self.open(with_replace=False)
            return
        document = self._view.document()
        found = document.find(_pattern(wanted), self._view.textCursor(), flags)
        if found.isNull():
            edge = QTextCursor(document)
            if flags:
                edge.movePosition(QTextCursor.MoveOperation.End)
            found = document.find(_pattern(wanted), edge, flags)
        if not found.isNull():
            self._view.setTextCursor(found)
        self._mark()

    def _search_from_start(self) -> None:
        cursor = self._view.textCursor()
        cursor.setPosition(cursor.selectionStart())
        wanted = self._wanted.text()
        if wanted:
            found = self._view.document().find(_pattern(wanted), cursor)
            if found.isNull():
                found = self._view.document().find(_pattern(wanted), 0)
            if not found.isNull():
                self._view.setTextCursor(found)
        self._mark()

    def _text_changed(self) -> None:
        if self.isVisible():
            self._mark_later.start()

    def _mark(self) -> None:
        if not self.isVisible():
            return
        places = self._places()
        self._view.set_found(places[:MARKED_AT_MOST])
        wanted = self._wanted.text()
        self._count.setText("" if not wanted else self._words(len(places)))

    def _words(self, count: int) -> str:
        if count == 0:
            return self.tr("not found")
        return self.tr("1 place") if count == 1 else self.tr("{count} places").format(count=count)

    def _places(self) -> list[tuple[int, int]]:
        wanted = self._wanted.text()
        return places_of(self._view.text(), wanted) if wanted else []

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.close_bar()
            return
        super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate_ui()
        super().changeEvent(event)

    def retranslate_ui(self) -> None:
        """Take the words of the present language."""
        self._wanted.setPlaceholderText(self.tr("Find"))
        self._wanted.setAccessibleName(self.tr("Find"))
        self._instead.setPlaceholderText(self.tr("Replace with"))
        self._instead.setAccessibleName(self.tr("Replace with"))
        self._one.setText(self.tr("Replace"))
        self._all.setText(self.tr("Replace All"))
        for button, words in (
            (self._previous, self.tr("Previous place")),
            (self._next, self.tr("Next place")),
            (self._close, self.tr("Close the find bar")),
        ):
            button.setToolTip(words)
            button.setAccessibleName(words)
        self._mark()

    def _renew_icons(self) -> None:
        for button, icon in ((self._previous, "up"), (self._next, "down"), (self._close, "close")):
            button.setIcon(self._theme.icon(icon))

    def _lay_out(self) -> None:
        for button in (self._previous, self._next, self._close):
            button.setProperty("quiet", True)
            button.setIconSize(QSize(16, 16))
        self._wanted.setMaximumWidth(380)
        self._instead.setMaximumWidth(380)
        first, second = QHBoxLayout(), QHBoxLayout()
        first.addWidget(self._previous)
        first.addWidget(self._next)
        first.addWidget(self._count)
        first.addStretch(1)
        first.addWidget(self._close)
        for widget in (self._one, self._all):
            second.addWidget(widget)
        second.addStretch(1)
        grid = QGridLayout(self)
        grid.setContentsMargins(16, 7, 10, 7)
        grid.addWidget(self._wanted, 0, 0)
        grid.addLayout(first, 0, 1)
        grid.addWidget(self._instead, 1, 0)
        grid.addLayout(second, 1, 1)
        grid.setColumnStretch(0, 2)
        grid.setColumnStretch(1, 3)


def places_of(text: str, wanted: str) -> list[tuple[int, int]]:
    """Where the words stand, as (start, end) in the document's UTF-16 positions; capitals do not matter.

    A document's own search costs fifty times as much a place, which is felt in a long text.
    """
    places, last, units = [], 0, 0
    for found in re.finditer(re.escape(wanted), text, re.IGNORECASE):
        units += units_of_text(text[last : found.start()])
        places.append((units, units + units_of_text(found.group())))
        last, units = found.end(), places[-1][1]
    return places


def _pattern(wanted: str) -> QRegularExpression:
    """The words as they are, capitals or not."""
    return QRegularExpression(
        QRegularExpression.escape(wanted),
        QRegularExpression.PatternOption.CaseInsensitiveOption
        | QRegularExpression.PatternOption.UseUnicodePropertiesOption,
    )
