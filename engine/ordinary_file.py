"""The one look at a file of a model folder before anything opens it: it is there, inside the folder, and ordinary.

For: opening our own folders and those of other programs. Knows: paths and their status. Must not know: manifests.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from engine.contracts.errors import ModelFolderError


def status_inside(folder: Path, name: str) -> os.stat_result:
    """The status of the ordinary file `name`. Raises `ModelFolderError` where it is missing or leads elsewhere."""
    path = folder / name
    try:
        resolved, status = path.resolve(), path.stat()
    except FileNotFoundError as error:
        raise ModelFolderError(f"{name} is missing from {folder}; fetch or export the folder again") from error
    except (OSError, RuntimeError) as error:
        raise ModelFolderError(f"cannot look at {path} ({error}); check permissions and disk") from error
    if not resolved.is_relative_to(folder.resolve()):
        raise ModelFolderError(f"{name} in {folder} is a link out of the folder; do not use this folder")
    if not stat.S_ISREG(status.st_mode):
        raise ModelFolderError(f"{name} in {folder} is not an ordinary file; do not use this folder")
    return status
