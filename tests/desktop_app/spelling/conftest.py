"""Fixtures for the tests of the spell check."""

from tests.desktop_app.window_fixtures import silent_qt

__all__ = ["silent_qt"]
