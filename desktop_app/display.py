"""The display: whether one is named, and the Qt application on it; one that does not answer is a line, not a crash.

Qt ends the process with SIGABRT (and a core file) where its platform plugin cannot start: an X server that is gone,
that refuses, or that is just starting over. Its last message is caught here: a sentence and exit status 1.

Knows: how Qt comes up. Must not know: what is shown.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Qt is loaded only after the questions that need no window
    from PySide6.QtCore import QMessageLogContext, QtMsgType
    from PySide6.QtWidgets import QApplication

DISPLAY_VARIABLES = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
WAY_OUT = 'in a terminal use: nextstroke generate "Once upon a time"'
FAILED = 1


def has_display(environment: Mapping[str, str], platform: str) -> bool:
    """Whether a window can open: always outside Linux, there with a display or a chosen Qt platform."""
    if not platform.startswith("linux"):
        return True
    return any(environment.get(name) for name in DISPLAY_VARIABLES)


def open_application(program: str, version: str) -> QApplication:
    """The Qt application. Ends the process with one line and status 1 where the display does not answer."""
    from PySide6.QtCore import qInstallMessageHandler
    from PySide6.QtWidgets import QApplication

    said: list[tuple[str, str]] = []
    before = qInstallMessageHandler(lambda kind, context, words: _take(said, kind, context, words))
    try:
        # The style by its option: asking for a style object makes the binding load every style and widget class.
        application = QApplication([program, "-style", "fusion"])
    finally:
        qInstallMessageHandler(before)
    if sys.stderr is not None:
        for _category, line in said:
            print(line, file=sys.stderr)
    application.setApplicationName("nextstroke")
    application.setApplicationDisplayName("")
    application.setApplicationVersion(version)
    application.setDesktopFileName("nextstroke")
    return application


def _take(said: list[tuple[str, str]], kind: QtMsgType, context: QMessageLogContext, words: str) -> None:
    """Remember what Qt says: (category, or "" for what is of no weight; words). The fatal one ends the process."""
    from PySide6.QtCore import QtMsgType

    if kind != QtMsgType.QtFatalMsg:
        is_weighty = kind in (QtMsgType.QtWarningMsg, QtMsgType.QtCriticalMsg)
        said.append((str(context.category or "default") if is_weighty else "", words))
        return
    try:
        named = " ".join(f"{name}={os.environ[name]}" for name in DISPLAY_VARIABLES if os.environ.get(name))
        reason = _reason(said, words)
        if sys.stderr is not None:  # None where the program was started with stderr closed
            sys.stderr.write(f"error: the display ({named}) cannot be opened: {reason}; check it, or {WAY_OUT}\n")
            sys.stderr.flush()
    finally:
        os._exit(FAILED)  # Qt aborts when this returns; nothing has been opened yet that would need an end


def _reason(said: list[tuple[str, str]], fatal: str) -> str:
    """The last word of a platform itself (qt.qpa.xcb); else of Qt, which ends with a general hint (qt.qpa.plugin)."""
    weighty = [(category, words) for category, words in said if category]
    own = [words for category, words in weighty if category.startswith("qt.qpa.") and category != "qt.qpa.plugin"]
    found = own or [words for _, words in weighty] or [fatal]
    return found[-1].strip().partition("\n")[0]
