"""Fixtures for the tests of the panels."""

from tests.desktop_app.window_fixtures import kit, silent_qt

__all__ = ["kit", "silent_qt"]
