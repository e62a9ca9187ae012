"""Which dictionaries there are: the one that comes with the program, and what the person put into a folder.

    data/dictionaries/en_GB.aff + en_GB.dic   →   Dictionary("en_GB", …)      both files, of the same name

Knows file names. Must not know: Qt, what is in a dictionary.
"""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

BUNDLED = "en_US"
FOLDER_NAME = "dictionaries"
MOST = 100  # a menu of more is no menu; the folder may be any folder


@dataclass(frozen=True)
class Dictionary:
    """A pair of Hunspell's files: `base` with .aff and .dic behind it."""

    name: str
    base: Path


def bundled() -> Dictionary:
    """American English, of SCOWL, as it comes with spylls. Its place is found without loading spylls."""
    package = importlib.util.find_spec("spylls")
    places = list(package.submodule_search_locations or ()) if package is not None else []
    folder = Path(places[0] if places else "spylls") / "hunspell" / "data" / "en"
    return Dictionary(BUNDLED, folder / BUNDLED)


def dictionaries_in(folder: Path) -> tuple[Dictionary, ...]:
    """Those of a folder by name, none where it cannot be listed. Waits for the disk."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return ()
    stems = [name.removesuffix(".aff") for name in names if name.endswith(".aff") and _is_name(name)]
    present = set(names)
    return tuple(Dictionary(stem, folder / stem) for stem in stems if f"{stem}.dic" in present)[:MOST]


def all_dictionaries(folder: Path) -> tuple[Dictionary, ...]:
    """The bundled one first; one of the person's with its name takes its place."""
    own = dictionaries_in(folder)
    return own if any(each.name == BUNDLED for each in own) else (bundled(), *own)


def _is_name(name: str) -> bool:
    """Whether the settings can keep it: a name of bytes that are no characters is none."""
    return name != ".aff" and not any("\ud800" <= character <= "\udfff" for character in name)
