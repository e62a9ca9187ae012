"""One plain question, or one plain message, with answers that are verbs.

Knows: how to show it. Must not know: what follows from an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from desktop_app.look.icons import seal_pixmap

_TEXT_WIDTH = 400
_SEAL = 44


@dataclass(frozen=True)
class Answer:
    """One button: the key it returns, its words, and whether it is the proposed one."""

    key: str
    words: str
    is_default: bool = False


@dataclass(frozen=True)
class Question:
    """What is asked. Esc and closing give the last answer, which must be the harmless one."""

    title: str
    text: str
    answers: tuple[Answer, ...]


def answer_buttons(question: Question, dialog: QDialog, choose: Callable[[str], None]) -> QHBoxLayout:
    """A row of buttons for the answers, the first one at the right; `choose` gets the key."""
    row = QHBoxLayout()
    row.addStretch(1)
    for answer in reversed(question.answers):
        button = QPushButton(answer.words, dialog)
        button.setProperty("primary", answer.is_default)
        button.setDefault(answer.is_default)
        button.setAutoDefault(True)  # Return presses the button that Tab went to
        button.clicked.connect(lambda _checked=False, key=answer.key: choose(key))
        row.addWidget(button)
        if answer.is_default:
            button.setFocus()
    return row


class QuestionDialog(QDialog):
    """Shows a question; `answer` is the key of the chosen button."""

    def __init__(self, question: Question, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.answer = question.answers[-1].key
        self.setWindowTitle(question.title)
        self.setModal(True)
        self.setAccessibleDescription(question.text)
        seal = QLabel(self)
        seal.setPixmap(seal_pixmap(_SEAL, self.devicePixelRatioF()))
        title, text = QLabel(question.title, self), QLabel(question.text, self)
        title.setObjectName("dialogTitle")
        for label in (title, text):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setMinimumWidth(_TEXT_WIDTH)
            label.setMaximumWidth(_TEXT_WIDTH)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        text.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        words = QVBoxLayout()
        words.setSpacing(8)
        words.addWidget(title)
        words.addWidget(text)
        words.addStretch(1)
        top = QHBoxLayout()
        top.setSpacing(18)
        top.addWidget(seal, 0, Qt.AlignmentFlag.AlignTop)
        top.addLayout(words)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(24, 22, 24, 20)
        whole.setSpacing(20)
        whole.addLayout(top)
        whole.addLayout(answer_buttons(question, self, self._choose))

    def _choose(self, key: str) -> None:
        self.answer = key
        self.accept()


class ShortcutSheet(QDialog):
    """All keys in two columns."""

    def __init__(self, title: str, rows: list[tuple[str, str]], close: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(26, 22, 26, 20)
        whole.setSpacing(18)
        heading = QLabel(title, self)
        heading.setObjectName("dialogTitle")
        whole.addWidget(heading)
        columns = QHBoxLayout()
        columns.setSpacing(44)
        half = (len(rows) + 1) // 2
        for part in (rows[:half], rows[half:]):
            columns.addLayout(self._column(part))
        whole.addLayout(columns)
        done = QPushButton(close, self)
        done.setShortcut(QKeySequence(Qt.Key.Key_Escape))
        done.clicked.connect(self.accept)
        whole.addWidget(done, 0, Qt.AlignmentFlag.AlignRight)

    def _column(self, rows: list[tuple[str, str]]) -> QVBoxLayout:
        column = QVBoxLayout()
        column.setSpacing(7)
        for words, keys in rows:
            line = QHBoxLayout()
            line.setSpacing(24)
            name, shown = QLabel(words, self), QLabel(keys, self)
            shown.setProperty("soft", True)
            line.addWidget(name)
            line.addStretch(1)
            line.addWidget(shown)
            column.addLayout(line)
        column.addStretch(1)
        return column
