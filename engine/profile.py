r"""Where the program keeps what belongs to one person: the platform's standard folders, or all of it under one folder.

    NEXTSTROKE_PROFILE=DIR   DIR/data, DIR/state, DIR/config, DIR/cache    (what --profile sets; also the portable mode)
    Linux and others         the XDG base directories
    macOS                    ~/Library/Application Support/Nextstroke, ~/Library/Caches/Nextstroke
    Windows                  %LOCALAPPDATA%\Nextstroke

Knows environment variables and platform names; must not create a folder or know what lies in one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.contracts.errors import FileError

PROFILE_VARIABLE = "NEXTSTROKE_PROFILE"
MODELS_FOLDER = "models"


@dataclass(frozen=True)
class Profile:
    """The per-user folders: `data` is kept (models), `state` is kept but local, `cache` can be deleted at any time."""

    data: Path
    state: Path
    config: Path
    cache: Path

    @property
    def models(self) -> Path:
        """Folder of the models that this person added."""
        return self.data / MODELS_FOLDER


def find_profile(environment: Mapping[str, str] | None = None, platform: str = sys.platform) -> Profile:
    """The folders of this person on this platform; none of them need exist yet."""
    variables = os.environ if environment is None else environment
    chosen = variables.get(PROFILE_VARIABLE)
    if chosen:
        return _under(Path(chosen))
    home = _home(variables)
    if platform == "darwin":
        support = home / "Library" / "Application Support" / "Nextstroke"
        return Profile(support / "data", support / "state", support / "config", home / "Library/Caches/Nextstroke")
    if platform == "win32":
        return _under(Path(variables.get("LOCALAPPDATA") or home / "AppData" / "Local") / "Nextstroke")
    return Profile(
        data=_xdg(variables, "XDG_DATA_HOME", home / ".local" / "share"),
        state=_xdg(variables, "XDG_STATE_HOME", home / ".local" / "state"),
        config=_xdg(variables, "XDG_CONFIG_HOME", home / ".config"),
        cache=_xdg(variables, "XDG_CACHE_HOME", home / ".cache"),
    )


def _home(variables: Mapping[str, str]) -> Path:
    named = variables.get("HOME") or variables.get("USERPROFILE")
    try:
        return Path(named) if named else Path.home()
    except RuntimeError as error:
        raise FileError(
            "this user has no home folder, so there is no place for models and settings; set HOME, or name one "
            "with --profile"
        ) from error


def _under(folder: Path) -> Profile:
    return Profile(folder / "data", folder / "state", folder / "config", folder / "cache")


def _xdg(variables: Mapping[str, str], name: str, otherwise: Path) -> Path:
    # The specification says that a relative path in these variables must be ignored.
    value = variables.get(name, "")
    return (Path(value) if os.path.isabs(value) else otherwise) / "nextstroke"
