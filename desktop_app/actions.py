"""Every command of the window, declared once: its words, its key, its icon, its place in the menus.

    ROWS (table) → Actions (one QAction a row) → menus, top bar, page menu, shortcut sheet

Knows: commands by name. Must not know: what a command does; the window connects them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QObject
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QWidget

from desktop_app.look.theme import Theme

_CONTEXT = "Actions"
SEPARATOR = "-"


def QT_TRANSLATE_NOOP(_context: str, text: str) -> str:
    """The text itself. lupdate looks for this name; Qt's own says that it returns any object."""
    return text


@dataclass(frozen=True)
class Row:
    """One command. `group`: rows of the same group exclude each other."""

    name: str
    text: str
    keys: tuple[str, ...] = ()
    icon: str = ""
    checkable: bool = False
    group: str = ""


ROWS: tuple[Row, ...] = (
    Row("new", QT_TRANSLATE_NOOP("Actions", "&New"), ("Ctrl+N",)),
    Row("open", QT_TRANSLATE_NOOP("Actions", "&Open…"), ("Ctrl+O",)),
    Row("save", QT_TRANSLATE_NOOP("Actions", "&Save"), ("Ctrl+S",)),
    Row("save_as", QT_TRANSLATE_NOOP("Actions", "Save &As…"), ("Ctrl+Shift+S",)),
    Row("autosave", QT_TRANSLATE_NOOP("Actions", "Save Text Files A&utomatically"), checkable=True),
    Row("earlier", QT_TRANSLATE_NOOP("Actions", "Earlier &Texts…")),
    Row("import", QT_TRANSLATE_NOOP("Actions", "&Import…")),
    Row("export", QT_TRANSLATE_NOOP("Actions", "&Export…"), ("Ctrl+Shift+E",)),
    Row("reopen", QT_TRANSLATE_NOOP("Actions", "Open &Last Texts at Start"), checkable=True),
    Row("close_tab", QT_TRANSLATE_NOOP("Actions", "&Close Tab"), ("Ctrl+W", "Ctrl+F4")),
    Row("quit", QT_TRANSLATE_NOOP("Actions", "&Quit"), ("Ctrl+Q",)),
    Row("undo", QT_TRANSLATE_NOOP("Actions", "&Undo"), ("Ctrl+Z",)),
    Row("redo", QT_TRANSLATE_NOOP("Actions", "&Redo"), ("Ctrl+Shift+Z", "Ctrl+Y")),
    Row("cut", QT_TRANSLATE_NOOP("Actions", "Cu&t"), ("Ctrl+X",)),
    Row("copy", QT_TRANSLATE_NOOP("Actions", "&Copy"), ("Ctrl+C",)),
    Row("paste", QT_TRANSLATE_NOOP("Actions", "&Paste"), ("Ctrl+V",)),
    Row("select_all", QT_TRANSLATE_NOOP("Actions", "Select &All"), ("Ctrl+A",)),
    Row("find", QT_TRANSLATE_NOOP("Actions", "&Find…"), ("Ctrl+F",)),
    Row("find_next", QT_TRANSLATE_NOOP("Actions", "Find &Next"), ("F3", "Ctrl+G")),
    Row("find_previous", QT_TRANSLATE_NOOP("Actions", "Find Pre&vious"), ("Shift+F3", "Ctrl+Shift+G")),
    Row("replace", QT_TRANSLATE_NOOP("Actions", "R&eplace…"), ("Ctrl+H",)),
    Row("spelling", QT_TRANSLATE_NOOP("Actions", "Check &Spelling"), ("Shift+F7",), checkable=True),
    Row("next_misspelt", QT_TRANSLATE_NOOP("Actions", "Next Misspelt &Word"), ("F7",)),
    Row("origin", QT_TRANSLATE_NOOP("Actions", "Where This Came Fro&m…"), ("Ctrl+I",)),
    Row("continue", QT_TRANSLATE_NOOP("Actions", "&Continue"), ("Ctrl+Return", "Ctrl+Enter"), "continue"),
    Row("retry", QT_TRANSLATE_NOOP("Actions", "&Retry"), ("Ctrl+R",), "retry"),
    Row("stop", QT_TRANSLATE_NOOP("Actions", "&Stop"), ("Esc",), "stop"),
    Row("add_model", QT_TRANSLATE_NOOP("Actions", "&Add Model Folder…"), (), "folder"),
    Row("convert", QT_TRANSLATE_NOOP("Actions", "&Convert Checkpoint…")),
    Row("convert_folder", QT_TRANSLATE_NOOP("Actions", "Convert Checkpoint &Folder…")),
    Row("export_python", QT_TRANSLATE_NOOP("Actions", "&Python for Conversion…")),
    Row("remove_model", QT_TRANSLATE_NOOP("Actions", "Re&move This Model…")),
    Row("start_engine", QT_TRANSLATE_NOOP("Actions", "&Start the Engine Again")),
    Row("zoom_in", QT_TRANSLATE_NOOP("Actions", "&Larger Text"), ("Ctrl++", "Ctrl+=")),
    Row("zoom_out", QT_TRANSLATE_NOOP("Actions", "S&maller Text"), ("Ctrl+-",)),
    Row("zoom_reset", QT_TRANSLATE_NOOP("Actions", "&Normal Text Size"), ("Ctrl+0",)),
    Row("font", QT_TRANSLATE_NOOP("Actions", "Text &Font…")),
    Row("side_panel", QT_TRANSLATE_NOOP("Actions", "Side &Panel"), ("F9",), "panel", checkable=True),
    Row("focus", QT_TRANSLATE_NOOP("Actions", "Page &Only"), ("Shift+F11",), checkable=True),
    Row("full_screen", QT_TRANSLATE_NOOP("Actions", "&Full Screen"), ("F11",), checkable=True),
    Row("next_tab", QT_TRANSLATE_NOOP("Actions", "Ne&xt Tab"), ("Ctrl+Tab", "Ctrl+PgDown")),
    Row("previous_tab", QT_TRANSLATE_NOOP("Actions", "Pre&vious Tab"), ("Ctrl+Shift+Tab", "Ctrl+PgUp")),
    Row("next_area", QT_TRANSLATE_NOOP("Actions", "Next &Area"), ("F6",)),
    Row("theme_auto", QT_TRANSLATE_NOOP("Actions", "As the &System"), checkable=True, group="theme"),
    Row("theme_light", QT_TRANSLATE_NOOP("Actions", "&Light"), checkable=True, group="theme"),
    Row("theme_dark", QT_TRANSLATE_NOOP("Actions", "&Dark"), checkable=True, group="theme"),
    Row("origins_none", QT_TRANSLATE_NOOP("Actions", "&Not Shown"), checkable=True, group="origins"),
    Row("origins_generated", QT_TRANSLATE_NOOP("Actions", "The &Model's Words"), checkable=True, group="origins"),
    Row("origins_all", QT_TRANSLATE_NOOP("Actions", "&Every Origin"), checkable=True, group="origins"),
    Row("language_auto", QT_TRANSLATE_NOOP("Actions", "As the &System"), checkable=True, group="language"),
    # A language is named in itself, so that one finds the way back.
    Row("language_en", "English", checkable=True, group="language"),
    Row("language_zh", "简体中文", checkable=True, group="language"),
    Row("welcome", QT_TRANSLATE_NOOP("Actions", "&Welcome Text")),
    Row("shortcuts", QT_TRANSLATE_NOOP("Actions", "&Keyboard Shortcuts"), ("F1",)),
    Row("about", QT_TRANSLATE_NOOP("Actions", "&About Nextstroke")),
)

