"""What each action does, where that is more than one call: the hands of the window.

Knows: the window's parts. Must not know: how they are laid out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QObject
from PySide6.QtWidgets import QApplication, QLineEdit

from desktop_app.document.shown_name import shown_path
from desktop_app.look.fonts import LEAST_SIZE_PT, MOST_SIZE_PT
from desktop_app.services.settings import DEFAULTS

if TYPE_CHECKING:
    from desktop_app.main_window import MainWindow


class Commands(QObject):
    """Connects every action of a window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._settings = window.settings
        self._connect()

    def _connect(self) -> None:
        window = self._window
        for name, step in self._steps().items():
            window.actions_by_name[name].triggered.connect(lambda *_arguments, step=step: step())
        values = self._settings.values
        window.actions_by_name["reopen"].setChecked(values.reopen_texts)
        window.actions_by_name["autosave"].setChecked(values.autosave_text_files)
        choices: tuple[tuple[str, str, Callable[[str], None], tuple[str, ...]], ...] = (
            ("theme", values.theme, self._use_theme, ("auto", "light", "dark")),
            ("language", values.language, self._use_language, ("auto", "en", "zh")),
            ("origins", values.origin_marks, self._use_marks, ("none", "generated", "all")),
        )
        for group, chosen, use, known in choices:
            window.actions_by_name.check(group, chosen)
            for value in known:
                action = window.actions_by_name[f"{group}_{value}"]
                action.triggered.connect(lambda *_arguments, use=use, value=value: use(value))

    def _steps(self) -> dict[str, Callable[[], object]]:
        window, tabs = self._window, self._window.tabs
        return {
            "new": lambda: tabs.new(),
            "open": lambda: window.opening.open(folder=self._settings.values.last_folder),
            "save": lambda: window.document.save(self._settings.values.last_folder),
            "save_as": lambda: window.document.save_as(self._settings.values.last_folder),
            "close_tab": lambda: tabs.close(),
            "next_tab": lambda: tabs.step(1),
            "previous_tab": lambda: tabs.step(-1),
            "autosave": self._switch_autosave,
            "earlier": window.earlier.show,
            "import": window.exports.import_text,
            "export": window.exports.export,
            "quit": window.close,
            "reopen": self._use_reopening,
            "undo": self._undo,
            "redo": self._redo,
            "cut": lambda: self._edit("cut"),
            "copy": lambda: self._edit("copy"),
            "paste": lambda: self._edit("paste"),
            "select_all": lambda: self._edit("selectAll"),
            "find": lambda: window.find_bar.open(with_replace=False),
            "find_next": window.find_bar.find_next,
            "find_previous": window.find_bar.find_previous,
            "replace": lambda: window.find_bar.open(with_replace=True),
            "spelling": window.spelling.switch,
            "next_misspelt": window.spelling.next_misspelt,
            "origin": window.origins.show_here,
            "continue": window.writing.continue_text,
            "retry": window.writing.retry,
            "stop": window.writing.stop,
            "add_model": lambda: window.models.add(),
            "remove_model": window.models.remove,
            "start_engine": window.models.start_engine,
            "convert": window.conversions.choose_file,
            "convert_folder": window.conversions.choose_folder,
            "export_python": window.conversions.choose_python,
            "zoom_in": lambda: self.zoom(1),
            "zoom_out": lambda: self.zoom(-1),
            "zoom_reset": lambda: self._set_size(DEFAULTS.font_size_pt),
            "font": self._choose_font,
            "side_panel": self._show_side_panel,
            "focus": self._show_page_only,
            "full_screen": self._show_full_screen,
            "next_area": self._next_area,
            "welcome": window.show_welcome,
            "shortcuts": self._show_keys,
            "about": self._show_about,
        }

    # ---- editing ----------------------------------------------------------------------------------------------

    def _edit(self, method: str) -> None:
        """Cut, copy, paste and select in whatever field has the focus."""
        focused = QApplication.focusWidget()
        target = focused if isinstance(focused, QLineEdit) else self._window.view
        getattr(target, method)()

    def _undo(self) -> None:
        focused = QApplication.focusWidget()
        if isinstance(focused, QLineEdit):
            focused.undo()
            return
        self._window.continuation.stop()
        self._window.view.undo()

    def _redo(self) -> None:
        focused = QApplication.focusWidget()
        if isinstance(focused, QLineEdit):
            focused.redo()
            return
        self._window.continuation.stop()
        self._window.view.redo()

    # ---- files ------------------------------------------------------------------------------------------------

    def remember_file(self, path: str) -> None:
        """Put a file on top of the recent ones."""
        self._settings.replace(self._settings.values.with_recent_file(path).changed(last_folder=str(Path(path).parent)))
        self.fill_recent()

    def fill_recent(self) -> None:
        """The menu of recent files."""
        menu = self._window.actions_by_name.recent_menu
        menu.clear()
        for path in self._settings.values.recent_files:
            shown = shown_path(path).replace("&", "&&")
            menu.addAction(shown).triggered.connect(lambda *_arguments, path=path: self._window.opening.open(path))
        menu.setEnabled(bool(self._settings.values.recent_files))

    def _use_reopening(self) -> None:
        self._settings.change(reopen_texts=self._window.actions_by_name["reopen"].isChecked())

    # ---- view -------------------------------------------------------------------------------------------------

    def zoom(self, steps: int) -> None:
        """Larger or smaller text."""
        self._set_size(self._settings.values.font_size_pt + steps)

    def _set_size(self, size_pt: int) -> None:
        self._settings.change(font_size_pt=max(LEAST_SIZE_PT, min(size_pt, MOST_SIZE_PT)))
        self._window.renew_look()

    def _choose_font(self) -> None:
        family = self._window.dialogs.font_family(self._window.view.font().family())
        if family is not None:
            self._settings.change(font_family=family)
            self._window.renew_look()

    def _show_side_panel(self) -> None:
        visible = self._window.actions_by_name["side_panel"].isChecked()
        self._settings.change(side_panel_visible=visible)
        self._window.side_panel.setVisible(visible)

    def _switch_autosave(self) -> None:
        self._settings.change(autosave_text_files=self._window.actions_by_name["autosave"].isChecked())
        for tab in self._window.tabs.all:
            tab.file_autosave.touched()

    def _show_page_only(self) -> None:
        only = self._window.actions_by_name["focus"].isChecked()
        self._window.top_bar.setVisible(not only)
        self._window.tab_area.show_row(not only)
        self._window.status_line.setVisible(not only)
        self._window.side_panel.setVisible(not only and self._settings.values.side_panel_visible)
        self._window.view.setFocus()

    def _show_full_screen(self) -> None:
        if self._window.actions_by_name["full_screen"].isChecked():
            self._window.showFullScreen()
        else:
            self._window.showNormal()

    def _next_area(self) -> None:
        """Tab is a character on the page; this key leaves it."""
        window = self._window
        if window.view.hasFocus():
            window.top_bar.primary.setFocus()
            if window.side_panel.isVisible():
                window.model_panel.focus_first()
        else:
            window.view.setFocus()

    def _use_theme(self, wanted: str) -> None:
        self._settings.change(theme=wanted)
        self._window.theme.use(wanted)

    def _use_language(self, wanted: str) -> None:
        self._settings.change(language=wanted)
        self._window.services.set_language(wanted)

    def _use_marks(self, wanted: str) -> None:
        self._settings.change(origin_marks=wanted)
        self._window.renew_look()

    # ---- help -------------------------------------------------------------------------------------------------

    def _show_keys(self) -> None:
        self._window.dialogs.show_keys(self.tr("Keyboard Shortcuts"), self._window.actions_by_name.sheet())

    def _show_about(self) -> None:
        lines = (
            self.tr("Version {version}").format(version=QCoreApplication.applicationVersion()),
            self.tr("Write, and let a model on this computer write on. No text ever leaves the machine."),
            self.tr("Free software under the Apache License 2.0."),
        )
        self._window.dialogs.tell("Nextstroke · 下一笔", "\n\n".join(lines))
