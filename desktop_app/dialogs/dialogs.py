"""All questions to the person, behind one small face, so that tests can answer in the person's place.

Knows: Qt's file dialogs and our own question. Must not know: files, models.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QCoreApplication, QStandardPaths
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QFileDialog, QFontDialog, QWidget

from desktop_app.dialogs.difference_dialog import DifferenceDialog
from desktop_app.dialogs.difference_pane import Comparison
from desktop_app.dialogs.earlier_texts_dialog import EarlierTexts, EarlierTextsDialog
from desktop_app.dialogs.export_dialog import ExportChoices, ExportDialog
from desktop_app.dialogs.origin_sheet import OriginAccount, OriginSheet
from desktop_app.dialogs.parts_dialog import PartOf, PartsDialog
from desktop_app.dialogs.question import Answer, Question, QuestionDialog, ShortcutSheet
from desktop_app.dialogs.waiting_dialog import WaitingDialog
from desktop_app.document.job import Job
from desktop_app.look.theme import Theme
from desktop_app.services.patience import Waiting

translate = QCoreApplication.translate  # the name that lupdate looks for
_FOLDER_S = 0.5  # Qt looks into the folder before it shows the dialog, and would hang with the network


class Dialogs(Protocol):
    """What the window can ask."""

    def ask(self, question: Question) -> str:
        """The key of the chosen answer."""

    def tell(self, title: str, text: str) -> None:
        """Say something that must be read."""

    def path_to_open(self, title: str, folder: str, kinds: str) -> str:
        """An existing file, or ""."""

    def path_to_save(self, title: str, proposal: str, kinds: str) -> str:
        """A file to write, or ""."""

    def folder(self, title: str, start: str) -> str:
        """An existing folder, or ""."""

    def font_family(self, present: str) -> str | None:
        """A typeface, or None where the person changed their mind."""

    def show_keys(self, title: str, rows: list[tuple[str, str]]) -> None:
        """The shortcut sheet."""

    def show_origin(self, account: OriginAccount) -> None:
        """Where a passage came from."""

    def export_choices(self, present: ExportChoices) -> ExportChoices | None:
        """What an export asks, or None where the person changed their mind."""

    def ask_with_difference(self, question: Question, comparison: Comparison) -> str:
        """The key of the chosen answer to a question about two texts."""

    def earlier_text(self, earlier: EarlierTexts) -> tuple[str, int] | None:
        """What to do with which row, as `EarlierTextsDialog.chosen` says it, or None."""

    def wait(self, waiting: Waiting) -> None:
        """Show what is waited for; return when it has ended, or the person gives up."""

    def show_parts(self, title: str, notice: str, count: int, part_of: PartOf) -> None:
        """A text to be read, a part at a time."""


def writing_folder() -> str:
    """Where texts are looked for before any was opened: the person's documents, else their home."""
    documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    return documents if Path(documents).is_dir() else str(Path.home())


def _answers(folder: str) -> bool:
    """Whether a folder can be looked into now."""
    look = Job(lambda _job: Path(folder).is_dir())
    return bool(folder) and look.wait(_FOLDER_S) and look.result()


def _first_ending(kind: str) -> str:
    """Of "Texts (*.txt *.md)", "txt"; of "All files (*)", ""."""
    found = re.search(r"\*\.(\w+)", kind)
    return found[1] if found is not None else ""


