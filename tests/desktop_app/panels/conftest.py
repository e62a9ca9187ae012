"""Fixtures for the tests of the panels."""

from tests.desktop_app.services.conftest import chinese
from tests.desktop_app.window_fixtures import kit, silent_qt

__all__ = ["chinese", "kit", "silent_qt"]
