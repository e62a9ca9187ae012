"""Write flat TOML: one `name = value` a line, for values that settings have. Reading is the standard library's.

Knows the TOML spelling of booleans, numbers, texts and lists of texts; must not know what a setting means.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

Value = bool | int | float | str | tuple[str, ...] | list[str]

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def write_flat_toml(values: Mapping[str, Value]) -> str:
    """TOML text that `tomllib.loads` reads back as the same values (tuples as lists). Names must be plain words."""
    return "".join(f"{name} = {_spell(value)}\n" for name, value in values.items())


def _spell(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _spell_float(value)
    if isinstance(value, str):
        return _spell_text(value)
    return "[" + ", ".join(_spell_text(item) for item in value) + "]"


def _spell_float(value: float) -> str:
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    text = repr(value)
    return text if any(mark in text for mark in ".e") else text + ".0"


def _spell_text(text: str) -> str:
    return '"' + "".join(_spell_character(character) for character in text) + '"'


def _spell_character(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if "\ud800" <= character <= "\udfff":
        return "\\uFFFD"  # TOML has no half characters
    if character < " " or character == "\x7f":
        return f"\\u{ord(character):04X}"
    return character
