"""The days and goals on the disk: one small JSON file in the state folder, written through `Disk`, never sent anywhere.

    { "version": 1, "days": { "2026-11-28": [human, model, seconds] }, "document_goals": { "9f3c…": 50000 } }

For: the window. A damaged file is set aside, never a crash; what a newer version wrote is left alone and nothing is
written over it. Knows `Disk`; must not know Qt.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.document.statistics import Day, History, Tally

FILE_NAME = "statistics.json"
VERSION = 1
_LIMIT_BYTES = 4 << 20


class StatisticsStore:
    """Loads at once; `save` raises `DiskError`."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._path, self._disk = folder / FILE_NAME, disk
        self._is_foreign = False

    def load(self) -> History:
        """What is kept; empty where there is none. Never raises."""
        if not self._disk.exists(self._path):
            return History()
        try:
            plain = json.loads(self._disk.read_bytes(self._path, _LIMIT_BYTES).decode("utf-8"))
            if isinstance(plain, dict) and isinstance(plain.get("version"), int) and plain["version"] > VERSION:
                self._is_foreign = True
                return History()
            return _history(plain)
        except DocumentError:
            self._is_foreign = True  # it cannot be read: it must not be written over either
            return History()
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            self._set_aside()
            return History()

    def save(self, history: History) -> None:
        """Write it, whole or not at all."""
        if self._is_foreign:
            return
        plain = {
            "version": VERSION,
            "days": {
                date: [day.words.human, day.words.model, round(day.seconds)] for date, day in history.days.items()
            },
            "document_goals": dict(history.document_goals),
        }
        self._disk.make_folders(self._path.parent, private=True)
        self._disk.write_safely(self._path, json.dumps(plain, indent=0).encode("utf-8"), private=True)

    def _set_aside(self) -> None:
        try:
            self._disk.move(self._path, self._path.with_name(FILE_NAME + ".damaged"))
        except DocumentError:
            self._is_foreign = True


def document_key(path: Path | None) -> str:
    """A document by a digest of its path: the file of figures names nobody's texts."""
    name = str(path) if path is not None else ""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _history(plain: Any) -> History:
    days = {}
    for date, (human, model, seconds) in plain["days"].items():
        if not math.isfinite(seconds):
            raise ValueError("no number of seconds")
        days[str(date)] = Day(Tally(int(human), int(model)), max(0.0, float(seconds)))
    goals = {str(key): int(goal) for key, goal in plain.get("document_goals", {}).items()}
    return History(days, goals)
