"""The window: page, bars and panel put together, commands connected to what carries them out.

    top bar
    find bar (when asked for)
    page | side panel
    status line

Knows: every part by its face. Must not know: how a part does its work. Long-lived parts come from `app.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QCloseEvent, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QSplitter, QVBoxLayout, QWidget

from desktop_app import dropped
from desktop_app.actions import Actions
from desktop_app.commands import Commands
from desktop_app.conversion_control import ConversionControl
from desktop_app.dialogs.dialogs import Dialogs, QtDialogs
from desktop_app.document.disk import Disk
from desktop_app.earlier_control import EarlierControl
from desktop_app.editor.continuation import IDLE, WAITING, Choices, Continuation
from desktop_app.editor.find_bar import FindBar
from desktop_app.editor.page_counts import PageCounts
from desktop_app.editor.view import EditorView
from desktop_app.export_control import ExportControl
from desktop_app.look.fonts import page_font
from desktop_app.look.icons import seal_icon
from desktop_app.look.theme import Theme
from desktop_app.model_control import OPENING, STARTING, ModelControl
from desktop_app.open_document import OpenDocument
from desktop_app.origin_control import OriginControl
from desktop_app.panels.model_panel import ModelPanel
from desktop_app.panels.side_panel import SidePanel
from desktop_app.panels.statistics_panel import StatisticsPanel
from desktop_app.panels.status_line import StatusLine
from desktop_app.panels.top_bar import TopBar
from desktop_app.services.background import Background
from desktop_app.services.engine_bridge import EngineBridge
from desktop_app.services.error_words import words_for
from desktop_app.services.export_jobs import ExportJobs
from desktop_app.settings_in_use import SettingsInUse
from desktop_app.statistics_control import StatisticsControl
from desktop_app.welcome import welcome
from engine.contracts.generation import Finished, Started
from engine.contracts.sampling_settings import SamplingSettings

if TYPE_CHECKING:
    from desktop_app.document.counting import Counts
    from desktop_app.document.statistics_store import StatisticsStore


@dataclass(frozen=True)
class Services:
    """The long-lived parts that `app.py` builds."""

    settings: SettingsInUse
    bridge: EngineBridge
    theme: Theme
    disk: Disk
    background: Background
    export_jobs: ExportJobs
    language: Callable[[], str]  # "en" or "zh", the one on the screen
    set_language: Callable[[str], object]  # "auto", "en" or "zh"
    statistics: StatisticsStore | None = None


class MainWindow(QMainWindow):
    """The one window. `dialogs` answers questions in tests; `text_touched` asks for an autosave."""

    text_touched = Signal()

    def __init__(self, services: Services, dialogs: Dialogs | None = None) -> None:
        super().__init__()
        self.services = services
        self.settings = services.settings
        self.theme = services.theme
        self.dialogs: Dialogs = dialogs or QtDialogs(self)
        self._continue_at: int | None = None  # revision at which Continue was asked before the model was ready
        QTimer.singleShot(0, self, lambda: self.setWindowIcon(seal_icon()))  # no part of the first picture
        self.setAcceptDrops(True)
        self._build()
        self.commands = Commands(self)
        self._connect()
        self._restore_geometry()
        self.retranslate_ui()

    # ---- building ---------------------------------------------------------------------------------------------

    def _build(self) -> None:
        values = self.settings.values
        self.actions_by_name = Actions(self, self.theme)
        self.view = EditorView(self.theme.tokens, page_font(values.font_family, values.font_size_pt), self)
        self.top_bar = TopBar(self.actions_by_name, self.theme, self)
        self.find_bar = FindBar(self.view, self.theme, self)
        self.model_panel = ModelPanel(self.theme, self)
        self.side_panel = SidePanel(self)
        self.side_panel.add_tab(self.model_panel, lambda: self.tr("Model"))
        self.statistics_panel = StatisticsPanel(self.theme, self)
        self.side_panel.add_tab(self.statistics_panel, lambda: self.tr("Statistics"))
        self.status_line = StatusLine(self)
        self.document = OpenDocument(self.view, self.services.disk, self.dialogs, parent=self)
        self.exports = ExportControl(self.view, self.document, self.services.disk, self.dialogs, self.settings, self)
        self.earlier = EarlierControl(self.view, self.document, self.dialogs, self)
        self.models = ModelControl(
            self.services.bridge, self.model_panel, self.dialogs, self.settings.now, self.settings.change, self
        )
        self.conversions = ConversionControl(
            self.services.export_jobs, self.model_panel, self.dialogs, self.settings.now, self.settings.change, self
        )
        self.conversions.converted.connect(self.models.take_new)
        self.continuation = Continuation(self.view, self.services.bridge, self._choices, self.models.obstacle, self)
        self.origins = OriginControl(self.view, self.dialogs, self.services.language, self)
        self.page_counts = PageCounts(self.view, self.services.background, self)
        self.statistics = StatisticsControl(
            self.statistics_panel, self.document, self.settings, self.services.statistics, self
        )
        self._lay_out()

    def _lay_out(self) -> None:
        self.splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self.view)
        self.splitter.addWidget(self.side_panel)
        self.splitter.setStretchFactor(0, 1)
        self.splitter.setStretchFactor(1, 0)
        desk = QWidget(self)
        desk.setObjectName("desk")
        column = QVBoxLayout(desk)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (self.top_bar, self.find_bar):
            column.addWidget(widget)
        column.addWidget(self.splitter, 1)
        column.addWidget(self.status_line)
        self.setCentralWidget(desk)
        self.setMinimumSize(560, 380)

    def _connect(self) -> None:
        self.theme.changed.connect(self.renew_look)
        self.view.textChanged.connect(self.text_touched)
        self.view.zoom_asked.connect(self.commands.zoom)
        self.view.files_dropped.connect(self.take_paths)
        self.view.menu_asked.connect(self._show_page_menu)
        self.view.cursorPositionChanged.connect(self.text_touched)
        self.text_touched.connect(self.statistics.touch)
        self.document.changed.connect(self._show_document)
        self.document.replaced.connect(self.continuation.forget)
        self.document.file_used.connect(self.commands.remember_file)
        self.continuation.state_changed.connect(self._show_state)
        self.continuation.finished.connect(self._show_figures)
        self.continuation.finished.connect(lambda _event: self._announce(self.tr("The model has written.")))
        self.continuation.started.connect(self._show_reading)
        for speaker in (
            self.document.told,
            self.statistics.told,
            self.exports.told,
            self.continuation.told,
            self.models.told,
            self.conversions.told,
        ):
            speaker.connect(self.status_line.say)
            speaker.connect(self._announce)
        self.models.changed.connect(self._show_model)
        self.model_panel.progress_changed.connect(self._show_operation)
        self.models.became_ready.connect(self._continue_if_asked)
        self.model_panel.length_chosen.connect(lambda tokens: self.settings.change(max_tokens=tokens))
        self.model_panel.temperature_chosen.connect(lambda value: self.settings.change(temperature=value))
        self.settings.save_failed.connect(lambda error: self.status_line.say(words_for(error)))
        self.splitter.splitterMoved.connect(self._remember_panel)
        self.page_counts.changed.connect(self._show_counts)
        self.page_counts.changed.connect(self.statistics.take)
        values = self.settings.values
        self.model_panel.show_choices(values.max_tokens, values.temperature, values.device)

    # ---- text -------------------------------------------------------------------------------------------------

    def show_welcome(self) -> None:
        """The page of a first start."""
        words = welcome(self.services.language())
        if self.document.new(words.text):
            cursor = self.view.textCursor()
            cursor.setPosition(words.caret)
            self.view.setTextCursor(cursor)
            self.view.setFocus()

    def take_paths(self, paths: list[str]) -> None:
        """Open, add or convert what was dropped or named on the command line."""
        for path in paths:
            kind = dropped.kind_of(Path(path))
            if kind == dropped.TEXT:
                self.document.open(path)
            elif kind == dropped.MODEL_FOLDER:
                self.models.add(path)
            elif kind == dropped.CHECKPOINT:
                self.conversions.convert(path, self.models.names)
            else:
                words = self.tr("{name} is neither a model folder nor a checkpoint, so there is nothing to do with it.")
                self.status_line.say(words.format(name=Path(path).name))

    def continue_text(self) -> None:
        """Write on, or as soon as the model is open."""
        if self.models.state in (STARTING, OPENING):
            self._continue_at = self.view.document().revision()
        self.continuation.continue_text()

    def stop(self) -> None:
        """End what goes on, the writing first; Esc in the find bar closes that."""
        if self.continuation.is_busy:
            self.continuation.stop()
        elif self.find_bar.isAncestorOf(QApplication.focusWidget() or self):
            self.find_bar.close_bar()
        elif self.model_panel.can_cancel:
            self.model_panel.cancel_asked.emit()

    def _continue_if_asked(self) -> None:
        asked_at, self._continue_at = self._continue_at, None
        if asked_at == self.view.document().revision():
            self.status_line.clear_message()
            self.continuation.continue_text()

    def _choices(self) -> Choices:
        values = self.settings.values
        sampling = SamplingSettings(
            temperature=values.temperature,
            top_k=values.top_k,
            top_p=values.top_p,
            min_p=values.min_p,
            repetition_penalty=values.repetition_penalty,
        )
        shows_motion = QApplication.styleHints().cursorFlashTime() > 0  # who turned blinking off wants calm
        return Choices(values.max_tokens, sampling, self.model_panel.seed, shows_motion)

    # ---- what is shown ----------------------------------------------------------------------------------------

    def renew_look(self) -> None:
        """Colours and font of the page from the theme and the settings."""
        values = self.settings.values
        self.view.set_look(self.theme.tokens, page_font(values.font_family, values.font_size_pt))

    def _show_counts(self, counts: Counts, _model: Counts) -> None:
        self.status_line.set_counts(counts.chinese, counts.latin_words + counts.kana)

    def _show_document(self) -> None:
        self.top_bar.set_document(self.document.name, self.document.is_modified)
        mark = "● " if self.document.is_modified else ""
        self.setWindowTitle(f"{mark}{self.document.name} – Nextstroke · 下一笔")

    def _show_state(self, state: str) -> None:
        self.top_bar.set_busy(state != IDLE)
        self.actions_by_name["continue"].setEnabled(state == IDLE)
        self._show_operation()
        words = {IDLE: "", WAITING: self.tr("The model is reading…")}.get(state, self.tr("Writing… Esc stops"))
        if words:
            self.status_line.set_state(words)
        self._announce(words)

    def _show_operation(self) -> None:
        """A model comes into the library: said where it is seen without the side panel too, and Esc ends it."""
        is_idle = self.continuation.state == IDLE
        self.actions_by_name["stop"].setEnabled(not is_idle or self.model_panel.can_cancel)
        if is_idle:
            going_on = self.model_panel.progress_text
            if self.model_panel.can_cancel:
                going_on = self.tr("{words} Esc cancels").format(words=going_on)
            self.status_line.set_state(going_on)

    def _announce(self, words: str) -> None:
        """Let a screen reader say it."""
        if words:
            QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self.view, words))

    def _show_model(self) -> None:
        self.top_bar.set_model(self.models.name)
        opened = self.models.opened
        self.status_line.set_device(str(opened.get("device", "")).upper() if opened else "")
        if opened is None:
            self.status_line.set_speed(None)
            self.status_line.clear_context()
        self.actions_by_name["remove_model"].setEnabled(opened is not None)
        self.actions_by_name["start_engine"].setEnabled(not self.services.bridge.is_ready)

    def _show_reading(self, event: Started) -> None:
        self.status_line.set_context(event.reused + event.to_prefill, event.context_length)

    def _show_figures(self, event: Finished) -> None:
        self.status_line.set_speed(event.timings.decode_tokens_per_second)
        self.status_line.set_context(event.usage.context_used, event.usage.context_length)

    def _show_page_menu(self, position: QPoint) -> None:
        self.actions_by_name.page_menu().popup(position)

    def retranslate_ui(self) -> None:
        """Take the words of the present language."""
        self.view.setAccessibleName(self.tr("Page"))
        self.view.setAccessibleDescription(self.tr("The text. Ctrl+Enter lets the model write on from the caret."))
        self._show_document()
        self._show_state(self.continuation.state)
        self._show_model()
        self.commands.fill_recent()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language; look at the file when the window comes to the front."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate_ui()
        elif event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            QTimer.singleShot(0, self.document.look_outside)
        super().changeEvent(event)

    # ---- window -----------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files are welcome on the whole window."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Files dropped beside the page."""
        self.take_paths([url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()])

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about a file's changes; a text without a file stays for the next start."""
        self.continuation.stop()
        if not self.document.may_quit():
            event.ignore()
            return
        self._end()
        event.accept()

    def leave_at_once(self) -> None:
        """The system asks to end (log-out): no question is asked, unsaved text stays for the next start."""
        self.continuation.stop()
        self._end()
        QApplication.exit(0)  # of every loop: also of a question that is open

    def _end(self) -> None:
        self.settings.change(window_geometry=bytes(self.saveGeometry().toBase64().data()).decode("ascii"))
        self.page_counts.stop()
        self.statistics.save()
        self.exports.close()

    def _restore_geometry(self) -> None:
        values = self.settings.values
        self.resize(1280, 860)
        if values.window_geometry:
            self.restoreGeometry(QByteArray.fromBase64(values.window_geometry.encode("ascii")))
        self.side_panel.setVisible(values.side_panel_visible)
        self.actions_by_name["side_panel"].setChecked(values.side_panel_visible)
        self.splitter.setSizes([self.width() - values.side_panel_width, values.side_panel_width])

    def _remember_panel(self) -> None:
        self.settings.change(side_panel_width=self.side_panel.width())
