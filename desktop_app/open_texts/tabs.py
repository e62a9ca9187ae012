"""The open texts of the window, one tab each: made, brought to the front, closed, kept for the next start.

    new, adopt → Tab ⇄ TabArea (which tab is where, which one is in front)

A generation goes on in a tab that is left: who looks something up in another text finds it done. It ends with its tab.

Knows: tabs and the area that shows them. Must not know: bars, panels, how a file is opened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from desktop_app.document.file_claims import FileClaim
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.shown_name import shown_name, shown_path
from desktop_app.open_texts import document_questions as questions
from desktop_app.open_texts.tab import Shared, Tab
from desktop_app.panels.tab_area import TabArea


class Tabs(QObject):
    """There is always a tab, and one in front. Signals carry the tab that they are about."""

    made = Signal(object)
    current_changed = Signal(object)
    shown_anew = Signal(object)  # another text is on its page
    touched = Signal(object)  # its text or caret
    scrolled = Signal(object)
    changed = Signal(object)  # its name, file, mark, place
    closed = Signal(object)
    told = Signal(str)
    file_used = Signal(object)  # str, as in OpenDocument

    def __init__(self, shared: Shared, area: TabArea, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shared, self._area, self._dialogs = shared, area, shared.dialogs
        self._all: dict[QWidget, Tab] = {}
        self._front: Tab | None = None
        area.currentChanged.connect(self._on_current)
        area.tabCloseRequested.connect(lambda index: self.close(self._tab_at(index)))
        area.tabBar().tabMoved.connect(lambda _from, _to: self.changed.emit(self.current))
        self._put(self._make())

    @property
    def current(self) -> Tab:
        """The one in front."""
        return self._tab_at(self._area.currentIndex())

    @property
    def all(self) -> tuple[Tab, ...]:
        """In the order in which they stand."""
        return tuple(self._tab_at(index) for index in range(self._area.count()))

    # ---- commands ---------------------------------------------------------------------------------------------

    def new(self, text: str = "", is_unsaved: bool = False) -> Tab:
        """A tab in front with a text that has no file. `is_unsaved`: losing it would lose something."""
        current = self.current
        is_free = current.document.is_untouched and (text or current.view.text())
        tab = current if is_free else self._put(self._make())
        tab.document.show_text(text, is_unsaved)
        self._number(tab)
        tab.view.setFocus()
        return tab

    def for_file(self) -> Tab:
        """A tab in front that a file can be shown in: a new one, unless nothing is in the present one."""
        return self.current if self.current.document.is_untouched else self._put(self._make())

    def bring_to_front(self, tab: Tab) -> None:
        """Show it."""
        self._area.setCurrentWidget(tab.view)

    def step(self, by: int) -> None:
        """To the next tab (1) or the previous one (-1), round the end."""
        self._area.setCurrentIndex((self._area.currentIndex() + by) % self._area.count())

    def close(self, tab: Tab | None = None) -> bool:
        """Close a tab, the one in front where none is named, after asking about its text; whether it is closed.

        The window keeps a page: with its last tab gone it shows an empty one.
        """
        tab = tab or self.current
        if tab.document.needs_question():
            self.bring_to_front(tab)
        if not tab.document.may_leave():
            return False
        if len(self._all) == 1:
            self._put(self._make())
        had_focus = tab.view.hasFocus()
        self._area.removeTab(self._area.indexOf(tab.view))
        del self._all[tab.view]
        tab.close()
        self.closed.emit(tab)
        if had_focus:
            self.current.view.setFocus()
        return True

    def may_quit(self) -> bool:
        """Ask about every file's changes, each in front; a text without a file stays for the next start.

        Nothing is given up before all questions are answered: who cancels the last one has lost nothing.
        """
        given_up: list[Tab] = []
        for tab in self.all:
            if tab.document.path is None or not tab.document.is_modified or not tab.document.needs_question():
                continue
            self.bring_to_front(tab)
            answer = questions.ask_to_save(self._dialogs, tab.document.name)
            if answer == questions.DISCARD:
                given_up.append(tab)
            elif answer != questions.SAVE or not tab.document.save():
                return False
        for tab in given_up:
            tab.document.give_up()
        return True

    def stop_all(self) -> None:
        """End every generation."""
        for tab in self.all:
            tab.continuation.stop()

    # ---- the next start ---------------------------------------------------------------------------------------

    def snapshots(self) -> tuple[KeptDocument, ...]:
        """Every document as the recovery store keeps it, in the order of the tabs."""
        return tuple(tab.document.snapshot() for tab in self.all)

    def restore(
        self, kept: Sequence[KeptDocument], front: int = 0, claims: Mapping[str, FileClaim] | None = None
    ) -> None:
        """The documents of the last session, one tab each; those that are not in front sleep until they are.

        `claims`: the files that are held for them, by their keys.
        """
        for document in kept:
            tab = self.current if document is kept[0] and self.current.document.is_untouched else self._make()
            tab.document.sleep(document, (claims or {}).get(document.key))
            self._put(tab, in_front=False)
            self._number(tab)
        if kept:
            self._area.setCurrentIndex(self._area.count() - len(kept) + front)
            self.current.come_to_front()

    # ---- inside -----------------------------------------------------------------------------------------------

    def _make(self) -> Tab:
        tab = Tab(self._shared, self)
        tab.view.textChanged.connect(lambda: self.touched.emit(tab))
        tab.view.cursorPositionChanged.connect(lambda: self.touched.emit(tab))
        tab.view.verticalScrollBar().valueChanged.connect(lambda _value: self.scrolled.emit(tab))
        tab.document.changed.connect(lambda: self._on_changed(tab))
        tab.document.replaced.connect(lambda: self.shown_anew.emit(tab))
        tab.document.told.connect(self.told)
        tab.document.file_used.connect(self.file_used)
        tab.continuation.told.connect(lambda words: self.told.emit(self._of(tab, words)))
        tab.continuation.state_changed.connect(lambda _state: self._on_changed(tab))
        return tab

    def _put(self, tab: Tab, in_front: bool = True) -> Tab:
        if tab.view not in self._all:
            self._all[tab.view] = tab
            self._area.addTab(tab.view, "")
            self.made.emit(tab)
            self._number(tab)
        if in_front:
            self.bring_to_front(tab)
        self._on_changed(tab)
        return tab

    def _number(self, tab: Tab) -> None:
        """Texts without a file are told apart by the smallest number that is free."""
        taken = {other.document.number for other in self._all.values() if other is not tab and not other.document.path}
        tab.document.set_number(next(number for number in range(1, len(taken) + 2) if number not in taken))
        self._on_changed(tab)

    def _of(self, tab: Tab, words: str) -> str:
        return words if tab is self.current else f"{tab.document.name}: {words}"

    def _tab_at(self, index: int) -> Tab:
        return self._all[self._area.page(index)]

    def _on_current(self, index: int) -> None:
        tab = self._tab_at(index) if index >= 0 else None
        if tab is not None and tab is not self._front:
            self._front = tab
            tab.come_to_front()
            self.current_changed.emit(tab)

    def _on_changed(self, tab: Tab) -> None:
        if tab.view in self._all:
            self._show_titles()
            self.changed.emit(tab)

    def _show_titles(self) -> None:
        tabs = self.all
        names = [tab.document.name for tab in tabs]
        for index, (tab, name) in enumerate(zip(tabs, names, strict=True)):
            path = tab.document.path
            is_doubtful = path is not None and names.count(name) > 1
            shown = f"{name} — {shown_name(path.parent.name)}" if path is not None and is_doubtful else name
            self._area.show_title(
                index, shown, shown_path(path or name), tab.document.is_modified, tab.continuation.is_busy
            )

    def retranslate_ui(self) -> None:
        """Take the words of the present language."""
        self._show_titles()
