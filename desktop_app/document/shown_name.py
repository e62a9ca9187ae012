r"""A file's name as it can be shown: in a title, a tab, a menu, a sentence. Never for opening the file.

    "a\nb.txt"          a␊b.txt          controls as their pictures: one line stays one line
    "a\u202egpj.txt"    a‹202E›gpj.txt   what turns the order of letters around is written out: no name hides its ending
    b"caf\xe9.txt"      caf‹E9›.txt      bytes that are no character, as Linux allows them
    "ספר.txt"           with invisible marks around it, so that the sentence beside it keeps its order

Knows Unicode; must not know files or Qt.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

_FIRST_PICTURE = 0x2400  # "␀": the pictures of the controls stand in the order of the controls
_DELETE, _PICTURE_OF_DELETE = 0x7F, "\u2421"
_RIGHT_TO_LEFT = frozenset(("R", "AL", "AN"))
_ISOLATE, _END = "\u2068", "\u2069"
_ESCAPED_BYTE = 0xDC00  # what Python adds to a byte that is no character of a name
JOINERS = frozenset("\u200c\u200d") | {chr(code) for code in range(0xE0020, 0xE0080)}  # of letters, emoji, flags


def shown_name(name: str) -> str:
    """A name on one line, with everything in it visible."""
    shown = "".join(map(_shown, name))
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in shown):
        return _ISOLATE + shown + _END
    return shown


def shown_path(path: str | Path) -> str:
    """A whole path, each of its names shown by itself."""
    return os.sep.join(map(shown_name, str(path).split(os.sep)))


def _shown(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(_FIRST_PICTURE + code)
    if code == _DELETE:
        return _PICTURE_OF_DELETE
    if _ESCAPED_BYTE + 0x80 <= code <= _ESCAPED_BYTE + 0xFF:
        return f"‹{code - _ESCAPED_BYTE:02X}›"
    if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in JOINERS:
        return f"‹{code:04X}›"
    return character
