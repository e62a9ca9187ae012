"""Where text came from: typed, pasted, imported, or generated with the record of its generation.

    span --number--> Origin(kind, record id) --record id--> the generation's record, as plain data

Origins are few and are kept once each, in the order in which they came, so that a span carries one number. A record is
known by its id from the first character of its passage on; what it says is filled in when the generation has ended.

Knows: words. Must not know: the engine's types (a record is plain JSON data here), spans, Qt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

TYPED, PASTED, IMPORTED, GENERATED = "typed", "pasted", "imported", "generated"
KINDS = (TYPED, PASTED, IMPORTED, GENERATED)

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Origin:
    """How text came into the document. `record`: the id of its record, "" where it is not known (or not generated)."""

    kind: str
    record: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no origin is called {self.kind!r}; there are {', '.join(KINDS)}")


class Passage(NamedTuple):
    """Text of one origin, outside any document: what an edit inserts, what the clipboard carries."""

    text: str
    origin: Origin


class OriginTable:
    """The origins of one document by number, and the records of its generations by id."""

    def __init__(self) -> None:
        self._origins: list[Origin] = []
        self._numbers: dict[Origin, int] = {}
        self._records: dict[str, Record] = {}

    def __len__(self) -> int:
        return len(self._origins)

    def __getitem__(self, number: int) -> Origin:
        return self._origins[number]

    def copy(self) -> OriginTable:
        """The same origins and records; what is added to one is not in the other."""
        other = OriginTable()
        other._origins, other._numbers, other._records = self._origins[:], dict(self._numbers), dict(self._records)
        return other

    def number_of(self, origin: Origin) -> int:
        """The number of an origin; a new one is added at the end."""
        number = self._numbers.get(origin)
        if number is None:
            number = self._numbers[origin] = len(self._origins)
            self._origins.append(origin)
        return number

    @property
    def records(self) -> Mapping[str, Record]:
        """All records by id, in the order in which they came."""
        return self._records

    def known_records(self) -> frozenset[str]:
        """The records that some text came by, or that say something."""
        return frozenset(self._records).union(origin.record for origin in self._origins if origin.record)

    def set_record(self, record: str, says: Record) -> None:
        """What the record of this id says; a fuller account replaces the one of the beginning."""
        if not record:
            raise ValueError("a record needs an id")
        self._records[record] = dict(says)
