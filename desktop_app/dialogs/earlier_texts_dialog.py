"""Earlier texts of a document, the newest first: each compared with the text now or with what followed it.

    2026-05-04 10:31     │ Compare with: [the text now]
    2026-05-03 21:07     │ the difference
                            [Close] [Open as a New Text] [Restore This Text]

Knows: how to show a list and a difference. Must not know: where texts come from, what follows from the choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from desktop_app.dialogs.difference_pane import Comparison, DifferencePane, fitting_size
from desktop_app.look.theme import Theme

_WIDTH, _HEIGHT, _LIST_WIDTH = 980, 640, 260
RESTORE, OPEN_AS_NEW = "restore", "open_as_new"

translate = QCoreApplication.translate


@dataclass(frozen=True)
class EarlierTexts:
    """What is shown: a row and a text of each, the newest first (there is at least one), and the text now."""

    title: str
    rows: Sequence[str]
    texts: Sequence[str]
    now: str


class EarlierTextsDialog(QDialog):
    """`chosen` is what to do with which one, once the dialog is accepted."""

    def __init__(self, earlier: EarlierTexts, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._earlier = earlier
        self._action = ""
        self.setWindowTitle(earlier.title)
        self.setModal(True)
        self.resize(fitting_size(parent, _WIDTH, _HEIGHT))
        heading = QLabel(earlier.title, self)
        heading.setObjectName("dialogTitle")
        self.rows = QListWidget(self)
        self.rows.setAccessibleName(earlier.title)
        self.rows.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.rows.setMinimumWidth(_LIST_WIDTH)
        self.rows.setSpacing(2)
        self.rows.addItems(list(earlier.rows))
        self.with_what = QComboBox(self)
        self.with_what.addItem(translate("EarlierTextsDialog", "the text now"))
        self.with_what.addItem(translate("EarlierTextsDialog", "the text that followed it"))
        self.pane = DifferencePane(theme, self)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(24, 22, 24, 20)
        whole.setSpacing(14)
        whole.addWidget(heading)
        whole.addWidget(self._middle(), 1)
        whole.addLayout(self._buttons())
        self.rows.setCurrentRow(0)
        self.rows.currentRowChanged.connect(self._compare)
        self.with_what.currentIndexChanged.connect(self._compare)
        self.rows.setFocus()
        self._compare()

    @property
    def chosen(self) -> tuple[str, int]:
        """RESTORE or OPEN_AS_NEW, and the number of the row that is marked."""
        return self._action, self.rows.currentRow()

    def done(self, result: int) -> None:
        """The dialog ends, and with it the comparing."""
        self.pane.close_work()
        super().done(result)

    def _middle(self) -> QSplitter:
        words = translate("EarlierTextsDialog", "&Compare with")
        label = QLabel(words, self)
        label.setBuddy(self.with_what)
        self.with_what.setAccessibleName(words.replace("&", ""))
        line = QHBoxLayout()
        line.addWidget(label)
        line.addWidget(self.with_what)
        line.addStretch(1)
        right = QWidget(self)
        column = QVBoxLayout(right)
        column.setContentsMargins(14, 0, 0, 0)
        column.setSpacing(10)
        column.addLayout(line)
        column.addWidget(self.pane, 1)
        middle = QSplitter(Qt.Orientation.Horizontal, self)
        middle.setHandleWidth(1)
        middle.setChildrenCollapsible(False)
        middle.addWidget(self.rows)
        middle.addWidget(right)
        middle.setStretchFactor(1, 1)
        return middle

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addStretch(1)
        close = QPushButton(translate("EarlierTextsDialog", "Close"), self)
        close.clicked.connect(self.reject)
        self.open_button = QPushButton(translate("EarlierTextsDialog", "&Open as a New Text"), self)
        self.open_button.clicked.connect(lambda: self._choose(OPEN_AS_NEW))
        self.restore_button = QPushButton(translate("EarlierTextsDialog", "&Restore This Text"), self)
        self.restore_button.clicked.connect(lambda: self._choose(RESTORE))
        self.restore_button.setProperty("primary", True)
        self.restore_button.setDefault(True)
        for button in (close, self.open_button, self.restore_button):
            row.addWidget(button)
        return row

    def _choose(self, action: str) -> None:
        self._action = action
        self.accept()

    def _compare(self) -> None:
        number, earlier = self.rows.currentRow(), self._earlier
        is_with_now = self.with_what.currentIndex() == 0 or number == 0
        later = earlier.now if is_with_now else earlier.texts[number - 1]
        self.restore_button.setEnabled(earlier.texts[number] != earlier.now)
        self.pane.compare(
            Comparison(
                earlier.texts[number],
                later,
                translate("EarlierTextsDialog", "only in this earlier text"),
                translate("EarlierTextsDialog", "only in the text now")
                if is_with_now
                else translate("EarlierTextsDialog", "only in the text that followed"),
            )
        )