RECENT, DICTIONARIES = "recent", "dictionaries"
# Title, then commands; a tuple inside is a submenu: of commands, or of what the window fills it with.
MENUS: tuple[tuple[str, tuple[str | tuple[str, str | tuple[str, ...]], ...]], ...] = (
    (
        QT_TRANSLATE_NOOP("Actions", "&File"),
        (
            "new",
            "open",
            (QT_TRANSLATE_NOOP("Actions", "Open &Recent"), RECENT),
            SEPARATOR,
            "save",
            "save_as",
            "autosave",
            "earlier",
            SEPARATOR,
            "import",
            "export",
            SEPARATOR,
            "reopen",
            "close_tab",
            "quit",
        ),
    ),
    (
        QT_TRANSLATE_NOOP("Actions", "&Edit"),
        (
            "undo",
            "redo",
            SEPARATOR,
            "cut",
            "copy",
            "paste",
            "select_all",
            SEPARATOR,
            "find",
            "find_next",
            "find_previous",
            "replace",
            SEPARATOR,
            "spelling",
            "next_misspelt",
            (QT_TRANSLATE_NOOP("Actions", "&Dictionary"), DICTIONARIES),
            SEPARATOR,
            "origin",
        ),
    ),
    (QT_TRANSLATE_NOOP("Actions", "&Write"), ("continue", "retry", "stop")),
    (
        QT_TRANSLATE_NOOP("Actions", "&Model"),
        (
            "add_model",
            "remove_model",
            SEPARATOR,
            "convert",
            "convert_folder",
            "export_python",
            SEPARATOR,
            "start_engine",
        ),
    ),
    (
        QT_TRANSLATE_NOOP("Actions", "&View"),
        (
            "zoom_in",
            "zoom_out",
            "zoom_reset",
            "font",
            SEPARATOR,
            "side_panel",
            "focus",
            "full_screen",
            SEPARATOR,
            "next_tab",
            "previous_tab",
            "next_area",
            SEPARATOR,
            (
                QT_TRANSLATE_NOOP("Actions", "&Origin of the Text"),
                ("origins_none", "origins_generated", "origins_all"),
            ),
            (QT_TRANSLATE_NOOP("Actions", "&Theme"), ("theme_auto", "theme_light", "theme_dark")),
            (QT_TRANSLATE_NOOP("Actions", "Lan&guage"), ("language_auto", "language_en", "language_zh")),
        ),
    ),
    (QT_TRANSLATE_NOOP("Actions", "&Help"), ("welcome", "shortcuts", SEPARATOR, "about")),
)


