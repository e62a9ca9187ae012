"""The name of a file that is proposed for a text, made of its title: one that every file system takes.

    "Who? Where: When"     Who Where When.docx       no sign that some system has other uses for
    "CON"                  _CON.docx                 no name of a device, as Windows has them
    "很长的题目…" × 100      cut at a whole character   255 bytes with the ending and what may lie beside it

Knows names and Unicode; must not know files or Qt.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from desktop_app.document.characters import character_pattern
from desktop_app.document.shown_name import JOINERS

LONGEST_BYTES = 255  # of a name in UTF-8; Windows counts UTF-16 units, which are never more
_BESIDE_BYTES = len(".provenance.json")  # the sidecar has the whole name and this behind it
_TAKEN = frozenset('\\/:*?"<>|')
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp", "Zs"))
_DEVICE = re.compile(r"(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³])(?=\.|$)", re.IGNORECASE)


@cache  # not at the start of the window
def _character() -> re.Pattern[str]:
    return re.compile(character_pattern("."), re.DOTALL)


def proposed_name(title: str, suffix: str, fallback: str = "text") -> str:
    """A name made of the title's words, or of `fallback` where it has none; it ends in `suffix`."""
    room = LONGEST_BYTES - _BESIDE_BYTES - len(suffix.encode())
    stem = _cut(_plain(title), room) or _cut(_plain(fallback), room) or "text"
    return stem + suffix


def _plain(title: str) -> str:
    kept = "".join(character if _is_harmless(character) else " " for character in title)
    # Windows takes dots and spaces off the end; a dot in front hides a file.
    plain = " ".join(kept.split()).strip(". ")
    return f"_{plain}" if _DEVICE.match(plain) else plain


def _is_harmless(character: str) -> bool:
    if character in _TAKEN:
        return False
    return unicodedata.category(character) not in _INVISIBLE or character in JOINERS


def _cut(name: str, room: int) -> str:
    """As many whole characters, as a reader sees them, as there is room for."""
    if len(name.encode()) <= room:
        return name
    end, taken = 0, 0
    for found in _character().finditer(name):
        taken += len(found[0].encode())
        if taken > room:
            break
        end = found.end()
    return name[:end].rstrip(". ")
