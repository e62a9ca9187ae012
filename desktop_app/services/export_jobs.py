"""Converting a checkpoint from the window: a child process with progress and cancel, straight into the model library.

    convert(checkpoint) → id      started · progress(permille, what) · exactly one of finished, failed, cancelled

One conversion at a time, the others wait (memory is what a conversion needs most). The exporter writes a folder whole
or not at all and removes what it began when it is asked to end. Knows the exporter's command line and its JSON lines;
must not know torch, models or widgets.
"""

from __future__ import annotations

import json
import secrets
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.services.error_words import words_for_reason
from desktop_app.services.export_python import ExportPython, find_export_python
from desktop_app.services.export_words import words_for_step

KILL_AFTER_MS = 5000  # the exporter removes its half-written folder first
WAITING_BOUND = 8  # dropped by mistake, a whole folder of checkpoints would keep the computer busy for hours
_LAST_WORDS_CHARACTERS = 20_000
_WEIGHT_FILES = ("model.safetensors", "pytorch_model.bin", "ckpt.pt")
_ERROR = "error: "


@dataclass(frozen=True)
class _Job:
    id: str
    checkpoint: Path
    name: str


class ExportJobs(QObject):
    """Conversions of this window. `library` is the folder of added models."""

    started = Signal(str, str)  # id, the model's name
    progress = Signal(str, int, str)  # id, permille done, what is being done
    finished = Signal(str, str, dict)  # id, the model's name, the exporter's result with its certificate
    failed = Signal(str, str)  # id, one line
    cancelled = Signal(str)  # id

    def __init__(
        self,
        library: Path,
        disk: Disk,
        export_python_setting: Callable[[], str],
        find_python: Callable[[str], ExportPython | None] = find_export_python,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._library = library
        self._disk = disk
        self._setting = export_python_setting
        self._find_python = find_python
        self._waiting: deque[_Job] = deque()
        self._job: _Job | None = None
        self._process: QProcess | None = None
        self._is_cancelled = False
        self._last_words = ""
        self._line = ""
        self._result = b""

    @property
    def is_busy(self) -> bool:
        """Whether a conversion runs."""
        return self._job is not None

    def missing_add_on(self) -> str:
        """What to tell the person when nothing here can convert; "" when something can."""
        if self._find_python(self._setting()) is not None:
            return ""
        return self.tr(
            "Converting a checkpoint needs the export add-on, which is not installed. Make a Python environment with "
            "it (python3 -m venv FOLDER, then FOLDER/bin/pip install 'nextstroke[export]') and choose that folder as "
            "the Python for conversions. Model folders can be added without it."
        )

    def convert(self, checkpoint: Path, taken_names: Iterable[str] = ()) -> str:
        """Convert a checkpoint (file or folder) into a new model; `taken_names` are those of other models."""
        source = _checkpoint_folder(checkpoint)
        waiting = [job.name for job in (self._job, *self._waiting) if job is not None]
        job = _Job(f"export-{secrets.token_hex(6)}", source, self._free_name(source, {*taken_names, *waiting}))
        if len(self._waiting) >= WAITING_BOUND:
            self._fail_later(job, self.tr("Several conversions are waiting already; wait until one has ended."))
            return job.id
        self._waiting.append(job)
        QTimer.singleShot(0, self, self._start_next)  # after the caller knows the id
        return job.id

    def cancel(self, job_id: str) -> None:
        """End a conversion; nothing of it stays."""
        waiting = next((job for job in self._waiting if job.id == job_id), None)
        if waiting is not None:
            self._waiting.remove(waiting)
            self.cancelled.emit(job_id)
        elif self._job is not None and self._job.id == job_id and self._process is not None:
            self._is_cancelled = True
            process = self._process
            process.terminate()
            QTimer.singleShot(KILL_AFTER_MS, process, process.kill)

    def close(self) -> None:
        """End all conversions and wait for the running one (at most a few seconds): before the program ends."""
        self._waiting.clear()
        if self._job is not None and self._process is not None:
            process = self._process
            self.cancel(self._job.id)
            if not process.waitForFinished(KILL_AFTER_MS):
                process.kill()
                process.waitForFinished(KILL_AFTER_MS)

    def _start_next(self) -> None:
        if self._job is not None or not self._waiting:
            return
        self._job = job = self._waiting.popleft()
        python = self._find_python(self._setting())
        if python is None:
            self._end(lambda: self.failed.emit(job.id, self.missing_add_on()))
            return
        try:
            self._disk.make_folders(self._library)
        except DocumentError as error:
            message = str(error)
            self._end(lambda: self.failed.emit(job.id, message))
            return
        self._is_cancelled = False
        self._last_words, self._line, self._result = "", "", b""
        self._process = self._make_process(python, job)
        self.started.emit(job.id, job.name)
        self._process.start()

    def _make_process(self, python: ExportPython, job: _Job) -> QProcess:
        process = QProcess(self)
        program, *arguments = python.export_command(job.checkpoint, self._library / job.name)
        process.setProgram(program)
        process.setArguments(arguments)
        environment = QProcessEnvironment()
        for name, value in python.environment.items():
            environment.insert(name, value)
        process.setProcessEnvironment(environment)
        process.setStandardInputFile(QProcess.nullDevice())
        process.readyReadStandardError.connect(self._read_words)
        process.readyReadStandardOutput.connect(self._read_result)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_error)
        return process

    def _read_words(self) -> None:
        if self._process is None:
            return
        self._line += bytes(self._process.readAllStandardError().data()).decode("utf-8", "replace")
        *lines, self._line = self._line.split("\n")
        for line in lines:
            self._take_line(line.strip())

    def _take_line(self, line: str) -> None:
        report = _object(line)
        if self._job is not None and report is not None and "progress" in report:
            permille = int(1000 * min(max(float(report["progress"]), 0.0), 1.0))
            self.progress.emit(self._job.id, permille, words_for_step(str(report.get("doing", ""))))
        elif line:
            self._last_words = f"{self._last_words}\n{line}"[-_LAST_WORDS_CHARACTERS:]

    def _read_result(self) -> None:
        if self._process is not None:
            self._result += bytes(self._process.readAllStandardOutput().data())

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._job is not None and self._process is not None:
            words = self.tr("The Python for conversions cannot be started ({program}); choose another one.")
            job, message = self._job, words.format(program=self._process.program())
            self._end(lambda: self.failed.emit(job.id, message))

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        if self._job is None or self._process is None:
            return
        self._read_words()
        self._read_result()
        self._take_line(self._line.strip())
        job = self._job
        if self._is_cancelled:
            self._end(lambda: self.cancelled.emit(job.id))
            return
        result = _object(self._result.decode("utf-8", "replace").strip().rpartition("\n")[2])
        if status == QProcess.ExitStatus.NormalExit and code == 0 and result is not None:
            self._end(lambda: self.finished.emit(job.id, job.name, result))
        else:
            message = self._failure(code, status)
            self._end(lambda: self.failed.emit(job.id, message))

    def _failure(self, code: int, status: QProcess.ExitStatus) -> str:
        lines = [line for line in self._last_words.splitlines() if line]
        said = next((line[len(_ERROR) :] for line in reversed(lines) if line.startswith(_ERROR)), "")
        if said:
            return said
        if status == QProcess.ExitStatus.CrashExit:
            return self.tr(
                "The conversion was ended by the system, most likely for want of memory; close programs first."
            )
        reason = words_for_reason(lines[-1][:300] if lines else f"status {code}")
        return self.tr("The conversion ended without a result ({reason}).").format(reason=reason)

    def _end(self, say: Callable[[], None]) -> None:
        """Free the place first, so that a listener may start the next conversion."""
        process, self._process, self._job = self._process, None, None
        if process is not None:
            process.deleteLater()
        say()
        self._start_next()

    def _fail_later(self, job: _Job, message: str) -> None:
        QTimer.singleShot(0, self, lambda: self.failed.emit(job.id, message))

    def _free_name(self, source: Path, taken: set[str]) -> str:
        wanted = _model_name(source)
        number = 1
        name = wanted
        while name in taken or self._disk.exists(self._library / name):
            number += 1
            name = f"{wanted} {number}"
        return name


def _checkpoint_folder(checkpoint: Path) -> Path:
    """A weight file beside its configuration means the whole folder."""
    path = checkpoint.absolute()
    is_part = path.name in _WEIGHT_FILES or path.name.endswith(".safetensors")
    return path.parent if is_part and (path.parent / "config.json").is_file() else path


def _model_name(source: Path) -> str:
    """A name for the library: the folder's, or the file's without its ending."""
    name = source.name if source.is_dir() else source.stem
    if source.name in _WEIGHT_FILES:
        name = source.parent.name
    kept = "".join(character for character in name if character.isprintable() and character not in '/\\:*?"<>|')
    return kept.strip(". ") or "model"


def _object(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