class QtDialogs:
    """The real ones, over one window."""

    def __init__(self, parent: QWidget, theme: Theme) -> None:
        self._parent, self._theme = parent, theme

    def ask(self, question: Question) -> str:
        """The key of the chosen answer."""
        dialog = QuestionDialog(question, self._parent)
        dialog.exec()
        dialog.deleteLater()
        return dialog.answer

    def tell(self, title: str, text: str) -> None:
        """Say something that must be read."""
        self.ask(Question(title, text, (Answer("ok", translate("Dialogs", "OK"), is_default=True),)))

    def path_to_open(self, title: str, folder: str, kinds: str) -> str:
        """An existing file, or ""."""
        return self._choose(self._file_dialog(title, folder, kinds))

    def path_to_save(self, title: str, proposal: str, kinds: str) -> str:
        """A file to write, or ""."""
        dialog = self._file_dialog(title, str(Path(proposal).parent) if Path(proposal).is_absolute() else "", kinds)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        # A name without an ending gets that of the kind that was chosen; of the first kind, from who asked.
        dialog.filterSelected.connect(lambda kind: dialog.setDefaultSuffix(_first_ending(kind)))
        dialog.selectFile(Path(proposal).name)
        return self._choose(dialog)

    def folder(self, title: str, start: str) -> str:
        """An existing folder, or ""."""
        dialog = self._file_dialog(title, start, "")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        return self._choose(dialog)

    def font_family(self, present: str) -> str | None:
        """A typeface, or None where the person changed their mind."""
        title = translate("Dialogs", "Font of the text")
        dialog = QFontDialog(QFont(present), self._parent)
        dialog.setWindowTitle(title)
        accepted = dialog.exec()
        dialog.deleteLater()
        return dialog.selectedFont().family() if accepted else None

    def _file_dialog(self, title: str, folder: str, kinds: str) -> QFileDialog:
        """The system's dialog where there is one, else Qt's, whose own translation lacks these words."""
        dialog = QFileDialog(self._parent, title, folder if _answers(folder) else writing_folder(), kinds)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setLabelText(QFileDialog.DialogLabel.LookIn, translate("Dialogs", "Look in:"))
        dialog.setLabelText(QFileDialog.DialogLabel.FileType, translate("Dialogs", "Kind:"))
        return dialog

    def _choose(self, dialog: QFileDialog) -> str:
        chosen = dialog.selectedFiles() if dialog.exec() else []
        dialog.deleteLater()
        return chosen[0] if chosen else ""

    def export_choices(self, present: ExportChoices) -> ExportChoices | None:
        """What an export asks, or None where the person changed their mind."""
        dialog = ExportDialog(present, self._parent)
        accepted = dialog.exec()
        dialog.deleteLater()
        return dialog.choices if accepted else None

    def ask_with_difference(self, question: Question, comparison: Comparison) -> str:
        """The key of the chosen answer to a question about two texts."""
        dialog = DifferenceDialog(question, comparison, self._theme, self._parent)
        dialog.exec()
        dialog.deleteLater()
        return dialog.answer

    def earlier_text(self, earlier: EarlierTexts) -> tuple[str, int] | None:
        """What to do with which row, as `EarlierTextsDialog.chosen` says it, or None."""
        dialog = EarlierTextsDialog(earlier, self._theme, self._parent)
        accepted = dialog.exec()
        dialog.deleteLater()
        return dialog.chosen if accepted else None

    def wait(self, waiting: Waiting) -> None:
        """Show what is waited for; return when it has ended, or the person gives up."""
        dialog = WaitingDialog(waiting, translate("Dialogs", "Cancel"), self._parent)
        dialog.exec()
        dialog.deleteLater()

    def show_parts(self, title: str, notice: str, count: int, part_of: PartOf) -> None:
        """A text to be read, a part at a time."""
        dialog = PartsDialog(title, notice, count, part_of, self._parent)
        dialog.exec()
        dialog.deleteLater()

    def show_keys(self, title: str, rows: list[tuple[str, str]]) -> None:
        """The shortcut sheet."""
        sheet = ShortcutSheet(title, rows, translate("Dialogs", "Close"), self._parent)
        sheet.exec()
        sheet.deleteLater()

    def show_origin(self, account: OriginAccount) -> None:
        """Where a passage came from."""
        sheet = OriginSheet(account, self._parent)
        sheet.exec()
        sheet.deleteLater()
