"""Fixtures of all tests with a window: the kit, and the rule that Qt says nothing unexpected."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QMessageLogContext, QtMsgType, qInstallMessageHandler

from tests.desktop_app.services.qt import application
from tests.desktop_app.window_kit import Kit

# What the offscreen platform says of itself and of the fonts that are installed; none of it is about our code. (A model
# with random weights writes letters of any script, other ones on other processors.)
EXPECTED = (
    "This plugin does not support",
    "propagateSizeHints",
    "QFontDatabase: Cannot find font directory",
    "OpenType support missing for",
)


@pytest.fixture(autouse=True)
def silent_qt() -> Iterator[list[str]]:
    """A test fails when Qt warned about something."""
    said: list[str] = []

    def note(kind: QtMsgType, _context: QMessageLogContext, message: str) -> None:
        if kind != QtMsgType.QtDebugMsg and not any(expected in message for expected in EXPECTED):
            said.append(message)

    before = qInstallMessageHandler(note)
    yield said
    qInstallMessageHandler(before)
    assert not said, said


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[Kit]:
    """A window with an open model."""
    made = Kit(tmp_path, application())
    made.bridge.come_up()
    yield made
    made.close()
