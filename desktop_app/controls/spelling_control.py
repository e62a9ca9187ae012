"""Spelling in the window: the switch, the dictionaries' menu, the page's menu over a misspelt word, the next one.

    Edit → Check Spelling · Next Misspelt Word · Dictionary ▸        page's menu → suggestions · Add · Ignore

A suggestion is what the person types: one step, of typed origin, and all around it stays what it was.

Knows: tabs, the speller, menus. Must not know: how words are found or looked up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QLocale, QObject, QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QTextCursor
from PySide6.QtWidgets import QMenu

from desktop_app.actions import Actions
from desktop_app.dialogs.dialogs import Dialogs
from desktop_app.document.errors import DocumentError
from desktop_app.document.shown_name import shown_name, shown_path
from desktop_app.editor.text_units import units_of_text
from desktop_app.open_texts.tab import Tab
from desktop_app.open_texts.tabs import Tabs
from desktop_app.services.error_words import words_for
from desktop_app.settings_in_use import SettingsInUse

if TYPE_CHECKING:  # all of it waits until the window is there
    from desktop_app.controls.spelling_walk import SpellingWalk
    from desktop_app.spelling.dictionaries import Dictionary
    from desktop_app.spelling.speller import Speller

START_AFTER_MS = 1200  # the window, its text and the model come first


class SpellingControl(QObject):
    """One for the window. `make_speller` None: nothing is checked, and the commands are off."""

    told = Signal(str)

    def __init__(
        self,
        tabs: Tabs,
        actions: Actions,
        dialogs: Dialogs,
        settings: SettingsInUse,
        make_speller: Callable[[], Speller] | None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._tabs, self._actions, self._dialogs = tabs, actions, dialogs
        self._settings, self._make_speller = settings, make_speller
        self._speller: Speller | None = None
        self._walk: SpellingWalk | None = None
        self._dictionaries: tuple[Dictionary, ...] = ()
        self._shown_in = ""  # a row in the language of the menu as it is
        self._group = QActionGroup(self)
        actions["spelling"].setChecked(settings.values.check_spelling)
        for name in ("spelling", "next_misspelt"):
            actions[name].setEnabled(make_speller is not None)
        actions.dictionary_menu.setEnabled(make_speller is not None)
        if make_speller is not None:
            actions.dictionary_menu.aboutToShow.connect(self._fill_dictionaries)
            QTimer.singleShot(START_AFTER_MS, self, self._use)

    def close(self) -> None:
        """End the dictionary's process: the program ends."""
        self._make_speller = None
        if self._speller is not None:
            self._speller.close()

    def _begin(self) -> None:
        """Make what a check needs, once."""
        if self._speller is None and self._make_speller is not None:
            self._speller = self._make_speller()
            self._connect(self._speller)

    def _connect(self, speller: Speller) -> None:
        from desktop_app.controls.spelling_walk import SpellingWalk

        speller.failed.connect(self._on_failed)
        self._walk = walk = SpellingWalk(speller, self)
        walk.told.connect(self.told)
        self._tabs.closed.connect(lambda tab: walk.leave(tab.view))
        self._tabs.made.connect(self._follow)
        self._tabs.current_changed.connect(lambda tab: tab.spelling.come_to_front() if tab.spelling else None)
        for tab in self._tabs.all:
            self._follow(tab)

    def _follow(self, tab: Tab) -> None:
        from desktop_app.editor.page_spelling import PageSpelling

        if self._speller is not None and tab.spelling is None:
            tab.spelling = PageSpelling(tab.view, self._speller, tab)

    # ---- the switch -------------------------------------------------------------------------------------------

    def switch(self) -> None:
        """As the menu has it now."""
        self._settings.change(check_spelling=self._actions["spelling"].isChecked())
        self._use()

    def _use(self) -> None:
        self._begin()
        if self._speller is not None:
            values = self._settings.values
            self._speller.use(values.check_spelling, values.dictionary)

    def _on_failed(self, error: DocumentError) -> None:
        """It is off for now; the next start tries again, and so does the person."""
        self._actions["spelling"].setChecked(False)
        words = words_for(error)
        is_off = self.tr("Spelling is not checked for now.")
        self.told.emit(words if error.kind.startswith("dictionary_") else f"{words} {is_off}")

    # ---- dictionaries -----------------------------------------------------------------------------------------

    def _fill_dictionaries(self) -> None:
        """Those that were known last, at once; then those that are there."""
        self._begin()
        self._show_dictionaries(self._dictionaries)
        if self._speller is not None:
            self._speller.list_dictionaries(self._show_dictionaries)

    def _show_dictionaries(self, dictionaries: tuple[Dictionary, ...]) -> None:
        if self._dictionaries == dictionaries and self._shown_in == self._actions["spelling"].text():
            return
        self._dictionaries, self._shown_in = dictionaries, self._actions["spelling"].text()
        menu, chosen = self._actions.dictionary_menu, self._settings.values.dictionary
        for old in self._group.actions():
            self._group.removeAction(old)
        menu.clear()
        for dictionary in dictionaries:
            action = menu.addAction(dictionary_words(dictionary.name))
            action.setCheckable(True)
            action.setChecked(dictionary.name == chosen)
            action.triggered.connect(lambda *_arguments, name=dictionary.name: self.choose(name))
            self._group.addAction(action)
        menu.addSeparator()
        menu.addAction(self.tr("&Further Dictionaries…")).triggered.connect(lambda *_arguments: self._tell_folder())

    def choose(self, name: str) -> None:
        """Use another dictionary; the check is on then."""
        self._settings.change(dictionary=name, check_spelling=True)
        self._actions["spelling"].setChecked(True)
        self._use()

    def _tell_folder(self) -> None:
        if self._speller is None:
            return
        self._speller.make_folder(lambda error: self.told.emit(words_for(error)))
        words = self.tr(
            "Put the two files of a Hunspell dictionary, NAME.aff and NAME.dic, into this folder; then it stands in "
            "this menu. LibreOffice and Firefox bring such files.\n\n{folder}"
        )
        self._dialogs.tell(self.tr("Further Dictionaries"), words.format(folder=shown_path(self._speller.folder)))

    # ---- words ------------------------------------------------------------------------------------------------

    def next_misspelt(self) -> None:
        """Select the next misspelt word behind the caret, from the beginning again after the end."""
        if self._walk is None or self._speller is None:
            self._use()
        if self._walk is None or self._speller is None:
            return
        if not self._speller.is_on:
            self.told.emit(self.tr("Spelling is not checked. Switch it on in the Edit menu."))
            return
        self._walk.start(self._tabs.current.view)

    def add_to(self, menu: QMenu, position: int) -> None:
        """Put what can be done with a misspelt word at a position of the page in front of a menu's other rows."""
        from desktop_app.editor.page_spelling import text_at
        from desktop_app.spelling.words import key_of

        speller, tab = self._speller, self._tabs.current
        place = tab.view.misspelt.at(position)
        if speller is None or place is None or not speller.is_on:
            return
        word = text_at(tab.view, place)
        cursor = QTextCursor(tab.view.document())  # goes along with the text while the menu is open
        cursor.setPosition(place[0])
        cursor.setPosition(place[1], QTextCursor.MoveMode.KeepAnchor)
        first = menu.actions()[0]
        rows = SuggestionRows(menu, first, self.tr("Looking for suggestions…"), self.tr("No suggestions"))
        typographic = "\u2019" in cursor.block().text()
        rows.chosen = lambda words: self._replace(tab, cursor, word, words)
        menu.insertSeparator(first)
        _add_row(menu, first, self.tr("Add to &Dictionary"), lambda: speller.add(word, self._tell))
        _add_row(menu, first, self.tr("&Ignore"), lambda: speller.ignore(word))
        menu.insertSeparator(first)
        speller.suggest(
            key_of(word),
            lambda found, is_all: rows.show([_as_written(each, typographic) for each in found], is_all),
        )

    def _tell(self, error: DocumentError) -> None:
        self.told.emit(words_for(error))

    def _replace(self, tab: Tab, cursor: QTextCursor, word: str, words: str) -> None:
        if cursor.selectedText() != word:
            return  # it has changed under the menu
        tab.continuation.stop()
        start, end = cursor.selectionStart(), cursor.selectionEnd()
        tab.view.edits.replace_found([(start, end)], words)
        tab.view.edits.place_caret(start + units_of_text(words))


