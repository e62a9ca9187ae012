"""Models in the window: list, open, add, convert, remove; what the engine says about them goes to panel and lines.

    engine ready → list + open wished → opened | refused (then once the bundled one)
    add / convert → progress, cancel → added → list, open

Knows: the bridge, the model panel, questions. Must not know: the page.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from desktop_app.dialogs.dialogs import Dialogs
from desktop_app.dialogs.question import Answer, Question
from desktop_app.panels.model_panel import ModelPanel
from desktop_app.panels.model_words import shown_names
from desktop_app.services.engine_bridge import CANCELLED, EngineBridge
from desktop_app.services.error_words import words_for_engine
from desktop_app.services.settings import Settings

Row = dict[str, Any]
STARTING, OPENING, OPEN, NONE = "starting", "opening", "open", "none"


class ModelControl(QObject):
    """`state` says whether there is a model to write with; `changed` fires with it."""

    changed = Signal()
    told = Signal(str)
    became_ready = Signal()

    def __init__(
        self,
        bridge: EngineBridge,
        panel: ModelPanel,
        dialogs: Dialogs,
        settings: Callable[[], Settings],
        change_settings: Callable[..., None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._bridge, self._panel, self._dialogs = bridge, panel, dialogs
        self._settings, self._change_settings = settings, change_settings
        self._opened: Row | None = None
        self._models: list[Row] = []
        self._problem = ""
        self.state = STARTING
        self._was_lost = False
        self._tried: set[str] = set()  # opened in the place of a bundled one that is not there
        self._adding, self._adding_name = "", ""  # id of the operation that is shown, and the folder's name
        self._is_cancelling = False
        self._to_add: list[str] = []  # folders that wait for the engine, or for the one that is being added
        self._removing = ""
        self._connect()

    @property
    def opened(self) -> Row | None:
        """What the engine said of the open model."""
        return self._opened

    @property
    def name(self) -> str:
        """What the bars show."""
        if self._opened is not None:
            name = str(self._opened["name"])
            return shown_names(self._models).get(name, name)
        waiting = {STARTING: self.tr("starting…"), OPENING: self.tr("opening the model…")}
        return waiting.get(self.state, self.tr("no model"))

    def obstacle(self) -> str:
        """Why one cannot write on now, or ""."""
        if self.state == OPEN:
            return ""
        if self.state in (STARTING, OPENING):
            return self.tr("The model is being opened; it writes on in a moment.")
        if not self._bridge.is_ready:
            return self.tr("The engine is not running; Model ▸ Start the Engine Again starts it.")
        way_out = self.tr("Add a model folder with Model ▸ Add Model Folder…; you can write without one.")
        return f"{self._problem} {way_out}" if self._problem else self.tr("There is no usable model. ") + way_out

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all models in the library."""
        return tuple(str(row["name"]) for row in self._models)

    # ---- commands ---------------------------------------------------------------------------------------------

    def open_wished(self) -> None:
        """Open the model of the settings."""
        self._open(self._settings().model)

    def choose(self, name: str) -> None:
        """The person chose a model."""
        self._change_settings(model=name)
        self._problem = ""
        self._open(name)

    def choose_device(self, device: str) -> None:
        """The person chose where it runs."""
        self._change_settings(device=device)
        self._open(self._settings().model)

    def add(self, folder: str = "") -> None:
        """Copy a model folder into the library."""
        chosen = folder or self._dialogs.folder(self.tr("Add Model Folder"), self._settings().last_folder)
        if not chosen:
            return
        name = Path(chosen).name
        self._to_add.append(chosen)
        if not self._bridge.is_ready:
            self.told.emit(self.tr("{name} is added as soon as the engine runs.").format(name=name))
        elif self._adding:
            self.told.emit(self.tr("{name} is added after {other}.").format(name=name, other=self._adding_name))
        else:
            self._add_next()

    def _add_next(self) -> None:
        if self._to_add and not self._adding and self._bridge.is_ready:
            folder = self._to_add.pop(0)
            self._adding, self._adding_name = self._bridge.add_model(folder), Path(folder).name
            self._is_cancelling = False
            self._show_adding(0, 0)

    def cancel_adding(self) -> None:
        """End the adding that goes on; its half-written folder is removed."""
        if self._adding and not self._is_cancelling:
            self._is_cancelling = True
            self._panel.show_progress(self.tr("Cancelling…"), 0, 0)
            self._bridge.cancel_operation(self._adding)

    def remove(self) -> None:
        """Remove the open model from the library, after asking."""
        opened = self._opened
        if opened is None:
            return
        row = next((row for row in self._models if row["name"] == opened["name"]), None)
        if row is None or row.get("bundled"):
            self.told.emit(self.tr("This model came with the program and stays; choose another one to remove."))
            return
        question = Question(
            self.tr("Remove {name}?").format(name=self.name),
            self.tr("Its folder is deleted from the model library: {folder}").format(folder=row.get("folder", "")),
            (Answer("remove", self.tr("Remove")), Answer("cancel", self.tr("Cancel"), is_default=True)),
        )
        if self._dialogs.ask(question) == "remove":
            self._removing = self._bridge.remove_model(str(opened["name"]))

    def take_new(self, name: str) -> None:
        """A model came into the library: list it and open it."""
        self._bridge.list_models()
        self.choose(name)

    def start_engine(self) -> None:
        """The person starts the engine again."""
        if not self._bridge.is_ready:
            self._tried.clear()
            self._problem = ""
            self._set(STARTING)
            self._bridge.start()
            self.open_wished()

    # ---- answers ----------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        bridge = self._bridge
        bridge.engine_ready.connect(self._on_ready)
        bridge.engine_lost.connect(self._on_lost)
        bridge.model_opened.connect(self._on_opened)
        bridge.model_refused.connect(self._on_refused)
        bridge.models_listed.connect(self._on_listed)
        bridge.model_added.connect(self._on_added)
        bridge.model_removed.connect(self._on_removed)
        bridge.operation_failed.connect(self._on_failed)
        bridge.operation_progress.connect(self._on_progress)
        self._panel.model_chosen.connect(self.choose)
        self._panel.device_chosen.connect(self.choose_device)
        self._panel.add_asked.connect(self.add)
        self._panel.cancel_asked.connect(self.cancel_adding)

    def _open(self, name: str) -> None:
        self._opened = None
        self._set(OPENING if self._bridge.is_ready else STARTING)
        self._bridge.open_model(name or None, self._settings().device)

    def _on_ready(self, _versions: Row) -> None:
        if self._was_lost:
            self._was_lost = False
            self.told.emit(self.tr("The engine stopped and was started again; the text is untouched."))
        if self.state == STARTING:
            self._set(OPENING)
        self._bridge.list_models()
        self._add_next()

    def _on_lost(self, message: str, restarting: bool) -> None:
        message = words_for_engine(message)  # what could not even start is said in the engine's words
        self._opened = None
        self._was_lost = True
        self._problem = "" if restarting else message
        self._end_operation()
        self._set(STARTING if restarting else NONE)
        self.told.emit(message)

    def _on_opened(self, opened: Row) -> None:
        problem, self._opened, self._problem = self._problem, opened, ""
        self._tried.clear()
        self._set(OPEN)
        if problem:
            self.told.emit(f"{problem} " + self.tr("{name} is open in its place.").format(name=self.name))
        self.became_ready.emit()

    def _on_refused(self, line: str, kind: str) -> None:
        self._problem = message = words_for_engine(line, kind)
        self._opened = None
        self.told.emit(message)
        if self._settings().model:  # the chosen one fails: the bundled one may not
            self._change_settings(model="")
            self._open("")
            return
        self._set(NONE)
        self._open_any()

    def _open_any(self) -> None:
        """No bundled model can be opened: take the first usable one of the library, each at most once."""
        for row in self._models:
            name = str(row["name"])
            if row.get("usable") and name not in self._tried:
                self._tried.add(name)
                self._open(name)
                return

    def _on_listed(self, models: list[Row]) -> None:
        self._models = models
        self._panel.show_models(models)
        self.changed.emit()
        if self.state == NONE and self._bridge.is_ready:
            self._open_any()

    def _on_added(self, name: str) -> None:
        self._end_operation()
        self.told.emit(self.tr("{name} was added.").format(name=name))
        self.take_new(name)
        self._add_next()

    def _on_removed(self, name: str) -> None:
        self.told.emit(self.tr("{name} was removed.").format(name=name))
        self._models = [row for row in self._models if row["name"] != name]  # it must not be tried again
        self._bridge.list_models()
        self.choose("")

    def _on_failed(self, operation: str, message: str, kind: str) -> None:
        if operation == self._adding:
            self._end_operation()
            if kind == CANCELLED:
                self.told.emit(self.tr("The adding was cancelled; nothing of it is left."))
            else:
                self._dialogs.tell(self.tr("The model was not added"), words_for_engine(message, kind))
            self._add_next()
        elif operation == self._removing:
            self._dialogs.tell(self.tr("The model was not removed"), words_for_engine(message, kind))

    def _on_progress(self, operation: str, done: int, total: int) -> None:
        if operation == self._adding and not self._is_cancelling:
            self._show_adding(done, total)

    def _show_adding(self, done: int, total: int) -> None:
        words = self.tr("Adding {name}…").format(name=self._adding_name)
        self._panel.show_progress(words, done, total, can_cancel=True)

    def _end_operation(self) -> None:
        self._adding, self._is_cancelling = "", False
        self._panel.show_progress("", 0, 0)

    def _set(self, state: str) -> None:
        self.state = state
        self._panel.show_opened(self._opened, self._problem)
        self.changed.emit()
