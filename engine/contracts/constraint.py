"""What a generated text must be: one of some choices, a match of a regular expression, JSON of a schema.

    kind          value
    choices       the texts, of which one comes out whole
    regex         a regular expression that the whole text matches, in the syntax of Rust's `regex`: no looking around,
                  no back references; \\d is 0 to 9
    json_schema   a JSON schema; in a request or record as its JSON text, because the order of properties matters

For: requests, records, settings files. Knows plain values and their sizes; must not know grammars or tokens.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.contracts.errors import UsageError
from engine.contracts.plain_fields import demand, is_text, shown

CHOICES = "choices"
REGEX = "regex"
JSON_SCHEMA = "json_schema"
KINDS = (CHOICES, REGEX, JSON_SCHEMA)

# Bytes of all its texts together: the worst that fits is prepared in about a second. Beyond it, classes of letters in a
# regex take seconds and gigabytes, and the properties of a schema the square of their number.
SIZE_LIMITS = {CHOICES: 256 * 1024, REGEX: 16 * 1024, JSON_SCHEMA: 16 * 1024}


@dataclass(frozen=True)
class Constraint:
    """What the text must be, as a whole."""

    kind: str
    value: str | tuple[str, ...]

    def __post_init__(self) -> None:
        """Refuse what no text can fulfil, as far as the values alone show it."""
        demand(self.kind in KINDS, "the kind of a constraint", self.kind, " or ".join(KINDS))
        if self.kind == CHOICES:
            are_texts = isinstance(self.value, tuple) and all(isinstance(text, str) for text in self.value)
            is_right = bool(self.value) and are_texts and all(map(is_text, self.value))
            demand(is_right, CHOICES, self.value, "a list of texts that are not empty, in UTF-8, at least one")
        else:
            is_right = isinstance(self.value, str) and is_text(self.value)
            wanted = (
                "an object, true or false, in UTF-8"
                if self.kind == JSON_SCHEMA
                else "a text that is not empty, in UTF-8"
            )
            demand(is_right, self.kind, self.value, wanted)
        size, limit = sum(len(text.encode()) for text in self.texts), SIZE_LIMITS[self.kind]
        if size > limit:
            raise UsageError(
                f"the constraint has {size:,} bytes; more than {limit:,} of {self.kind} take too long; shorten it"
            )
        if self.kind == JSON_SCHEMA:
            demand(isinstance(_parsed(self.texts[0]), dict | bool), JSON_SCHEMA, self.value, "an object, true or false")

    @property
    def texts(self) -> tuple[str, ...]:
        """The choices, or the one text that the other kinds have."""
        return (self.value,) if isinstance(self.value, str) else self.value

    @classmethod
    def from_dict(cls, plain: object) -> Constraint:
        """From a settings file or a record; a schema may stand there as it is."""
        if isinstance(plain, Constraint):
            return plain
        if not isinstance(plain, Mapping) or set(plain) != {"kind", "value"}:
            raise UsageError(
                f'constraint is {shown(plain)}; it must be {{"kind": "regex", "value": "[0-9]+"}} or alike'
            )
        kind, value = plain["kind"], plain["value"]
        if kind == JSON_SCHEMA and isinstance(value, Mapping | bool):
            value = _written(value)
        return cls(kind, tuple(value) if isinstance(value, list) else value)


def _parsed(schema: str) -> Any:
    try:
        return json.loads(schema)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"json_schema is not JSON ({error}); correct it") from error


def _written(schema: object) -> str:
    try:
        return json.dumps(schema, ensure_ascii=False)
    except RecursionError as error:
        raise UsageError("json_schema is nested too deeply; make it flatter") from error
