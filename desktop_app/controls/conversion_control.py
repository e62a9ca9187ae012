"""Checkpoints in the window: convert one, with progress and cancel, or say what is needed for that.

    file or folder → export job (a child process) → model in the library → opened

Knows: the export jobs, the model panel, questions. Must not know: the page, how a conversion works.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop_app.dialogs.dialogs import Dialogs
from desktop_app.dialogs.question import Answer, Question
from desktop_app.panels.model_panel import ModelPanel
from desktop_app.services.error_words import words_for_engine
from desktop_app.services.export_jobs import ExportJobs
from desktop_app.services.settings import Settings


class ConversionControl(QObject):
    """`converted` names the new model."""

    converted = Signal(str)
    told = Signal(str)

    def __init__(
        self,
        jobs: ExportJobs,
        panel: ModelPanel,
        dialogs: Dialogs,
        settings: Callable[[], Settings],
        change_settings: Callable[..., None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._jobs, self._panel, self._dialogs = jobs, panel, dialogs
        self._settings, self._change_settings = settings, change_settings
        self._running = ""  # id of the job that the panel shows
        self._name = ""
        self._is_cancelling = False
        jobs.started.connect(self._on_started)
        jobs.progress.connect(self._on_progress)
        jobs.finished.connect(self._on_finished)
        jobs.failed.connect(self._on_failed)
        jobs.cancelled.connect(self._on_cancelled)
        panel.cancel_asked.connect(self._cancel)

    def choose_file(self) -> None:
        """Ask for a checkpoint file and convert it."""
        kinds = self.tr("Checkpoints (*.pt *.pth *.ckpt *.bin *.safetensors)")
        self.convert(
            self._dialogs.path_to_open(self.tr("Convert Checkpoint"), self._settings().last_folder, f"{kinds};;* (*)")
        )

    def choose_folder(self) -> None:
        """Ask for a checkpoint folder and convert it."""
        self.convert(self._dialogs.folder(self.tr("Convert Checkpoint Folder"), self._settings().last_folder))

    def convert(self, path: str, taken_names: tuple[str, ...] = ()) -> None:
        """Convert a checkpoint, or explain what is missing for it."""
        if not path:
            return
        missing = self._jobs.missing_add_on()
        if missing and not self._offer_python(missing):
            return
        self._jobs.convert(Path(path), taken_names)
        self.told.emit(self.tr("{name} will be converted.").format(name=Path(path).name))

    def choose_python(self) -> None:
        """Set the Python environment that converts."""
        folder = self._dialogs.folder(self.tr("Python Environment for Conversions"), self._settings().export_python)
        if not folder:
            return
        self._change_settings(export_python=folder)
        if self._jobs.missing_add_on():
            self.told.emit(
                self.tr("{folder} holds no Python; choose the folder of an environment.").format(folder=folder)
            )
        else:
            self.told.emit(self.tr("Conversions use the Python in {folder}.").format(folder=folder))

    def _offer_python(self, missing: str) -> bool:
        question = Question(
            self.tr("The export add-on is missing"),
            missing,
            (
                Answer("choose", self.tr("Choose a Python…"), is_default=True),
                Answer("cancel", self.tr("Cancel")),
            ),
        )
        if self._dialogs.ask(question) != "choose":
            return False
        self.choose_python()
        return not self._jobs.missing_add_on()

    def _cancel(self) -> None:
        if self._running:
            self._is_cancelling = True
            self._panel.show_progress(self.tr("Cancelling…"), 0, 0)  # the process takes a moment to clean up
            self._jobs.cancel(self._running)

    def _on_started(self, job: str, name: str) -> None:
        self._running, self._name, self._is_cancelling = job, name, False
        self._show(0, "")

    def _on_progress(self, job: str, permille: int, doing: str) -> None:
        if job == self._running and not self._is_cancelling:
            self._show(permille, doing)

    def _on_finished(self, job: str, name: str, _result: dict[str, Any]) -> None:
        self._end(job)
        self.told.emit(self.tr("{name} was converted and agrees with its original.").format(name=name))
        self.converted.emit(name)

    def _on_failed(self, job: str, message: str) -> None:
        self._end(job)
        self._dialogs.tell(self.tr("The checkpoint was not converted"), words_for_engine(message))

    def _on_cancelled(self, job: str) -> None:
        self._end(job)
        self.told.emit(self.tr("The conversion was cancelled; nothing of it is left."))

    def _show(self, permille: int, doing: str) -> None:
        words = self.tr("Converting {name}…").format(name=self._name)
        self._panel.show_progress(f"{words} {doing}".strip(), permille, 1000, can_cancel=True)

    def _end(self, job: str) -> None:
        if job == self._running:
            self._running = ""
            self._panel.show_progress("", 0, 0)
