"""Are plain values, as they come out of JSON, of the types that a dataclass declares?

For: requests, records and manifests, which come from files and pipes and may hold anything; and how such a value is
shown in one line. Knows the annotations that those dataclasses use; must not know what a field means.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from engine.contracts.errors import UsageError

COUNT_LIMIT = 2**31 - 1  # of tokens to write, keep or look back at: more than any context holds
TEXTS_LIMIT = 1000  # of a list of stops, banned phrases, …: each token is compared with all of them
NESTING_LIMIT = 64  # of a value that is passed on: what copies and writes it goes as deep as it does
SHOWN = 80  # letters of a value that a message repeats
_SHOWN_BITS = 128  # of a whole number: all that a person may have meant

_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "bool": ((bool,), "true or false"),
    "str": ((str,), "a text"),
    "Mapping": ((Mapping,), "an object"),
}


def shown(value: object) -> str:
    """A value as a message may repeat it: short, whatever was given. A long whole number is described."""
    if isinstance(value, int) and abs(value).bit_length() > _SHOWN_BITS:
        # Not str(value): Python refuses to write numbers of more than 4,300 digits.
        digits = int(abs(value).bit_length() * math.log10(2)) + 1
        return f"a number of about {digits:,} digits"
    try:
        text = repr(value)
    except RecursionError:
        return "something nested too deeply to be shown"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def demand(holds: bool, what: str, found: object, wanted: str) -> None:
    """Raise the `UsageError` that says what was found where something else is wanted."""
    if not holds:
        raise UsageError(f"{what} is {shown(found)}; it must be {wanted}")


def is_text(value: str) -> bool:
    """Not empty, and no half characters, which no text can hold."""
    return bool(value) and value.encode("utf-8", "replace").decode("utf-8") == value


def nests_deeper(value: object, limit: int = NESTING_LIMIT) -> bool:
    """Whether objects and lists stand within each other more than `limit` times."""
    level: list[object] = [value]
    for _ in range(limit + 1):
        inside: list[object] = []
        for part in level:
            if isinstance(part, Mapping):
                inside.extend(part.values())
            elif isinstance(part, list | tuple):
                inside.extend(part)
        if not inside:
            return False
        level = inside
    return True


def is_number(value: object) -> bool:
    """A number, as JSON knows it: True is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def wrong_field(kind: Any, values: Mapping[str, Any]) -> str:
    """The first of `values` that is not what the dataclass `kind` declares, in words; empty when all are right.

    Knows numbers, texts, objects, tuples (in JSON, lists) of texts or whole numbers, "… | None"; leaves others alone.
    """
    for field in fields(kind):
        if field.name in values:
            wanted = _misses(str(field.type), values[field.name])
            if wanted:
                return f"{field.name} is {shown(values[field.name])}; it must be {wanted}"
    return ""


def _misses(annotation: str, value: object) -> str:
    """What a value should be; empty when it is that."""
    annotation, is_optional, _ = annotation.partition(" | None")
    if is_optional and value is None:
        return ""
    if annotation in ("tuple[str, ...]", "tuple[int, ...]"):
        entry = annotation[len("tuple[") : -len(", ...]")]
        is_right = isinstance(value, list | tuple) and all(_is(entry, part) for part in value)
        return "" if is_right else f"a list, each entry {_KINDS[entry][1]}"
    name = annotation.partition("[")[0]
    return "" if name not in _KINDS or _is(name, value) else _KINDS[name][1]


def _is(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return name == "bool"  # to Python, True is a whole number too
    return isinstance(value, _KINDS[name][0])
