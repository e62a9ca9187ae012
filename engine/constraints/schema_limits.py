"""What a JSON schema may hold so that preparing it ends, in time and in memory.

For: the way from a constraint to a grammar. Knows: the parts of a schema for which the library needs the square of
their number, or all their combinations, or a piece of the stack. Must not know: what a schema means.

    measured beyond the limits: 16 `multipleOf` in an `allOf`, 1,000 `patternProperties`: more than 6 s;
    400 `pattern` in an `allOf`: 12 GB; 900 definitions that refer to each other: the stack, and so the process
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from engine.contracts.errors import UsageError

_MOST: Mapping[str, int] = {"$ref": 64, "allOf": 8, "multipleOf": 8, "patternProperties": 64}
_MOST_PARTS = 500  # objects and lists of a schema with references, each of which may lie within another one


def check_schema(schema: Any) -> None:
    """Raises `UsageError` that names the part."""
    counts, parts = _count(schema)
    for name, most in _MOST.items():
        if counts[name] > most:
            raise UsageError(
                f"the JSON schema has {counts[name]:,} times {name}; more than {most} take too long; simplify it"
            )
    if counts["$ref"] and parts > _MOST_PARTS:
        raise UsageError(
            f"the JSON schema has references and {parts:,} parts; more than {_MOST_PARTS} take too long; simplify it"
        )


def _count(schema: Any) -> tuple[Counter[str], int]:
    """How often each key stands in it, for a list or an object the number of its entries; and how many of those."""
    counts, parts, waiting = Counter[str](), 0, [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list):
            parts += 1
        if isinstance(value, dict):
            for key, entry in value.items():
                counts[key] += len(entry) if isinstance(entry, dict | list) else 1
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return counts, parts
