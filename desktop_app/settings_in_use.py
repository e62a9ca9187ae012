"""The settings as they are now, changed from anywhere in the window and saved a moment later.

Knows: the settings store. Must not know: what a setting changes.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from desktop_app.document.errors import DocumentError
from desktop_app.services.settings import Settings, SettingsStore

SAVE_AFTER_MS = 600


class SettingsInUse(QObject):
    """`values` are the present ones. A failed save is told once and never stops anything."""

    save_failed = Signal(object)  # DocumentError

    def __init__(self, store: SettingsStore, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store = store
        self.values: Settings = store.load()
        self._has_failed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SAVE_AFTER_MS)
        self._timer.timeout.connect(self.save_now)

    def now(self) -> Settings:
        """The present values."""
        return self.values

    def change(self, **values: Any) -> None:
        """Take new values; they reach the disk soon."""
        self.replace(self.values.changed(**values))

    def replace(self, settings: Settings) -> None:
        """Take a whole set of values."""
        if settings != self.values:
            self.values = settings
            self._timer.start()

    def save_now(self) -> None:
        """Write what is not written yet."""
        self._timer.stop()
        try:
            self._store.save(self.values)
        except DocumentError as error:
            if not self._has_failed:
                self._has_failed = True
                self.save_failed.emit(error)
