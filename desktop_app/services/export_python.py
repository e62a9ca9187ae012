"""Which Python converts checkpoints, and the environment that it starts in.

    this interpreter, where torch is installed → the one that the setting names → none: the export add-on is missing

The packaged program has no torch; its own libraries must not leak into a child that is another Python. Knows
interpreters and environment variables; must not know processes, checkpoints or torch itself (it is looked for, never
imported).
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.client import with_source

NEEDED = ("torch", "onnx", "safetensors", "export")
_INTERPRETERS = ("bin/python", "bin/python3", "Scripts/python.exe", "python.exe")
# What PyInstaller's start program replaced, the old value under NAME_ORIG; without one there was no value.
_LIBRARY_PATHS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LIBPATH")
_OF_THE_PACKAGE = (
    "_MEIPASS",
    "_PYI_",
    "PYINSTALLER_",
    "PYTHONHOME",
    "PYTHONPATH",
    "QT_PLUGIN_PATH",
    "QT_QPA_PLATFORM_",
)


@dataclass(frozen=True)
class ExportPython:
    """A command that runs Python modules, and its environment."""

    command: tuple[str, ...]
    environment: Mapping[str, str]

    def export_command(self, checkpoint: Path, folder: Path) -> tuple[str, ...]:
        """The command that converts a checkpoint into a model folder, speaking JSON."""
        return (*self.command, "-m", "desktop_app", "export", str(checkpoint), str(folder), "--json")


def find_export_python(
    setting: str,
    is_frozen: bool | None = None,
    can_import: Callable[[str], bool] = lambda name: importlib.util.find_spec(name) is not None,
    environment: Mapping[str, str] | None = None,
) -> ExportPython | None:
    """The Python to convert with, or None when the add-on is missing. `setting`: an interpreter or its environment."""
    frozen = bool(getattr(sys, "frozen", False)) if is_frozen is None else is_frozen
    variables = os.environ if environment is None else environment
    clean = child_environment(variables, frozen)
    if not frozen and all(can_import(name) for name in NEEDED):
        return ExportPython((sys.executable, "-P"), with_source(clean))
    interpreter = _interpreter(setting)
    if interpreter is None:
        return None
    return ExportPython((interpreter, "-P"), clean if frozen else with_source(clean))


def child_environment(variables: Mapping[str, str], is_frozen: bool) -> dict[str, str]:
    """What a program outside the package expects: the original library paths, nothing of the package."""
    clean = dict(variables)
    if is_frozen:
        for name in _LIBRARY_PATHS:
            original = clean.pop(f"{name}_ORIG", "")
            clean.pop(name, None)
            if original:
                clean[name] = original
        clean = {name: value for name, value in clean.items() if not name.startswith(_OF_THE_PACKAGE)}
    return clean | {"ORT_DISABLE_TELEMETRY": "1", "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": "1"}


def _interpreter(setting: str) -> str | None:
    if not setting:
        return None
    path = Path(setting).expanduser()
    if path.is_file():
        return str(path)
    found = (path / name for name in _INTERPRETERS)
    return next((str(candidate) for candidate in found if candidate.is_file()), None)
