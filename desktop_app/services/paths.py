"""Where this person's data lies: the platform's standard folders, or all of it under one folder (`--profile DIR`).

    config   settings.toml          state   recovery store and locks        data    models
    models   the model library      logs    never contain the text

and the one folder in which the windows of all profiles find each other.

The engine's process looks for models by the same rule in a module that the window must not import; a test holds the two
together. Knows environment variables and platform names; must not create a folder or know what lies in one.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROFILE_VARIABLE = "NEXTSTROKE_PROFILE"
PROGRAM_FOLDER = "nextstroke"
_LONGEST_FOLDER_BYTES = 64  # a socket's address has room for 107 bytes


@dataclass(frozen=True)
class ProfilePaths:
    """The per-user folders; none of them need exist yet."""

    config: Path
    state: Path
    data: Path
    models: Path
    logs: Path

    @property
    def settings_file(self) -> Path:
        """The settings."""
        return self.config / "settings.toml"

    @classmethod
    def under(cls, folder: Path) -> ProfilePaths:
        """Everything under one folder."""
        return cls._of(folder / "config", folder / "state", folder / "data")

    @classmethod
    def find(cls, environment: Mapping[str, str] | None = None, platform: str = sys.platform) -> ProfilePaths:
        """The folders of this person on this platform, or those of the profile that the environment names."""
        variables = os.environ if environment is None else environment
        chosen = variables.get(PROFILE_VARIABLE)
        if chosen:
            return cls.under(Path(chosen))
        home = Path(variables.get("HOME") or variables.get("USERPROFILE") or Path.home())
        if platform == "darwin":
            return cls.under(home / "Library" / "Application Support" / "Nextstroke")
        if platform == "win32":
            return cls.under(Path(variables.get("LOCALAPPDATA") or home / "AppData" / "Local") / "Nextstroke")
        return cls._of(
            config=_standard(variables, "XDG_CONFIG_HOME", home / ".config"),
            state=_standard(variables, "XDG_STATE_HOME", home / ".local" / "state"),
            data=_standard(variables, "XDG_DATA_HOME", home / ".local" / "share"),
        )

    @classmethod
    def _of(cls, config: Path, state: Path, data: Path) -> ProfilePaths:
        return cls(config=config, state=state, data=data, models=data / "models", logs=state / "logs")


def runtime_folder(environment: Mapping[str, str] | None = None, platform: str = sys.platform) -> Path:
    """Where the windows of one person find each other, whatever their profile: locks and sockets, gone at log-out.

    The folder need not exist, and in the folder for temporary files somebody else may have made it: look before use.
    """
    variables = os.environ if environment is None else environment
    if platform in ("darwin", "win32"):
        return ProfilePaths.find({**variables, PROFILE_VARIABLE: ""}, platform).state / "run"
    given = variables.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(given) and os.path.isdir(given) and len(os.fsencode(given)) <= _LONGEST_FOLDER_BYTES:
        return Path(given) / PROGRAM_FOLDER
    temporary = variables.get("TMPDIR", "")
    return Path(temporary if os.path.isabs(temporary) else "/tmp") / f"{PROGRAM_FOLDER}-{os.getuid()}"


def choose_profile(folder: str | None) -> ProfilePaths:
    """Make `--profile DIR` hold for this process and every child of it, and return its paths."""
    if folder:
        os.environ[PROFILE_VARIABLE] = os.path.abspath(folder)
    return ProfilePaths.find()


def _standard(variables: Mapping[str, str], name: str, otherwise: Path) -> Path:
    # The XDG specification says that a relative path in these variables must be ignored.
    value = variables.get(name, "")
    return (Path(value) if os.path.isabs(value) else otherwise) / PROGRAM_FOLDER
