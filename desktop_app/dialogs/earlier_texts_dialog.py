"""Earlier texts of a document, the newest first: one can be chosen to be opened.

Knows: how to show a list. Must not know: where texts come from, what follows from the choice.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QListWidget, QPushButton, QVBoxLayout, QWidget

_WIDTH, _HEIGHT = 460, 260

translate = QCoreApplication.translate


class EarlierTextsDialog(QDialog):
    """Shows rows; `chosen` is the number of one once the dialog is accepted. There is at least one row."""

    def __init__(self, title: str, rows: Sequence[str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setModal(True)
        heading = QLabel(title, self)
        heading.setObjectName("dialogTitle")
        self.rows = QListWidget(self)
        self.rows.setAccessibleName(title)
        self.rows.setMinimumSize(_WIDTH, _HEIGHT)
        self.rows.addItems(list(rows))
        self.rows.setCurrentRow(0)
        self.rows.itemActivated.connect(lambda _row: self.accept())
        self.open_button = QPushButton(translate("EarlierTextsDialog", "Open as a New Text"), self)
        self.open_button.setProperty("primary", True)
        self.open_button.setDefault(True)
        self.open_button.clicked.connect(self.accept)
        cancel = QPushButton(translate("EarlierTextsDialog", "Cancel"), self)
        cancel.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.open_button)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(26, 22, 26, 20)
        whole.setSpacing(14)
        whole.addWidget(heading)
        whole.addWidget(self.rows)
        whole.addLayout(buttons)
        self.rows.setFocus()

    @property
    def chosen(self) -> int:
        """The row that is marked."""
        return self.rows.currentRow()
