"""The panel beside the page: tabs, one subject each.

Knows: titles and pages. Must not know: what a page shows.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, Qt
from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

LEAST_WIDTH, MOST_WIDTH = 220, 560


class SidePanel(QWidget):
    """`add_tab` takes a page and a function that gives its title in the present language."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("sidePanel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setMinimumWidth(LEAST_WIDTH)
        self.setMaximumWidth(MOST_WIDTH)
        self._titles: list[Callable[[], str]] = []
        self._tabs = QTabWidget(self)
        self._tabs.setDocumentMode(True)
        self._tabs.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its tab bar takes the focus
        self._tabs.tabBar().setDrawBase(False)
        self._tabs.tabBar().setExpanding(False)
        self._tabs.setStyleSheet("QTabWidget::tab-bar { left: 18px; top: 6px; }")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 0)
        column.addWidget(self._tabs)

    def add_tab(self, page: QWidget, title: Callable[[], str]) -> None:
        """One more subject."""
        self._titles.append(title)
        self._tabs.addTab(page, title())
        # One subject needs no row of tabs: its page has its own heading.
        self._tabs.tabBar().setVisible(self._tabs.count() > 1)
        self._tabs.tabBar().setAccessibleName(self.tr("Side panel"))

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() == QEvent.Type.LanguageChange:
            for index, title in enumerate(self._titles):
                self._tabs.setTabText(index, title())
            self._tabs.tabBar().setAccessibleName(self.tr("Side panel"))
        super().changeEvent(event)
