"""The Qt application, for every test of the services."""

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QCoreApplication

from desktop_app.services.languages import LanguageSwitch
from resources.i18n import update
from tests.desktop_app.services.qt import application, delete_now


@pytest.fixture(autouse=True)
def qt() -> QCoreApplication:
    return application()


@pytest.fixture
def chinese() -> Iterator[None]:
    """The window's words in Chinese."""
    switch = LanguageSwitch(application(), update.FOLDER)
    switch.apply("zh")
    yield
    switch.apply("en")
    delete_now(switch)
