"""Putting a theme on the application, and following the system's preference for dark and for contrast.

Knows: palette, style sheet, icons of the present theme. Must not know: any widget by name.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPalette
from PySide6.QtWidgets import QApplication

from desktop_app.look.fonts import window_font
from desktop_app.look.icons import line_icon
from desktop_app.look.resource_files import resource_file
from desktop_app.look.style_sheet import style_sheet
from desktop_app.look.tokens import Tokens, choose_theme, load_tokens

# Style sheets take pictures from files only: these are of a grey that is seen on every ground.
_STYLE_SHEET_ICONS = ("check", "down", "left", "right")


class Theme(QObject):
    """The one present theme. `changed` fires after palette and style sheet are in place."""

    changed = Signal()

    def __init__(self, application: QApplication, wanted: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._application = application
        self._themes = load_tokens()
        self._wanted = wanted
        self._tokens = self._themes["light"]
        self._is_applied = False
        application.setFont(window_font())
        self._apply()
        application.styleHints().colorSchemeChanged.connect(lambda _scheme: self._apply())

    @property
    def tokens(self) -> Tokens:
        """Its colours."""
        return self._tokens

    def use(self, wanted: str) -> None:
        """Take "auto", "light" or "dark"."""
        self._wanted = wanted
        self._apply()

    def icon(self, name: str, colour: str = "") -> QIcon:
        """A line icon in ink, or in another colour."""
        return line_icon(name, colour or self._tokens.ink, self._tokens.suggestion)

    def _apply(self) -> None:
        name = choose_theme(self._wanted, self._system_is_dark(), self._wants_contrast())
        if self._tokens == self._themes[name] and self._is_applied:
            return
        self._tokens = self._themes[name]
        self._is_applied = True
        self._application.setPalette(_palette(self._tokens))
        self._application.setStyleSheet(style_sheet(self._tokens, _style_sheet_icons()))
        self.changed.emit()

    def _system_is_dark(self) -> bool:
        return self._application.styleHints().colorScheme() == Qt.ColorScheme.Dark

    def _wants_contrast(self) -> bool:
        # Qt 6.10 and later say it; older ones do not know.
        ask = getattr(self._application.styleHints(), "accessibility", None)
        wish = getattr(ask(), "contrastPreference", None) if ask is not None else None
        return wish is not None and getattr(wish(), "name", "") == "HighContrast"


def _style_sheet_icons() -> dict[str, str]:
    return {
        f"{name}_icon": resource_file("icons", f"{name}-in-style-sheet.svg").as_posix() for name in _STYLE_SHEET_ICONS
    }


def _palette(tokens: Tokens) -> QPalette:
    role = QPalette.ColorRole
    colours = {
        role.Window: tokens.desk,
        role.WindowText: tokens.ink,
        role.Base: tokens.raised,
        role.AlternateBase: tokens.hover,
        role.Text: tokens.ink,
        role.Button: tokens.raised,
        role.ButtonText: tokens.ink,
        role.BrightText: tokens.accent,
        role.ToolTipBase: tokens.raised,
        role.ToolTipText: tokens.ink,
        role.PlaceholderText: tokens.suggestion,
        role.Highlight: tokens.selection,
        role.HighlightedText: tokens.ink,
        role.Link: tokens.accent,
        role.LinkVisited: tokens.accent,
        role.Light: tokens.raised,
        role.Midlight: tokens.hover,
        role.Mid: tokens.line,
        role.Dark: tokens.control,
        role.Shadow: tokens.shadow,
    }
    palette = QPalette()
    for place, colour in colours.items():
        palette.setColor(place, QColor(colour))
    for place in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, place, QColor(tokens.suggestion))
    return palette
