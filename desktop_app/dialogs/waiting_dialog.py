"""A small quiet dialog while a disk or a network is waited for: what, and a button that gives up.

After some seconds a second line says what may be the matter. Knows: how to show it. Must not know: what is done.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from desktop_app.services.patience import Waiting

SLOW_MS = 4_000
_TEXT_WIDTH = 400


class WaitingDialog(QDialog):
    """Closes by itself when the work has ended; rejected where the person gives up."""

    def __init__(self, waiting: Waiting, cancel: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModal(True)
        self.setWindowTitle(waiting.words.line)
        self._line, self.slow_line = QLabel(waiting.words.line, self), QLabel(waiting.words.slow_line, self)
        for label in (self._line, self.slow_line):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setMinimumWidth(_TEXT_WIDTH)
            label.setMaximumWidth(_TEXT_WIDTH)
        self.slow_line.setVisible(False)
        self.button = QPushButton(cancel, self)
        self.button.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(self.button)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(24, 20, 24, 18)
        whole.setSpacing(14)
        whole.addWidget(self._line)
        whole.addWidget(self.slow_line)
        whole.addLayout(row)
        waiting.ended.connect(self.accept)
        QTimer.singleShot(SLOW_MS, self, self._say_what_is_waited_for)

    def _say_what_is_waited_for(self) -> None:
        self.slow_line.setVisible(True)
        self.setAccessibleDescription(self.slow_line.text())
