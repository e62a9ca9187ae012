"""The person's settings: declared once with their defaults and limits, kept as TOML with only what differs.

    settings.toml → numbered migrations → values checked one by one → Settings (frozen) → settings.toml

A damaged file is set aside and said, never a crash; a value out of its limits falls back to the default and is said;
names of a newer version are kept untouched. Knows names, defaults and limits; must not know widgets or what a setting
changes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from desktop_app.document.disk import Disk
from desktop_app.document.errors import MISSING, DocumentError
from desktop_app.services.flat_toml import write_flat_toml

RECENT_FILES_BOUND = 12
_SIZE_LIMIT_BYTES = 1 << 20
_VERSION_KEY = "settings_version"


def _choice(default: str, *choices: str) -> Any:
    return field(default=default, metadata={"choices": choices})


def _number(default: float, least: float, most: float) -> Any:
    return field(default=default, metadata={"least": least, "most": most})


@dataclass(frozen=True)
class Settings:
    """Every setting of the window with its default. A new setting is one new line here."""

    language: str = _choice("auto", "auto", "en", "zh")
    theme: str = _choice("auto", "auto", "light", "dark")
    origin_marks: str = _choice("generated", "none", "generated", "all")
    check_spelling: bool = True
    dictionary: str = "en_US"  # by the name of its files
    font_family: str = ""  # "" = the best serif of the system
    font_size_pt: int = _number(15, 8, 48)
    temperature: float = _number(0.8, 0.0, 5.0)
    top_k: int = _number(0, 0, 1_000_000)
    top_p: float = _number(0.95, 0.0, 1.0)
    min_p: float = _number(0.05, 0.0, 1.0)
    repetition_penalty: float = _number(1.1, 0.5, 5.0)
    max_tokens: int = _number(96, 1, 100_000)
    model: str = ""  # "" = the bundled one
    device: str = _choice("auto", "auto", "cpu", "cuda")
    window_geometry: str = ""  # Qt's own bytes, base64
    window_state: str = ""
    side_panel_visible: bool = True
    side_panel_width: int = _number(300, 120, 2000)
    reopen_texts: bool = True  # at the next start; what was not saved comes back in any case
    export_python: str = ""  # a Python that has the export extra
    last_folder: str = ""
    last_exchange_folder: str = ""  # of exports and imports
    author: str = ""  # of exported books
    goal_session: int = _number(0, 0, 1_000_000)  # words; 0 = none
    goal_day: int = _number(0, 0, 1_000_000)
    autosave_text_files: bool = False  # .nextstroke documents go into their files by themselves in any case
    recent_files: tuple[str, ...] = ()

    def with_recent_file(self, path: str) -> Settings:
        """These settings with `path` as the most recent file; one whose name is no text cannot be kept."""
        if any("\ud800" <= character <= "\udfff" for character in path):
            return self
        others = tuple(known for known in self.recent_files if known != path)
        return replace(self, recent_files=(path, *others)[:RECENT_FILES_BOUND])

    def changed(self, **values: Any) -> Settings:
        """These settings with some values replaced; values out of their limits are drawn to the nearest limit."""
        known = {entry.name: entry for entry in fields(Settings)}
        return replace(self, **{name: _nearest(known[name].metadata, value) for name, value in values.items()})


DEFAULTS = Settings()

Plain = dict[str, Any]
# Append only. Migration N turns a file of version N into one of version N + 1; a file without a number is of version 0.
MIGRATIONS: tuple[Callable[[Plain], Plain], ...] = (
    lambda plain: plain,  # 0 → 1: the first version that writes its number
)
VERSION = len(MIGRATIONS)


class SettingsStore:
    """Loads and saves the settings. `notices` says what could not be taken over at loading, as (kind, English line)."""

    def __init__(self, path: Path, disk: Disk) -> None:
        self.path = path
        self.notices: tuple[tuple[str, str], ...] = ()
        self._disk = disk
        self._foreign: Plain = {}  # what a newer version wrote; kept
        self._is_unread = False  # a file is there, and the disk did not give it

    def load(self) -> Settings:
        """The settings, defaults where there are none. Never raises: `notices` carries what went wrong."""
        self.notices = ()
        self._foreign = {}
        self._is_unread = False
        try:
            plain = self._read()
        except DocumentError as error:
            if error.kind == MISSING:
                return DEFAULTS
            self._is_unread = True
            self._notice(error.kind, f"the settings cannot be read, the defaults are used: {error}")
            return DEFAULTS
        except (ValueError, RecursionError):  # TOML's and UTF-8's errors are ValueErrors
            self._set_aside()
            return DEFAULTS
        return self._check(plain)

    def save(self, settings: Settings) -> None:
        """Write what differs from the defaults. Raises `DiskError`.

        A file that could not be read at the start is read now, and what it holds stays but for what was changed since;
        while it cannot be read, nothing is written over it.
        """
        differing = differing_from_defaults(settings)
        if self._is_unread:
            differing = differing_from_defaults(self._read_late()) | differing
            self._is_unread = False
        text = write_flat_toml({_VERSION_KEY: VERSION, **differing, **self._foreign})
        self._disk.make_folders(self.path.parent, private=True)
        self._disk.write_safely(self.path, text.encode("utf-8"), private=True)

    def _read(self) -> Plain:
        data = self._disk.read_bytes(self.path, _SIZE_LIMIT_BYTES)
        plain = tomllib.loads(data.decode("utf-8-sig"))
        version = plain.pop(_VERSION_KEY, 0)
        if not isinstance(version, int) or version < 0:
            raise ValueError("the version is no number")
        for migration in MIGRATIONS[version:]:
            plain = migration(plain)
        return plain

    def _read_late(self) -> Settings:
        try:
            return self._check(self._read())
        except DocumentError as error:
            if error.kind != MISSING:
                raise
        except (ValueError, RecursionError):
            self._set_aside()
        return DEFAULTS

    def _check(self, plain: Mapping[str, Any]) -> Settings:
        known = {entry.name: entry for entry in fields(Settings)}
        values: Plain = {}
        refused: list[str] = []
        for name, value in plain.items():
            if name not in known:
                if isinstance(value, (bool, int, float, str)):
                    self._foreign[name] = value
                continue
            taken = _taken(known[name].metadata, getattr(DEFAULTS, name), value)
            if taken is None:
                refused.append(name)
            else:
                values[name] = taken
        if refused:
            names = ", ".join(sorted(refused))
            self._notice("settings_refused", f"the settings {names} make no sense and are back at their defaults")
        return Settings(**values)

    def _set_aside(self) -> None:
        aside = self.path.with_name(self.path.name + ".damaged")
        try:
            self._disk.move(self.path, aside)
            line = f"the settings file is damaged; the defaults are used and it is kept as {aside.name}"
        except DocumentError as error:
            line = f"the settings file is damaged; the defaults are used ({error})"
        self._notice("settings_damaged", line)

    def _notice(self, kind: str, line: str) -> None:
        self.notices = (*self.notices, (kind, line))


def differing_from_defaults(settings: Settings) -> Plain:
    """The values that were set by somebody."""
    names = [entry.name for entry in fields(Settings)]
    return {name: getattr(settings, name) for name in names if getattr(settings, name) != getattr(DEFAULTS, name)}


def _taken(limits: Mapping[str, Any], default: Any, value: Any) -> Any:
    """The value as the setting's own type, or None where it is of another type or out of its limits."""
    if isinstance(default, tuple):
        is_list_of_text = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return tuple(value) if is_list_of_text else None
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not type(default):
        return None
    return value if _nearest(limits, value) == value else None


def _nearest(limits: Mapping[str, Any], value: Any) -> Any:
    if "choices" in limits:
        return value if value in limits["choices"] else limits["choices"][0]
    if "least" in limits:
        # A not-a-number compares false with everything, so max() gives the lower limit back.
        return type(value)(max(limits["least"], min(value, limits["most"])))
    return value
