"""Are plain values, as they come out of JSON, of the types that a dataclass declares?

For: requests, records and manifests, which come from files and pipes and may hold anything. Knows the annotations that
those dataclasses use; must not know what a field means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "int": ((int,), "a whole number"),
    "float": ((int, float), "a number"),
    "bool": ((bool,), "true or false"),
    "str": ((str,), "a text"),
    "Mapping": ((Mapping,), "an object"),
}


def wrong_field(kind: Any, values: Mapping[str, Any]) -> str:
    """The first of `values` that is not what the dataclass `kind` declares, in words; empty when all are right.

    Knows numbers, texts, objects, tuples (in JSON, lists) of texts or whole numbers, "… | None"; leaves others alone.
    """
    for field in fields(kind):
        if field.name in values:
            wanted = _misses(str(field.type), values[field.name])
            if wanted:
                return f"{field.name} is {values[field.name]!r:.80}; it must be {wanted}"
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
