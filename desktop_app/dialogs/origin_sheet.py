"""Where a passage came from: one sentence, the passage's beginning, and what its record says.

Knows: how to show it. Must not know: what an origin is.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

_WIDTH = 440


@dataclass(frozen=True)
class OriginAccount:
    """What is shown. `quote`: the beginning of the passage; `rows`: (what, how it was)."""

    title: str
    sentence: str
    quote: str
    rows: tuple[tuple[str, str], ...]
    close: str


class OriginSheet(QDialog):
    """Shows an account. Its words can be selected and copied."""

    def __init__(self, account: OriginAccount, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(account.title)
        self.setModal(True)
        self.setAccessibleDescription(account.sentence)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(26, 22, 26, 20)
        whole.setSpacing(14)
        heading = self._label(account.sentence)
        heading.setObjectName("dialogTitle")
        whole.addWidget(heading)
        if account.quote:
            quote = self._label(account.quote)
            quote.setProperty("soft", True)
            whole.addWidget(quote)
        if account.rows:
            whole.addLayout(self._table(account.rows))
        done = QPushButton(account.close, self)
        done.setShortcut(QKeySequence(Qt.Key.Key_Escape))
        done.setDefault(True)
        done.clicked.connect(self.accept)
        whole.addSpacing(6)
        whole.addWidget(done, 0, Qt.AlignmentFlag.AlignRight)
        done.setFocus()

    def _table(self, rows: tuple[tuple[str, str], ...]) -> QGridLayout:
        table = QGridLayout()
        table.setHorizontalSpacing(22)
        table.setVerticalSpacing(7)
        table.setColumnStretch(1, 1)
        for number, (what, how) in enumerate(rows):
            name = QLabel(what, self)
            name.setProperty("soft", True)
            table.addWidget(name, number, 0, Qt.AlignmentFlag.AlignTop)
            value = self._label(how)
            value.setMinimumWidth(0)
            value.setAccessibleName(f"{what}: {how}")
            table.addWidget(value, number, 1)
        return table

    def _label(self, words: str) -> QLabel:
        label = QLabel(words, self)
        label.setWordWrap(True)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setMinimumWidth(_WIDTH)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return label
