"""What the recovery store has to write of a document: nothing, what changed since it last did, or everything.

    known (row, mark, size of the changes) + the document as it is now → Plan → statements of one transaction → known

Everything, where the store does not know this document, where its log does not reach back, and now and then: the next
start plays the changes again, so they stay few. Making a plan reads and packs; only carrying it out holds the store.

Knows documents and rows. Must not know: sessions, threads, clocks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from desktop_app.document import recovery_rows as rows
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.plain_changes import Mark, changes_since, mark_of
from desktop_app.document.recovery_parts import CHANGES, Part, part_of_changes, parts_of
from desktop_app.document.versions import packed

CHANGES_AT_MOST = 1_000  # keys, mostly: played again in about 0.3 s in a text of a million characters
_BYTES_AT_MOST = 256 * 1024  # of changes, or as much as the whole document took

_PACKED_AT_ONCE = 500_000  # characters of earlier texts


@dataclass(frozen=True)
class Known:
    """What the store holds of a document of this session."""

    row: int  # 0: none
    lineage: object
    mark: Mark
    state: tuple[Any, ...] = ()
    changes: int = 0
    changes_bytes: int = 0
    whole_bytes: int = 0
    earlier: tuple[float, ...] = ()  # of the earlier texts: when they were saved


@dataclass(frozen=True)
class Plan:
    """What to write of one document. `known`: what the store holds when that is done."""

    kept: KeptDocument
    known: Known
    parts: list[Part] = field(default_factory=list)
    is_whole: bool = False
    added: tuple[tuple[float, bytes], ...] = ()  # earlier texts
    dropped: tuple[float, ...] = ()


def known_of(kept: KeptDocument, row: int, parts: Sequence[Part]) -> Known:
    """A document that was just read, intact, from the parts of a row."""
    document = kept.stored.document
    changes = [part.content for part in parts if part.kind == CHANGES]
    size = sum(map(len, changes))
    whole = sum(len(part.content) for part in parts) - size
    count = sum(content.count(b'"kind":') for content in changes)  # each entry has one
    earlier = tuple(text.saved for text in kept.stored.versions)
    return Known(row, document.lineage, mark_of(document), (), count, size, whole, earlier)


def plan_for(kept: KeptDocument, position: int, known: Known | None) -> Plan | None:
    """What to write of a document; None where the store holds all of it."""
    document, state = kept.stored.document, rows.state_of(kept, position)
    added, dropped, earlier = _earlier_of(kept, known.earlier if known else ())
    changes = None
    if known is not None and known.lineage is document.lineage:
        changes = changes_since(document, known.mark)
    if known is None or changes is None:
        return _whole(kept, state, known.row if known else 0, added, dropped, earlier)
    part = part_of_changes(changes, known.mark.revision)
    count = known.changes + document.log.revision - known.mark.revision
    size = known.changes_bytes + len(part.content)
    if count > CHANGES_AT_MOST or size > max(_BYTES_AT_MOST, known.whole_bytes):
        return _whole(kept, state, known.row, added, dropped, earlier)
    is_changed = document.log.revision != known.mark.revision
    if not (is_changed or added or dropped or state != known.state):
        return None
    if not is_changed:
        count, size = known.changes, known.changes_bytes
    after = Known(known.row, document.lineage, mark_of(document), state, count, size, known.whole_bytes, earlier)
    return Plan(kept, after, [part] if is_changed else [], False, added, dropped)


def _whole(
    kept: KeptDocument,
    state: tuple[Any, ...],
    row: int,
    added: tuple[tuple[float, bytes], ...],
    dropped: tuple[float, ...],
    earlier: tuple[float, ...],
) -> Plan:
    document = kept.stored.document
    parts = list(parts_of(document))
    size = sum(len(part.content) for part in parts)
    return Plan(
        kept, Known(row, document.lineage, mark_of(document), state, 0, 0, size, earlier), parts, True, added, dropped
    )


def _earlier_of(
    kept: KeptDocument, known: tuple[float, ...]
) -> tuple[tuple[tuple[float, bytes], ...], tuple[float, ...], tuple[float, ...]]:
    """Earlier texts to add and to drop, and which are there then. Long ones come one a time: packing takes a while."""
    now = {text.saved: text for text in kept.stored.versions}
    dropped = tuple(saved for saved in known if saved not in now)
    missing: list[float] = []
    characters = 0
    for saved in sorted(set(now) - set(known), reverse=True):
        characters += len(now[saved].text)
        if missing and characters > _PACKED_AT_ONCE:
            break
        missing.append(saved)
    added = tuple((saved, packed(now[saved].text)) for saved in missing)
    return added, dropped, tuple(saved for saved in (*known, *missing) if saved in now)


def carry_out(connection: sqlite3.Connection, session: str, plan: Plan, now: float) -> Known:
    """Write it, inside the caller's transaction; returns what the store knows once that is committed."""
    row = plan.known.row
    if row:
        connection.execute(rows.UPDATE, (*plan.known.state, now, row))
    else:
        row = _new_row(connection, session, plan, now)
    if plan.is_whole:
        connection.execute("DELETE FROM part WHERE document = ?", (row,))
    for part in plan.parts:
        rows.insert_part(connection, row, part)
    for saved in plan.dropped:
        connection.execute("DELETE FROM earlier WHERE document = ? AND saved = ?", (row, saved))
    for saved, text in plan.added:
        connection.execute("INSERT INTO earlier (document, saved, text) VALUES (?, ?, ?)", (row, saved, text))
    return replace(plan.known, row=row)


def _new_row(connection: sqlite3.Connection, session: str, plan: Plan, now: float) -> int:
    """A row of this key; one that is there, of an unknown document, goes."""
    key = plan.kept.key
    for (old,) in connection.execute(
        "SELECT rowid FROM document WHERE session = ? AND key = ?", (session, key)
    ).fetchall():
        rows.drop(connection, old)
    cursor = connection.execute(rows.INSERT, (*plan.known.state, now, key, session))
    return int(cursor.lastrowid or 0)
