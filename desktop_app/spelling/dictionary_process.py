"""The dictionary's process as the window sees it: started, asked, given up.

    start(dictionary) → ready(alphabets)      then ask(…) → answered(message)      failed(DocumentError) ends it

Nothing here waits: lines go out into the pipe's buffer and come in by signals. Who does not answer for `PATIENCE_MS` is
ended and said. Knows QProcess and the child's lines. Must not know: words, pages, spylls.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, QTimer, Signal

from desktop_app.document.errors import DocumentError, disk_error_of_kind
from desktop_app.spelling.dictionaries import Dictionary
from engine.client import own_command, with_source

WORD = "spelling-host"
PATIENCE_MS = 20_000  # a large dictionary loads in a few seconds on a slow computer
LEAVE_MS = 500
_STOPPED = "dictionary_stopped"
_DAMAGED = "dictionary_damaged"
_LINE_BYTES = 4 << 20  # an answer is never longer; a child that floods is none of ours
_WORDS = {
    _DAMAGED: "the dictionary {name} cannot be used ({reason}), so spelling is not checked; choose another dictionary",
    _STOPPED: "the dictionary {name} stopped working, so spelling is not checked; switch the check on again, or choose "
    "another dictionary",
}


class DictionaryProcess(QObject):
    """One process at a time. After `failed` or `stop` nothing more is said about that process."""

    ready = Signal(list)  # names of alphabets
    answered = Signal(dict)
    failed = Signal(object)  # DocumentError

    def __init__(self, parent: QObject | None = None, patience_ms: int = PATIENCE_MS) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._name = ""
        self._data = b""
        self._is_ready = False
        self._open = 0  # questions without an answer
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(patience_ms)
        self._patience.timeout.connect(lambda: self._fail(_error(_STOPPED, self._name)))

    @property
    def is_ready(self) -> bool:
        """Whether it can be asked."""
        return self._is_ready

    @property
    def is_started(self) -> bool:
        """Whether there is a process, ready or not."""
        return self._process is not None

    @property
    def process_id(self) -> int:
        """The child's, 0 where there is none."""
        return 0 if self._process is None else int(self._process.processId())

    def start(self, dictionary: Dictionary) -> None:
        """Begin with a dictionary; a process with another one ends."""
        self.stop()
        self._name, self._data, self._open = dictionary.name, b"", 1
        self._process = process = QProcess(self)
        program, *arguments = own_command(WORD)
        process.setProgram(program)
        process.setArguments([*arguments, str(dictionary.base)])
        process.setProcessEnvironment(_environment())
        process.setStandardErrorFile(QProcess.nullDevice())
        process.readyReadStandardOutput.connect(self._read)
        process.finished.connect(lambda *_how: self._end_of(process))
        process.errorOccurred.connect(lambda _error: self._end_of(process))
        self._patience.start()
        process.start()

    def ask(self, question: dict[str, Any]) -> None:
        """Send a question to a process that is ready."""
        if self._process is not None and self._is_ready:
            self._open += 1
            self._process.write(json.dumps(question).encode("ascii") + b"\n")
            self._patience.start()

    def stop(self) -> None:
        """End the process; answers that are on their way are dropped."""
        process, self._process = self._process, None
        self._is_ready = False
        self._patience.stop()
        if process is not None:
            process.closeWriteChannel()  # it ends by itself when its input does
            process.finished.connect(process.deleteLater)
            if process.state() == QProcess.ProcessState.NotRunning:
                process.deleteLater()
            else:
                QTimer.singleShot(LEAVE_MS, process, process.kill)

    def close(self) -> None:
        """The same, and wait for the end of every process that was begun: the program ends."""
        self.stop()
        for process in self.findChildren(QProcess):
            if not process.waitForFinished(LEAVE_MS):
                process.kill()
                process.waitForFinished(LEAVE_MS)

    def _read(self) -> None:
        if self._process is None:
            return
        self._data += bytes(self._process.readAllStandardOutput().data())
        *lines, self._data = self._data.split(b"\n")
        for line in lines:
            if self._process is not None:
                self._take(line)
        if len(self._data) > _LINE_BYTES:
            self._fail(_error(_STOPPED, self._name))

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            self._fail(_error(_STOPPED, self._name))
        elif "failed" in message:
            self._fail(_error(str(message["failed"]), str(message.get("name", "")), str(message.get("reason", ""))))
        else:
            self._take_answer(message)

    def _take_answer(self, message: dict[str, Any]) -> None:
        if "suggestion" not in message:
            self._open -= 1
        if self._open > 0:
            self._patience.start()
        else:
            self._patience.stop()
        if "ready" in message:
            self._is_ready = True
            self.ready.emit(message["ready"])
        else:
            self.answered.emit(message)

    def _end_of(self, process: QProcess) -> None:
        if process is self._process:
            self._read()
        if process is self._process:
            self._fail(_error(_STOPPED, self._name))

    def _fail(self, error: DocumentError) -> None:
        self.stop()
        self.failed.emit(error)


def _environment() -> QProcessEnvironment:
    environment = QProcessEnvironment.systemEnvironment()
    if not getattr(sys, "frozen", False):
        environment.insert("PYTHONPATH", with_source(os.environ)["PYTHONPATH"])
    return environment


def _error(kind: str, name: str, reason: str = "") -> DocumentError:
    if kind in _WORDS:
        return DocumentError(_WORDS[kind].format(name=name, reason=reason), kind, name=name, reason=reason)
    return disk_error_of_kind(kind, "read", name, reason)
