"""A question whose answer depends on what differs between two texts: the question, the difference, the answers.

Knows: how to show it. Must not know: what follows from an answer.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLabel, QVBoxLayout, QWidget

from desktop_app.dialogs.difference_pane import Comparison, DifferencePane, fitting_size
from desktop_app.dialogs.question import Question, answer_buttons
from desktop_app.look.theme import Theme

_WIDTH, _HEIGHT = 860, 620
_LEAST_WIDTH, _LEAST_HEIGHT = 520, 360


class DifferenceDialog(QDialog):
    """Shows the question; `answer` is the key of the chosen button, the last one where it is closed."""

    def __init__(self, question: Question, comparison: Comparison, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.answer = question.answers[-1].key
        self.setWindowTitle(question.title)
        self.setModal(True)
        self.setAccessibleDescription(question.text)
        self.setMinimumSize(_LEAST_WIDTH, _LEAST_HEIGHT)
        self.resize(fitting_size(parent, _WIDTH, _HEIGHT))
        title, text = QLabel(question.title, self), QLabel(question.text, self)
        title.setObjectName("dialogTitle")
        for label in (title, text):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.pane = DifferencePane(theme, self)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(24, 22, 24, 20)
        whole.setSpacing(12)
        for widget in (title, text):
            whole.addWidget(widget)
        whole.addWidget(self.pane, 1)
        whole.addLayout(answer_buttons(question, self, self._choose))
        self.pane.compare(comparison)

    def done(self, result: int) -> None:
        """The dialog ends, and with it the comparing."""
        self.pane.close_work()
        super().done(result)

    def _choose(self, key: str) -> None:
        self.answer = key
        self.accept()
