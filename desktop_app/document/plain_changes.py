"""What changed in a document since a mark, as plain data, and playing it again: what a store adds while one types.

    {"revision": 44, "text": what was appended, "origins": what was appended, "records": {those that were set},
     "entries": [{"kind": "done", "step_kind": "typing", "branch": 1, "operation": ["splice", 1, 5, 5, [[start, length,
                  origin]]]}, {"kind": "undone", "step": 3}, …]}

The entries are the operations themselves (`operations.py`), not what they changed: a key is some fifty bytes, a fork in
a long text no more. Played on a document as it was at the mark, they make the same document in everything: nodes, ids,
steps. A store that finds the entries longer than the document writes it whole again (`plain_document`).

Knows: the log and the model. Must not know: files, SQLite, Qt.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from desktop_app.document import change_log as log
from desktop_app.document.change_log import ChangeLog, LogEntry
from desktop_app.document.model import Document
from desktop_app.document.operations import SPLICE, Operation
from desktop_app.document.plain_document import WRONG_SHAPE, PlainDocumentError, read_appended
from desktop_app.document.plain_values import Plain, Reader, plain_origin, plain_spans
from desktop_app.document.soundness import tree_problems


@dataclass(frozen=True)
class Mark:
    """How far a document was written: what came before is known to the store."""

    revision: int
    text: int  # characters of the buffer
    origins: int


def mark_of(document: Document) -> Mark:
    """The present end of everything that only grows."""
    return Mark(document.log.revision, len(document.buffer), len(document.origins))


def changes_since(document: Document, mark: Mark) -> Plain | None:
    """What a store that knows everything up to `mark` has to add; None where the log does not reach back so far."""
    entries = document.log.since(mark.revision)
    if entries is None:
        return None
    records = document.origins.records
    return {
        "revision": document.log.revision,
        "text": document.buffer.read(mark.text, len(document.buffer) - mark.text),
        "origins": [plain_origin(document.origins[at]) for at in range(mark.origins, len(document.origins))],
        "records": {entry.record: dict(records[entry.record]) for entry in entries if entry.kind == log.RECORD},
        "entries": [_plain_entry(entry) for entry in entries if entry.kind != log.RECORD],
    }


def take_changes(document: Document, plain: Mapping[str, Any]) -> None:
    """Play what `changes_since` gave on a document as it was at the mark. Raises `PlainDocumentError`."""
    try:
        read_appended(document, plain)
        reader = Reader(document.buffer, document.origins)
        for entry in plain["entries"]:
            _take(document, reader, entry)
        document.log = ChangeLog(int(plain["revision"]))
    except WRONG_SHAPE as error:
        raise PlainDocumentError(f"{type(error).__name__}: {error}") from error
    found = tree_problems(document)
    if found:
        raise PlainDocumentError(found[0])


def _plain_entry(entry: LogEntry) -> Plain:
    if entry.kind in (log.UNDONE, log.REDONE):
        return {"kind": entry.kind, "step": entry.step}
    plain: Plain = {"kind": entry.kind, "branch": entry.branch}
    if entry.operation:
        plain |= {"step_kind": entry.step_kind, "operation": _plain_operation(entry.operation)}
    return plain


def _plain_operation(operation: Operation) -> list[Any]:
    if operation[0] == SPLICE:
        return [*operation[:-1], plain_spans(operation[-1])]
    return list(operation)


def _operation(reader: Reader, plain: list[Any]) -> Operation:
    if plain[0] == SPLICE:
        return (*plain[:-1], reader.spans(plain[-1]))
    return tuple(plain)


def _take(document: Document, reader: Reader, entry: Mapping[str, Any]) -> None:
    kind = entry["kind"]
    if kind in (log.DONE, log.JOINED):
        operation = _operation(reader, entry["operation"])
        document.carry_out(entry["step_kind"], int(entry["branch"]), operation, is_joined=kind == log.JOINED)
    elif kind == log.UNDONE:
        if document.history.current != int(entry["step"]):
            raise ValueError(f"step {entry['step']} is not the last one")
        document.undo()
    elif kind == log.REDONE:
        if document.redo(int(entry["step"])) is None:
            raise ValueError(f"step {entry['step']} does not follow")
    elif kind == log.CURRENT:
        document.switch(int(entry["branch"]))
    else:
        raise ValueError(f"an entry is called {kind!r}")