class SuggestionRows(QObject):
    """The rows of suggestions in an open menu: they come one after the other, each below the one before."""

    def __init__(self, menu: QMenu, before: QAction, looking: str, nothing: str) -> None:
        super().__init__(menu)
        self.chosen: Callable[[str], None] = lambda _words: None
        self._menu, self._nothing = menu, nothing
        self._shown: list[str] = []
        self._is_open = True
        self._last = QAction(looking, menu)
        self._last.setEnabled(False)
        menu.insertAction(before, self._last)
        menu.destroyed.connect(self._close)

    def show(self, suggestions: list[str], is_all: bool) -> None:
        """So many are known now."""
        if not self._is_open:
            return
        for words in suggestions[len(self._shown) :]:
            action = QAction(words.replace("&", "&&"), self._menu)
            font = action.font()
            font.setBold(True)
            action.setFont(font)
            action.triggered.connect(lambda *_arguments, words=words: self.chosen(words))
            self._menu.insertAction(self._last, action)
        self._shown = suggestions
        if is_all:
            self._last.setText(self._nothing)
            self._last.setVisible(not suggestions)

    def _close(self) -> None:
        self._is_open = False


def _add_row(menu: QMenu, before: QAction, words: str, act: Callable[[], None]) -> None:
    action = QAction(words, menu)
    action.triggered.connect(lambda *_arguments: act())
    menu.insertAction(before, action)


def _as_written(words: str, is_typographic: bool) -> str:
    """With the apostrophes of the text."""
    return words.replace("'", "\u2019") if is_typographic else words


def dictionary_words(name: str) -> str:
    """A dictionary as it stands in the menu: "en_GB" is "British English (en_GB)" in its own language."""
    locale = QLocale(name.replace("-", "_"))
    is_known = name != "" and locale.name().split("_")[0] == name.replace("-", "_").split("_")[0]
    language = locale.nativeLanguageName() if is_known else ""
    shown = shown_name(name).replace("&", "&&")
    return f"{language[:1].upper()}{language[1:]} ({shown})" if language else shown
