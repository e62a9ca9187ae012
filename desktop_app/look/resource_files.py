"""Where the files of `resources/` lie beside the code, in a checkout and in the packaged program alike.

Knows: the two folders stand side by side. Must not know: what any file is for.
"""

from __future__ import annotations

from pathlib import Path

_RESOURCES = Path(__file__).resolve().parents[2] / "resources"


def resource_file(*parts: str) -> Path:
    """The path of one file under `resources/`."""
    return _RESOURCES.joinpath(*parts)
