"""The style sheet of all widgets around the page, one template filled with the tokens of a theme.

Knows: object names and properties that the panels set. Must not know: Qt, what a button does.
"""

from __future__ import annotations

from dataclasses import asdict
from string import Template

from desktop_app.look.tokens import Tokens

_TEMPLATE = Template(
    """
QMainWindow, QDialog, #desk { background: $desk; color: $ink; }
QLabel { color: $ink; background: transparent; }
QLabel[soft="true"] { color: $ink_soft; }
QLabel[heading="true"] { color: $ink_soft; font-weight: 600; }
QToolTip { background: $raised; color: $ink; border: 1px solid $line; padding: 4px 7px; }

#topBar { background: $desk; border-bottom: 1px solid $line; }
#statusLine { background: $desk; border-top: 1px solid $line; }
#statusLine QLabel { color: $ink_soft; padding: 0 2px; }
#statusLine QLabel[attention="true"] { color: $ink; }
#sidePanel { background: $desk; }
#sidePanel QScrollArea, #sidePanel QScrollArea > QWidget > QWidget { background: transparent; border: none; }

QMenuBar { background: transparent; color: $ink; spacing: 0; padding: 0; }
QMenuBar::item { background: transparent; padding: 6px 9px; border-radius: 5px; margin: 0; }
QMenuBar::item:selected { background: $hover; }
QMenu { background: $raised; color: $ink; border: 1px solid $line; padding: 5px; }
QMenu::item { padding: 6px 26px 6px 26px; border-radius: 4px; }
QMenu::item:selected { background: $hover; color: $ink; }
QMenu::item:disabled { color: $suggestion; }
QMenu::separator { height: 1px; background: $line; margin: 5px 8px; }
QMenu::indicator { width: 14px; height: 14px; left: 7px; }
QMenu::indicator:checked { image: url($check_icon); }

QPushButton, QToolButton { background: transparent; color: $ink; border: 1px solid $line; border-radius: 6px;
    padding: 5px 13px; }
QPushButton:hover, QToolButton:hover { background: $hover; }
QPushButton:pressed, QToolButton:pressed { background: $line; }
QPushButton:focus, QToolButton:focus { border: 1px solid $accent; }
QPushButton:disabled, QToolButton:disabled { color: $suggestion; }
QToolButton[quiet="true"] { border: 1px solid transparent; padding: 5px; }
QFileDialog QToolButton { padding: 4px; }
QToolButton[quiet="true"]:focus { border: 1px solid $accent; }
QToolButton[quiet="true"]:checked { background: $hover; }
QPushButton[primary="true"] { background: $accent; color: $on_accent; border: 1px solid $accent; font-weight: 600;
    padding: 5px 15px; }
QPushButton[primary="true"]:hover { background: $accent_hover; border-color: $accent_hover; }
QPushButton[primary="true"]:focus { border: 1px solid $ink; }
QPushButton[primary="true"]:disabled { background: $hover; color: $ink_soft; border-color: $hover; }

QLineEdit, QComboBox, QSpinBox { background: $raised; color: $ink; border: 1px solid $control; border-radius: 6px;
    padding: 5px 8px; selection-background-color: $selection; selection-color: $ink; }
QSpinBox { padding: 2px 6px; min-height: 24px; }
QSpinBox::up-button, QSpinBox::down-button { subcontrol-origin: border; width: 0px; } /* else no room for the figure */
QSpinBox QLineEdit { border: none; padding: 0 6px; background: transparent; }
QCheckBox { color: $ink; spacing: 8px; }
QCheckBox::indicator { width: 15px; height: 15px; background: $raised; border: 1px solid $control; border-radius: 4px; }
QCheckBox::indicator:checked { image: url($check_icon); }
QCheckBox::indicator:focus { border: 1px solid $accent; }
QLineEdit:focus, QSpinBox:focus, QComboBox:focus, QComboBox:on { border: 1px solid $accent; }
QLineEdit:disabled, QComboBox:disabled { color: $suggestion; }
QComboBox::drop-down { border: none; width: 24px; }
QComboBox::down-arrow { image: url($down_icon); width: 14px; height: 14px; }
QComboBox QAbstractItemView { background: $raised; color: $ink; border: 1px solid $line; padding: 4px; outline: 0;
    selection-background-color: $hover; selection-color: $ink; }
QSlider { min-height: 22px; }
QSlider::groove:horizontal { height: 3px; background: $line; border-radius: 1px; }
QSlider::sub-page:horizontal { background: $control; border-radius: 1px; }
QSlider::handle:horizontal { width: 14px; height: 14px; margin: -6px 0; border-radius: 7px; background: $raised;
    border: 1px solid $control; }
QSlider::handle:horizontal:hover { border-color: $accent; }
QSlider::handle:horizontal:focus { background: $accent; border-color: $accent; }
QProgressBar { background: $line; border: none; border-radius: 2px; max-height: 4px; min-height: 4px; }
QProgressBar::chunk { background: $accent; border-radius: 2px; }

QTabBar { background: transparent; }
QTabBar::tab { background: transparent; color: $ink_soft; padding: 7px 4px; margin-right: 14px; border: none;
    border-bottom: 2px solid transparent; }
QTabBar::tab:selected { color: $ink; border-bottom: 2px solid $accent; font-weight: 600; }
QTabBar::tab:focus { color: $accent; }
QTabWidget::pane { border: none; }
#documentTabs { background: $desk; }
#tabArea::tab-bar { left: 5px; }
#documentTabs::tab { padding: 6px 4px 6px 12px; margin: 0 2px 0 0; max-width: 200px; }
#documentTabs::tear { width: 0; image: none; }
#documentTabs::scroller { width: 44px; }
#documentTabs QToolButton { background: $desk; border: none; border-radius: 0; padding: 0; }
#documentTabs QToolButton::left-arrow { image: url($left_icon); width: 14px; height: 14px; }
#documentTabs QToolButton::right-arrow { image: url($right_icon); width: 14px; height: 14px; }
#documentTabs QToolButton#closeTab { background: transparent; border: 1px solid transparent; border-radius: 4px;
    padding: 1px; margin: 0 2px; }

QScrollBar:vertical { background: transparent; width: 11px; margin: 2px; }
QScrollBar::handle:vertical { background: $line; border-radius: 3px; min-height: 34px; }
QScrollBar::handle:vertical:hover { background: $control; }
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page { background: none; border: none;
    height: 0; width: 0; }
#pageScrollBar, QPlainTextEdit QScrollBar { background: $desk; }
QSplitter::handle { background: $line; }
QListWidget { background: $raised; color: $ink; border: 1px solid $line; border-radius: 6px; padding: 4px; outline: 0; }
QListWidget::item { padding: 6px 8px; border-radius: 4px; }
QListWidget::item:selected { background: $selection; color: $ink; }
QListWidget:focus { border: 1px solid $accent; }
#difference { background: $paper; border: 1px solid $line; border-radius: 6px; }
#difference:focus { border: 1px solid $accent; }
#documentTabs QToolButton#closeTab:hover { background: $hover; }
#findBar { background: $desk; border-bottom: 1px solid $line; }
#certificate { background: $raised; border: 1px solid $line; border-radius: 8px; }
#dialogTitle { font-weight: 600; }
"""
)


def style_sheet(tokens: Tokens, icon_files: dict[str, str]) -> str:
    """The style sheet of one theme. `icon_files`: paths for `check_icon`, `down_icon`, `left_icon`, `right_icon`."""
    return _TEMPLATE.substitute({**asdict(tokens), **icon_files})
