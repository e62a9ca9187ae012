"""The pages behind a row of tabs: names, a mark for what is not saved, a button that closes; no row for a single page.

A middle click closes, a drag changes the order, the wheel walks. Knows: titles handed to it. Must not know: documents.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QTabBar, QTabWidget, QToolButton, QWidget

from desktop_app.look.theme import Theme

MODIFIED, BUSY = "•", "…"
_ICON = 12
_LEAST_WIDTH = 180  # of a tab whose name is longer


class DocumentTabBar(QTabBar):
    """A row of tabs in which a middle click closes."""

    middle_clicked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pressed = -1
        self.setObjectName("documentTabs")
        self.setMovable(True)
        self.setExpanding(False)
        self.setDrawBase(False)
        self.setUsesScrollButtons(True)
        self.setElideMode(Qt.TextElideMode.ElideMiddle)
        self.setSelectionBehaviorOnRemove(QTabBar.SelectionBehavior.SelectPreviousTab)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the caret in the text

    def minimumTabSizeHint(self, index: int) -> QSize:
        """A name is not cut to nothing where there is no room: the row scrolls instead."""
        wanted = self.tabSizeHint(index)
        return QSize(min(wanted.width(), _LEAST_WIDTH), wanted.height())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember where the middle button went down."""
        self._pressed = -1
        if event.button() == Qt.MouseButton.MiddleButton:
            self._pressed = self.tabAt(event.position().toPoint())
            event.accept()
            return
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Close the tab that the middle button was pressed and released on."""
        if event.button() == Qt.MouseButton.MiddleButton:
            if self._pressed >= 0 and self._pressed == self.tabAt(event.position().toPoint()):
                self.middle_clicked.emit(self._pressed)
            event.accept()
            return
        super().mouseReleaseEvent(event)


class TabArea(QTabWidget):
    """`show_title` names a tab; `tabCloseRequested` says that the person wants one closed."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._has_row = True
        self._titles: dict[QWidget, tuple[str, str, bool, bool]] = {}
        self.setObjectName("tabArea")
        self.setDocumentMode(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its row takes the focus
        bar = DocumentTabBar(self)
        bar.middle_clicked.connect(self.tabCloseRequested)
        self.setTabBar(bar)
        bar.hide()
        theme.changed.connect(self._renew_icons)
        self.retranslate_ui()

    def page(self, index: int) -> QWidget:
        """The page of a tab that is there."""
        page = self.widget(index)
        if page is None:
            raise IndexError(f"there is no tab {index}")
        return page

    def show_title(self, index: int, name: str, place: str, is_modified: bool, is_busy: bool) -> None:
        """What a tab says. `place`: its path, or its name again; `is_busy`: the model writes in it."""
        title = (name, place, is_modified, is_busy)
        page = self.page(index)
        if self._titles.get(page) != title:
            self._titles[page] = title
            self._write(index)

    def show_row(self, is_shown: bool) -> None:
        """Whether several pages have their row; a single one has none."""
        self._has_row = is_shown
        self.tabBar().setVisible(is_shown and self.count() > 1)

    def tabInserted(self, index: int) -> None:
        """A single page has no row, so its button waits for the second."""
        super().tabInserted(index)
        self._give_buttons()
        self.show_row(self._has_row)

    def tabRemoved(self, index: int) -> None:
        """What was said of it goes with it."""
        super().tabRemoved(index)
        self.show_row(self._has_row)
        pages = {self.page(each) for each in range(self.count())}
        self._titles = {page: title for page, title in self._titles.items() if page in pages}

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate_ui()
        super().changeEvent(event)

    def retranslate_ui(self) -> None:
        """Take the words of the present language."""
        self.tabBar().setAccessibleName(self.tr("Open texts"))
        for index in range(self.count()):
            if self.page(index) in self._titles:
                self._write(index)

    def _write(self, index: int) -> None:
        name, place, is_modified, is_busy = self._titles[self.page(index)]
        marks = "".join(" " + mark for mark, holds in ((MODIFIED, is_modified), (BUSY, is_busy)) if holds)
        self.setTabText(index, name.replace("&", "&&") + marks)
        states = [self.tr("changes not saved")] if is_modified else []
        states += [self.tr("the model is writing")] if is_busy else []
        self.setTabToolTip(index, "\n".join((place, *states)))
        spoken = name
        for state in states:
            spoken = self.tr("{words}, {more}").format(words=spoken, more=state)
        self.tabBar().setAccessibleTabName(index, spoken)
        button = self.tabBar().tabButton(index, QTabBar.ButtonPosition.RightSide)
        if button is not None:
            self._name(button, name)

    def _name(self, button: QWidget, name: str) -> None:
        words = self.tr("Close {name}").format(name=name)
        button.setToolTip(words)
        button.setAccessibleName(words)

    def _give_buttons(self) -> None:
        if self.count() < 2:
            return
        for index in range(self.count()):
            if self.tabBar().tabButton(index, QTabBar.ButtonPosition.RightSide) is None:
                self.tabBar().setTabButton(index, QTabBar.ButtonPosition.RightSide, self._button(self.page(index)))
                if self.page(index) in self._titles:
                    self._write(index)

    def _button(self, page: QWidget) -> QToolButton:
        button = QToolButton(self.tabBar())
        button.setObjectName("closeTab")
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # Ctrl+W closes
        button.setIconSize(QSize(_ICON, _ICON))
        button.setIcon(self._theme.icon("close", self._theme.tokens.ink_soft))
        button.clicked.connect(lambda: self.tabCloseRequested.emit(self.indexOf(page)))
        return button

    def _renew_icons(self) -> None:
        for index in range(self.count()):
            button = self.tabBar().tabButton(index, QTabBar.ButtonPosition.RightSide)
            if isinstance(button, QToolButton):
                button.setIcon(self._theme.icon("close", self._theme.tokens.ink_soft))
