"""The files of a folder that somebody else wrote: nothing outside it is ever read.

For: the readers of foreign layouts. Knows: safe names, links, sizes, JSON. Must not know: what a file is for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.contracts.errors import ModelFolderError
from engine.contracts.manifest import is_safe_name
from engine.ordinary_file import status_inside

JSON_LIMIT_BYTES = 64 * 1024 * 1024  # tokenizer.json of 250,000 tokens has 30 MB


@dataclass(frozen=True)
class Place:
    """One folder."""

    root: Path

    def has(self, name: str) -> bool:
        """Whether something of this name is there."""
        return is_safe_name(name) and (self.root / name).is_file()

    def file(self, name: str) -> Path:
        """Where the ordinary file `name` lies. Raises `ModelFolderError` when it is missing or leads elsewhere."""
        if not is_safe_name(name):
            raise ModelFolderError(
                f"{self.root} names the file {name!r:.80}, which lies outside the folder; do not use this folder"
            )
        status_inside(self.root, name)
        return self.root / name

    def json(self, name: str) -> Mapping[str, Any]:
        """The object in a JSON file. Raises `ModelFolderError`."""
        path = self.file(name)
        try:
            if path.stat().st_size > JSON_LIMIT_BYTES:
                raise ValueError("it is too large")
            found = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(found, dict):
                raise ValueError("it holds no object")
        except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
            raise ModelFolderError(f"{path} cannot be understood ({error}); fetch the model folder again") from error
        except OSError as error:
            raise ModelFolderError(f"cannot read {path}: {error.strerror}; check permissions and disk") from error
        return found