_PAGE_EDITS = ("cut", "copy", "paste", "select_all", SEPARATOR, "origin")


def plain_words(menu_words: str) -> str:
    """Words of a menu without the mark of their key: "&Open…" and "打开(&O)…" become "Open" and "打开"."""
    return re.sub(r"\(&.\)|&", "", menu_words).rstrip("…")


class Actions(QObject):
    """The actions by name, and menus made of them."""

    def __init__(self, window: QWidget, theme: Theme) -> None:
        super().__init__(window)
        self._window = window
        self._theme = theme
        self._actions: dict[str, QAction] = {}
        self._titles: list[tuple[QMenu, str]] = []
        self._groups: dict[str, QActionGroup] = {}
        self.recent_menu, self.dictionary_menu = QMenu(window), QMenu(window)
        self._filled_menus = {RECENT: self.recent_menu, DICTIONARIES: self.dictionary_menu}
        for row in ROWS:
            self._actions[row.name] = self._make(row)
        theme.changed.connect(self._renew_icons)
        self.retranslate()

    def __getitem__(self, name: str) -> QAction:
        return self._actions[name]

    def check(self, group: str, value: str) -> None:
        """Mark one row of a group as the chosen one."""
        self._actions[f"{group}_{value}"].setChecked(True)

    def fill(self, bar: QMenuBar) -> None:
        """Put all menus into the bar."""
        for title, entries in MENUS:
            menu = QMenu(bar)
            bar.addMenu(menu)
            self._titles.append((menu, title))
            for entry in entries:
                self._add(menu, entry)
        self.retranslate()

    def page_menu(self) -> QMenu:
        """The menu under the pointer on the page; it deletes itself when closed."""
        menu = QMenu(self._window)
        for name in ("continue", "retry", SEPARATOR, "undo", "redo", SEPARATOR, *_PAGE_EDITS):
            self._add(menu, name)
        menu.aboutToHide.connect(menu.deleteLater)
        return menu

    def retranslate(self) -> None:
        """Take the words of the present language."""
        for row in ROWS:
            action = self._actions[row.name]
            action.setText(QCoreApplication.translate(_CONTEXT, row.text))
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            plain = plain_words(action.text())
            action.setToolTip(f"{plain} ({keys})" if keys else plain)
        for menu, title in self._titles:
            menu.setTitle(QCoreApplication.translate(_CONTEXT, title))

    def sheet(self) -> list[tuple[str, str]]:
        """(words, keys) of every command that has a key, for the shortcut sheet."""
        rows: list[tuple[str, str]] = []
        for row in ROWS:
            if row.keys:
                shown = [QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in row.keys]
                # Return and Enter are one word in Chinese.
                rows.append((plain_words(self._actions[row.name].text()), " / ".join(dict.fromkeys(shown))))
        return rows

    def _make(self, row: Row) -> QAction:
        action = QAction(self._window)
        action.setObjectName(row.name)
        action.setCheckable(row.checkable)
        action.setShortcuts([QKeySequence(key) for key in row.keys])
        if row.icon:
            action.setIcon(self._theme.icon(row.icon))
            action.setIconVisibleInMenu(False)
        if row.group:
            group = self._groups.setdefault(row.group, QActionGroup(self))
            group.addAction(action)
        self._window.addAction(action)  # so that keys work while the menus are hidden
        return action

    def _add(self, menu: QMenu, entry: str | tuple[str, str | tuple[str, ...]]) -> None:
        if isinstance(entry, tuple):
            title, names = entry
            inner = self._filled_menus[names] if isinstance(names, str) else QMenu(menu)
            self._titles.append((inner, title))
            menu.addMenu(inner)
            for name in () if isinstance(names, str) else names:
                self._add(inner, name)
        elif entry == SEPARATOR:
            menu.addSeparator()
        else:
            menu.addAction(self._actions[entry])

    def _renew_icons(self) -> None:
        for row in ROWS:
            if row.icon:
                self._actions[row.name].setIcon(self._theme.icon(row.icon))
