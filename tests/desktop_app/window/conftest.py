"""Fixtures for the tests of the window."""

from pathlib import Path

import pytest

from tests.desktop_app.window_fixtures import kit, silent_qt

__all__ = ["kit", "silent_qt"]


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """A folder of its own, for a disk that does not answer."""
    made = tmp_path / "share"
    made.mkdir()
    return made
