"""The thin bar above the page: menus, the document's name, the model, Retry, Continue or Stop, the panel's switch.

Knows: actions and words handed to it. Must not know: where a name comes from.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenuBar, QPushButton, QSizePolicy, QToolButton, QWidget

from desktop_app.actions import Actions, plain_words
from desktop_app.look.theme import Theme

HEIGHT = 46
_MOST_FOR_DOCUMENT, _MOST_FOR_MODEL, _LEAST_FOR_WORDS = 340, 220, 60
_GAPS = 64  # between the parts of the bar, all together


class TopBar(QWidget):
    """`set_document`, `set_model` and `set_busy` say what it shows."""

    def __init__(self, actions: Actions, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("topBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self._actions, self._theme = actions, theme
        self._is_busy = False
        self._name, self._is_modified, self._model_words = "", False, ""
        self.menu_bar = QMenuBar(self)
        actions.fill(self.menu_bar)
        self._document = QLabel(self)
        self._document.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._model = QLabel(self)
        self._model.setProperty("soft", True)
        self._retry = self._tool("retry")
        self._panel = self._tool("side_panel")
        self.primary = QPushButton(self)
        self.primary.setProperty("primary", True)
        self.primary.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the caret in the text
        self.primary.setIconSize(QSize(16, 16))
        self.primary.clicked.connect(self._press)
        self._lay_out()
        theme.changed.connect(self._show_primary)
        self.retranslate_ui()

    def set_document(self, name: str, is_modified: bool) -> None:
        """The document's name; a dot marks changes that are not in its file."""
        self._name, self._is_modified = name, is_modified
        self._fit()
        words = self.tr("{name}, changes not saved") if is_modified else self.tr("{name}, saved")
        self._document.setAccessibleName(words.format(name=name))
        self._document.setToolTip(words.format(name=name))

    @property
    def document_text(self) -> str:
        """What stands in the middle."""
        return self._document.text()

    @property
    def model_text(self) -> str:
        """What is shown of the model's name."""
        return self._model.text()

    def set_model(self, words: str) -> None:
        """The model's name, or what stands in its place."""
        self._model_words = words
        self._model.setToolTip(words)
        self._model.setAccessibleName(words)
        self._fit()

    def set_busy(self, is_busy: bool) -> None:
        """Whether the one primary button stops or continues."""
        self._is_busy = is_busy
        self._show_primary()

    def retranslate_ui(self) -> None:
        """Take the words of the present language."""
        self.set_document(self._name, self._is_modified)
        for button, action in ((self._retry, "retry"), (self._panel, "side_panel")):
            button.setAccessibleName(plain_words(self._actions[action].text()))
        self.menu_bar.setAccessibleName(self.tr("Menus"))
        self._show_primary()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self._actions.retranslate()
            self.retranslate_ui()
        super().changeEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Names take the room that menus and buttons leave."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Menus and buttons are always whole; the document's name comes before the model's."""
        self.menu_bar.setMinimumWidth(self.menu_bar.sizeHint().width())
        buttons = sum(button.sizeHint().width() for button in (self._retry, self.primary, self._panel))
        room = max(0, self.width() - self.menu_bar.minimumWidth() - buttons - _GAPS)
        metrics = self.fontMetrics()
        mark = "  •" if self._is_modified else ""
        for_name = min(_MOST_FOR_DOCUMENT, room) - metrics.horizontalAdvance(mark)
        shown = metrics.elidedText(self._name, Qt.TextElideMode.ElideMiddle, max(0, for_name)) + mark
        self._document.setText(shown)
        for_model = min(_MOST_FOR_MODEL, room - metrics.horizontalAdvance(shown))
        words = metrics.elidedText(self._model_words, Qt.TextElideMode.ElideRight, for_model)
        self._model.setText(words if for_model >= _LEAST_FOR_WORDS else "")

    def _press(self) -> None:
        self._actions["stop" if self._is_busy else "continue"].trigger()

    def _show_primary(self) -> None:
        action = self._actions["stop" if self._is_busy else "continue"]
        plain = plain_words(action.text())
        self.primary.setText(plain)
        self.primary.setIcon(self._theme.icon("stop" if self._is_busy else "continue", self._theme.tokens.on_accent))
        self.primary.setToolTip(action.toolTip())
        self.primary.setAccessibleName(plain)
        self.primary.setMinimumWidth(118)
        self._fit()

    def _tool(self, action: str) -> QToolButton:
        button = QToolButton(self)
        button.setDefaultAction(self._actions[action])
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        button.setIconSize(QSize(18, 18))
        button.setProperty("quiet", True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _lay_out(self) -> None:
        right = QWidget(self)
        row = QHBoxLayout(right)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addStretch(1)
        for widget in (self._model, self._retry, self.primary, self._panel):
            row.addWidget(widget)
        row.insertSpacing(2, 4)
        self.menu_bar.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        bar = QHBoxLayout(self)
        bar.setContentsMargins(8, 0, 10, 0)
        # Equal stretches left and right keep the name in the middle of the window.
        bar.addWidget(self.menu_bar, 1)
        bar.addWidget(self._document, 0)
        bar.addWidget(right, 1)
