"""The Qt application, for every test of the services."""

import pytest
from PySide6.QtCore import QCoreApplication

from tests.desktop_app.services.qt import application


@pytest.fixture(autouse=True)
def qt() -> QCoreApplication:
    return application()
