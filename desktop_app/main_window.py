"""The window: tabs, bars and panel put together, commands connected to what carries them out.

    top bar
    find bar (when asked for)
    tabs with a page each | side panel
    status line

Knows: every part by its face. Must not know: how a part does its work. Long-lived parts come from `app.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QEvent, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleAnnouncementEvent,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QTextCursor,
)
from PySide6.QtWidgets import QApplication, QMainWindow, QSplitter, QVBoxLayout, QWidget

from desktop_app import dropped
from desktop_app.actions import Actions
from desktop_app.commands import Commands
from desktop_app.controls.conversion_control import ConversionControl
from desktop_app.controls.earlier_control import EarlierControl
from desktop_app.controls.export_control import ExportControl
from desktop_app.controls.model_control import ModelControl
from desktop_app.controls.origin_control import OriginControl
from desktop_app.controls.spelling_control import SpellingControl
from desktop_app.controls.statistics_control import StatisticsControl
from desktop_app.controls.writing_control import WritingControl, choices_of
from desktop_app.dialogs.dialogs import Dialogs, QtDialogs
from desktop_app.document.disk import Disk
from desktop_app.document.file_claims import FileClaims
from desktop_app.document.shown_name import shown_name
from desktop_app.editor.continuation import Continuation
from desktop_app.editor.find_bar import FindBar
from desktop_app.editor.view import EditorView
from desktop_app.look.fonts import page_font
from desktop_app.look.icons import seal_icon
from desktop_app.look.theme import Theme
from desktop_app.open_texts.open_document import OpenDocument
from desktop_app.open_texts.opening import Opening
from desktop_app.open_texts.patient_files import PatientFiles
from desktop_app.open_texts.shown_tab import Showing, ShownTab
from desktop_app.open_texts.tab import Look, Shared, Tab
from desktop_app.open_texts.tabs import Tabs
from desktop_app.panels.model_panel import ModelPanel
from desktop_app.panels.side_panel import SidePanel
from desktop_app.panels.statistics_panel import StatisticsPanel
from desktop_app.panels.status_line import StatusLine
from desktop_app.panels.tab_area import TabArea
from desktop_app.panels.top_bar import TopBar
from desktop_app.services.background import Background
from desktop_app.services.engine_bridge import EngineBridge
from desktop_app.services.error_words import words_for
from desktop_app.services.export_jobs import ExportJobs
from desktop_app.settings_in_use import SettingsInUse
from desktop_app.welcome import welcome

if TYPE_CHECKING:
    from desktop_app.document.statistics_store import StatisticsStore
    from desktop_app.spelling.speller import Speller


@dataclass(frozen=True)
class Services:
    """The long-lived parts that `app.py` builds."""

    settings: SettingsInUse
    bridge: EngineBridge
    theme: Theme
    disk: Disk
    claims: FileClaims
    background: Background
    export_jobs: ExportJobs
    language: Callable[[], str]  # "en" or "zh", the one on the screen
    set_language: Callable[[str], object]  # "auto", "en" or "zh"
    statistics: StatisticsStore | None = None
    make_speller: Callable[[], Speller] | None = None  # called when the window is there


class MainWindow(QMainWindow):
    """The one window. `dialogs` answers questions in tests; `text_touched` asks for an autosave."""

    text_touched = Signal()

    def __init__(self, services: Services, dialogs: Dialogs | None = None) -> None:
        super().__init__()
        self.services = services
        self.settings = services.settings
        self.theme = services.theme
        self.dialogs: Dialogs = dialogs or QtDialogs(self, self.theme)
        self._files = PatientFiles(services.disk, self.dialogs)
        QTimer.singleShot(0, self, lambda: self.setWindowIcon(seal_icon()))  # no part of the first picture
        self.setAcceptDrops(True)
        self._build()
        self.commands = Commands(self)
        self._connect()
        self._restore_geometry()
        self.retranslate_ui()

    # ---- building ---------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.actions_by_name = Actions(self, self.theme)
        self.top_bar = TopBar(self.actions_by_name, self.theme, self)
        self.model_panel = ModelPanel(self.theme, self)
        self.side_panel = SidePanel(self)
        self.side_panel.add_tab(self.model_panel, lambda: self.tr("Model"))
        self.statistics_panel = StatisticsPanel(self.theme, self)
        self.side_panel.add_tab(self.statistics_panel, lambda: self.tr("Statistics"))
        self.status_line = StatusLine(self)
        self.models = ModelControl(
            self.services.bridge, self.model_panel, self.dialogs, self.settings.now, self.settings.change, self
        )
        self.conversions = ConversionControl(
            self.services.export_jobs, self.model_panel, self.dialogs, self.settings.now, self.settings.change, self
        )
        self.conversions.converted.connect(self.models.take_new)
        self._build_tabs()
        self._lay_out()

    def _build_tabs(self) -> None:
        services = self.services
        shared = Shared(
            disk=services.disk,
            claims=services.claims,
            dialogs=self.dialogs,
            bridge=services.bridge,
            background=services.background,
            choices=lambda: choices_of(self.settings.values, self.model_panel.seed),
            find_obstacle=self.models.obstacle,
            look=self._look,
            autosaves_text_files=lambda: self.settings.values.autosave_text_files,
        )
        self.tab_area = TabArea(self.theme, self)
        self.tabs = Tabs(shared, self.tab_area, self)
        self.opening = Opening(self.tabs, services.disk, services.claims, self.dialogs, self)
        self.find_bar = FindBar(self.view, self.theme, self)
        self.writing = WritingControl(self.tabs, self.models, self.model_panel, self.find_bar, self.status_line, self)
        self.exports = ExportControl(self.tabs, services.disk, services.claims, self.dialogs, self.settings, self)
        self.earlier = EarlierControl(self.tabs, self.dialogs, self)
        self.origins = OriginControl(self.tabs, self.dialogs, services.language, self)
        self.spelling = SpellingControl(
            self.tabs, self.actions_by_name, self.dialogs, self.settings, services.make_speller, self
        )
        self.statistics = StatisticsControl(self.statistics_panel, self.tabs, self.settings, services.statistics, self)
        showing = Showing(
            top_bar=self.top_bar,
            status_line=self.status_line,
            find_bar=self.find_bar,
            model_panel=self.model_panel,
            actions=self.actions_by_name,
            announce=self._announce,
            set_title=self.setWindowTitle,
        )
        self.shown = ShownTab(self.tabs, showing, self)

    @property
    def view(self) -> EditorView:
        """The page in front."""
        return self.tabs.current.view

    @property
    def document(self) -> OpenDocument:
        """The document in front."""
        return self.tabs.current.document

    @property
    def continuation(self) -> Continuation:
        """The writing-on in the tab in front."""
        return self.tabs.current.continuation

    def _lay_out(self) -> None:
        self.splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self.tab_area)
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
        self.tabs.made.connect(self._connect_tab)
        for tab in self.tabs.all:
            self._connect_tab(tab)
        self.tabs.touched.connect(lambda _tab: self.text_touched.emit())
        self.tabs.changed.connect(lambda _tab: self.text_touched.emit())
        self.tabs.current_changed.connect(self._on_current_tab)
        self.tabs.file_used.connect(self.commands.remember_file)
        for speaker in (
            self.tabs.told,
            self.statistics.told,
            self.spelling.told,
            self.exports.told,
            self.models.told,
            self.conversions.told,
        ):
            speaker.connect(self.status_line.say)
            speaker.connect(self._announce)
        self.models.changed.connect(self._show_model)
        self.model_panel.length_chosen.connect(lambda tokens: self.settings.change(max_tokens=tokens))
        self.model_panel.temperature_chosen.connect(lambda value: self.settings.change(temperature=value))
        self.settings.save_failed.connect(lambda error: self.status_line.say(words_for(error)))
        self.splitter.splitterMoved.connect(self._remember_panel)
        values = self.settings.values
        self.model_panel.show_choices(values.max_tokens, values.temperature, values.device)

    def _connect_tab(self, tab: Tab) -> None:
        tab.view.zoom_asked.connect(self.commands.zoom)
        tab.view.files_dropped.connect(self.take_paths)
        tab.view.menu_asked.connect(self._show_page_menu)
        tab.view.steps_changed.connect(lambda _undo, _redo: self.text_touched.emit())  # of branches too
        self._name_page(tab)

    def _name_page(self, tab: Tab) -> None:
        tab.view.setAccessibleName(self.tr("Page"))
        tab.view.setAccessibleDescription(self.tr("The text. Ctrl+Enter lets the model write on from the caret."))

    def _on_current_tab(self, tab: Tab) -> None:
        self.text_touched.emit()
        QTimer.singleShot(0, tab.document, tab.document.look_outside)

    # ---- text -------------------------------------------------------------------------------------------------

    def show_welcome(self) -> None:
        """The page of a first start."""
        words = welcome(self.services.language())
        view = self.tabs.new(words.text).view
        cursor = QTextCursor(view.document())
        cursor.setPosition(words.caret)
        view.setTextCursor(cursor)

    def take_paths(self, paths: list[str]) -> None:
        """Open, add or convert what was dropped or named on the command line."""
        for path in paths:
            kind = self._kind_of(Path(path))
            if kind is None:
                continue  # its disk does not answer, and nobody waits
            if kind == dropped.TEXT:
                self.opening.open(path)
            elif kind == dropped.MODEL_FOLDER:
                self.models.add(path)
            elif kind == dropped.CHECKPOINT:
                self.conversions.convert(path, self.models.names)
            else:
                words = self.tr("{name} is neither a model folder nor a checkpoint, so there is nothing to do with it.")
                self.status_line.say(words.format(name=shown_name(Path(path).name)))

    def _kind_of(self, path: Path) -> str | None:
        return self._files.read(path, lambda _disk: dropped.kind_of(path))

    # ---- what is shown ----------------------------------------------------------------------------------------

    def renew_look(self) -> None:
        """Colours, font and marks of the page in front, from the theme and the settings; others follow when shown."""
        self.tabs.current.renew_look()

    def _look(self) -> Look:
        values = self.settings.values
        return Look(self.theme.tokens, page_font(values.font_family, values.font_size_pt), values.origin_marks)

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

    def _show_page_menu(self, position: QPoint, at: int) -> None:
        menu = self.actions_by_name.page_menu()
        self.spelling.add_to(menu, at)
        menu.popup(position)

    def retranslate_ui(self) -> None:
        """Take the words of the present language."""
        for tab in self.tabs.all:
            self._name_page(tab)
        self.tabs.retranslate_ui()
        self.shown.show_all()
        self._show_model()
        self.commands.fill_recent()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language; look at the file when the window comes to the front."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate_ui()
        elif event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            QTimer.singleShot(0, self.document, self.document.look_outside)
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
        """Ask about changes in files; a text without a file stays for the next start."""
        self.tabs.stop_all()
        if not self.tabs.may_quit():
            event.ignore()
            return
        self.exports.finish()
        self._end()
        event.accept()

    def leave_at_once(self) -> None:
        """The system asks to end (log-out): no question is asked, unsaved text stays for the next start."""
        self.tabs.stop_all()
        self._end()
        QApplication.exit(0)  # of every loop: also of a question that is open

    def _end(self) -> None:
        self.settings.change(window_geometry=bytes(self.saveGeometry().toBase64().data()).decode("ascii"))
        for tab in self.tabs.all:
            tab.counts.stop()
            tab.file_autosave.close()
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
