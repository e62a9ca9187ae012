"""Which checkpoint families there are: one row each. Knows the rows' order of asking; must not know their details."""

from __future__ import annotations

from pathlib import Path

from engine.contracts.errors import CheckpointError
from export.importers import huggingface_gpt2, nanogpt, own
from export.importers.opened import Family, Opened

FAMILIES: tuple[Family, ...] = (own.FAMILY, huggingface_gpt2.FAMILY, nanogpt.FAMILY)


def open_checkpoint(path: Path) -> Opened:
    """The checkpoint at `path`, opened by the first family that recognises it; no weight is read yet."""
    if not path.exists():
        raise CheckpointError(f"there is no checkpoint {path}; check the path")
    for family in FAMILIES:
        if family.recognises(path):
            return family.open(path)
    known = "; ".join(family.looks_like for family in FAMILIES)
    raise CheckpointError(f"{path} is no checkpoint that this program knows; it opens {known}")
