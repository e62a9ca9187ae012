"""A text that is read and not written, a part at a time: too large for the page, or in an encoding that it cannot keep.

   Part 3 of 970 · read-only · UTF-8                          ‹ Back   [ 3 ]   Next ›
    ┌──────────────────────────────────────────────────────────────────────────────┐

Knows: parts by the function that gives them. Must not know: files, encodings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from desktop_app.document.text_parts import TextPart
from desktop_app.editor.text_units import for_qt

PartOf = Callable[[int], TextPart | None]
# Laying out a line without a space takes the square of its length: a million letters would be four minutes.
LONGEST_LINE = 2_000


class PartsDialog(QDialog):
    """`part_of` gives a part by its number, or None where the disk does not (and the person knows)."""

    def __init__(self, title: str, notice: str, count: int, part_of: PartOf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._notice, self._part_of = notice, part_of
        self.setWindowTitle(title)
        self.setModal(True)
        self.resize(860, 640)
        self.line = QLabel(self)
        self.line.setTextFormat(Qt.TextFormat.PlainText)
        self.line.setWordWrap(True)
        self.page = QPlainTextEdit(self)
        self.page.setReadOnly(True)
        self.page.setUndoRedoEnabled(False)
        self.number = QSpinBox(self)
        self.number.setRange(1, count)
        self.number.setKeyboardTracking(False)  # a number is looked up when it is whole
        self.back, self.next, self._close = QPushButton(self), QPushButton(self), QPushButton(self)
        self.back.clicked.connect(lambda: self.number.setValue(self.number.value() - 1))
        self.next.clicked.connect(lambda: self.number.setValue(self.number.value() + 1))
        self.number.valueChanged.connect(self._show)
        self._close.clicked.connect(self.accept)
        for button in (self.back, self.next, self._close):
            button.setAutoDefault(False)
        self._lay_out()
        self._retranslate()
        self._show(1)
        self.page.setFocus()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._retranslate()
        super().changeEvent(event)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.line, 1)
        for widget in (self.back, self.number, self.next):
            row.addWidget(widget)
        end = QHBoxLayout()
        end.addStretch(1)
        end.addWidget(self._close)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(20, 18, 20, 16)
        whole.setSpacing(12)
        whole.addLayout(row)
        whole.addWidget(self.page, 1)
        whole.addLayout(end)

    def _retranslate(self) -> None:
        self.back.setText(self.tr("Back"))
        self.next.setText(self.tr("Next"))
        self._close.setText(self.tr("Close"))
        self.number.setAccessibleName(self.tr("Part"))
        self.page.setAccessibleName(self.tr("Text, read-only"))

    def _show(self, number: int) -> None:
        part = self._part_of(number - 1)
        self.back.setEnabled(number > 1)
        self.next.setEnabled(number < self.number.maximum())
        if part is None:
            return
        text, is_cut = shown(part.text)
        place = self.tr("Part {number} of {count}.").format(number=f"{number:,}", count=f"{part.count:,}")
        said = [place, self._notice]
        if not part.is_exact:
            said.append(self.tr("What is no character is shown as “\ufffd”."))
        if is_cut:
            said.append(self.tr("Very long lines are broken."))
        self.line.setText(" ".join(said))
        self.page.setPlainText(for_qt(text))


def shown(text: str) -> tuple[str, bool]:
    """The text with its very long lines broken, and whether one was."""
    lines = list(_short_lines(text))
    broken = "\n".join(lines)
    return broken, len(broken) != len(text)


def _short_lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        yield from (line[at : at + LONGEST_LINE] for at in range(0, max(1, len(line)), LONGEST_LINE))
