"""What an export asks before it asks for a name: format, book, origin.

Knows: widgets. Must not know: what a format is beyond its name and suffix.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

translate = QCoreApplication.translate


def QT_TRANSLATE_NOOP(_context: str, text: str) -> str:
    """The text itself; lupdate looks for this name."""
    return text


# Suffix and words, in the order in which they are offered.
FORMATS: tuple[tuple[str, str], ...] = (
    (".docx", QT_TRANSLATE_NOOP("ExportDialog", "Word document (.docx)")),
    (".pdf", QT_TRANSLATE_NOOP("ExportDialog", "PDF (.pdf)")),
    (".epub", QT_TRANSLATE_NOOP("ExportDialog", "E-book (.epub)")),
    (".odt", QT_TRANSLATE_NOOP("ExportDialog", "OpenDocument text (.odt)")),
    (".html", QT_TRANSLATE_NOOP("ExportDialog", "Web page (.html)")),
    (".md", QT_TRANSLATE_NOOP("ExportDialog", "Markdown (.md)")),
    (".txt", QT_TRANSLATE_NOOP("ExportDialog", "Plain text (.txt)")),
)
_LANGUAGES = (("en", "English"), ("zh-Hans", "简体中文"))  # each named in itself
_FIELD_WIDTH = 300


@dataclass(frozen=True)
class ExportChoices:
    """What the person chose. `suffix` is one of FORMATS, `language` a BCP 47 tag."""

    suffix: str = ".docx"
    title: str = ""
    author: str = ""
    language: str = "en"
    with_origin: bool = False
    joins_lines: bool = False


class ExportDialog(QDialog):
    """`choices` is what is chosen at the moment."""

    def __init__(self, present: ExportChoices, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setModal(True)
        title = translate("ExportDialog", "Export")
        self.setWindowTitle(title)
        heading = QLabel(title, self)
        heading.setObjectName("dialogTitle")
        self._format, self._language = QComboBox(self), QComboBox(self)
        for suffix, words in FORMATS:
            self._format.addItem(translate("ExportDialog", words), suffix)
        for tag, words in _LANGUAGES:
            self._language.addItem(words, tag)
        self._title, self._author = QLineEdit(present.title, self), QLineEdit(present.author, self)
        self._origin = QCheckBox(translate("ExportDialog", "With the &origin of the text (who wrote what)"), self)
        self._joins = QCheckBox(translate("ExportDialog", "A single line end does not &end a paragraph"), self)
        self._show(present)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(24, 22, 24, 20)
        whole.setSpacing(18)
        whole.addWidget(heading)
        whole.addLayout(self._form())
        whole.addLayout(self._buttons())

    @property
    def choices(self) -> ExportChoices:
        """As the fields are now."""
        return ExportChoices(
            self._format.currentData(),
            self._title.text().strip(),
            self._author.text().strip(),
            self._language.currentData(),
            self._origin.isChecked(),
            self._joins.isChecked(),
        )

    def _show(self, present: ExportChoices) -> None:
        self._format.setCurrentIndex(max(0, self._format.findData(present.suffix)))
        self._language.setCurrentIndex(max(0, self._language.findData(present.language)))
        self._origin.setChecked(present.with_origin)
        self._joins.setChecked(present.joins_lines)
        self._origin.setToolTip(
            translate(
                "ExportDialog", "A web page marks it in the text; for other formats a .provenance.json lies beside."
            )
        )

    def _form(self) -> QFormLayout:
        form = QFormLayout()
        form.setHorizontalSpacing(18)
        form.setVerticalSpacing(10)
        rows = (
            (translate("ExportDialog", "&Format"), self._format),
            (translate("ExportDialog", "&Title"), self._title),
            (translate("ExportDialog", "&Author"), self._author),
            (translate("ExportDialog", "&Language"), self._language),
        )
        for words, field in rows:
            label = QLabel(words, self)
            label.setBuddy(field)
            field.setAccessibleName(words.replace("&", ""))
            field.setMinimumWidth(_FIELD_WIDTH)
            form.addRow(label, field)
        form.addRow(self._origin)
        form.addRow(self._joins)
        return form

    def _buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.addStretch(1)
        cancel = QPushButton(translate("ExportDialog", "Cancel"), self)
        cancel.clicked.connect(self.reject)
        export = QPushButton(translate("ExportDialog", "Export…"), self)
        export.setProperty("primary", True)
        export.setDefault(True)
        export.clicked.connect(self.accept)
        row.addWidget(cancel)
        row.addWidget(export)
        return row
