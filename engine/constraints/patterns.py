"""From a constraint to the grammar that the library reads: its Lark dialect, with one rule.

For: the matcher. Knows: Lark's syntax, what is special in a regular expression, how the JSON is laid out.
Must not know: tokens, the library's calls.

A new kind of constraint is one function and one row of `_RULES`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from engine.constraints.schema_limits import check_schema
from engine.contracts.constraint import CHOICES, JSON_SCHEMA, REGEX, Constraint
from engine.contracts.errors import UsageError

# Else, where only one text is possible, the library allows one spelling of it in tokens; here the model is asked.
_HEADER = '%llguidance {"no_forcing": true}\n'

# JSON on one line, spaced as in most texts: a small model that may write more spaces often does not end.
_LAYOUT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}

_SPECIAL = frozenset("\\.+*?()|[]{}^$#&-~/")
# A slash would end the pattern; and among all digits of the world are some of which Python has not heard yet.
_SPELT = {"/": "\\/", "\n": "\\n", "\\/": "\\/", "\\\n": "\\n", "\\d": "[0-9]"}
_PARTS = re.compile(r"\\.|[^\\]|\\$", re.DOTALL)  # a letter, or a backslash and what it is for
_VERBOSE = re.compile(r"\(\?[a-zA-Z]*x[a-zA-Z-]*[:)]")


def grammar(constraint: Constraint) -> str:
    """Raises `UsageError` for a regular expression that the grammar cannot hold."""
    return f"{_HEADER}start: {_RULES[constraint.kind](constraint.texts)}\n"


def _choices(texts: tuple[str, ...]) -> str:
    return _between_slashes("|".join(map(_literally, texts)))


def _regex(texts: tuple[str, ...]) -> str:
    (pattern,) = texts
    if _VERBOSE.search("".join(part for part in _PARTS.findall(pattern) if len(part) == 1)):
        raise UsageError("the regex has the flag x, which is not supported; write it without spaces and comments")
    return _between_slashes(pattern)


def _json_schema(texts: tuple[str, ...]) -> str:
    schema = json.loads(texts[0])
    check_schema(schema)
    if schema is True:
        schema = {}
    if isinstance(schema, dict):
        schema |= {"x-guidance": _LAYOUT}
    return f"%json {json.dumps(schema)}"


def _literally(text: str) -> str:
    return "".join(f"\\{letter}" if letter in _SPECIAL else letter for letter in text)


def _between_slashes(pattern: str) -> str:
    """As Lark writes it; brackets may stand in brackets."""
    parts = _PARTS.findall(pattern)
    if parts and parts[-1] == "\\":
        raise UsageError("the regex ends in a backslash that stands before nothing; remove it or write two")
    return f"/{''.join(_SPELT.get(part, part) for part in parts)}/"


_RULES: dict[str, Callable[[tuple[str, ...]], str]] = {
    CHOICES: _choices,
    REGEX: _regex,
    JSON_SCHEMA: _json_schema,
}
