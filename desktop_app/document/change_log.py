"""What happened to a document since a revision: what a store has to write, without reading the whole text again.

    store: full export at revision 40 ... typing ... since(40) → the entries 41, 42, 43 → written behind the export

The log is bounded: a store that comes too late gets None, which means "write everything".

Knows: operations and steps as values. Must not know: how they are carried out or written.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from desktop_app.document.operations import Operation

DONE, JOINED, UNDONE, REDONE, RECORD, CURRENT = "done", "joined", "undone", "redone", "record", "current"
# Each entry is some hundred bytes; a store writes every two seconds at the latest, a person types ten keys in one.
ENTRIES_AT_MOST = 20_000


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One thing that happened.

    DONE, JOINED: `operation` was carried out as the new step `step` (of `step_kind` in `branch`), or as more of it.
    UNDONE, REDONE: the step `step`. RECORD: what `record` says was set. CURRENT: `branch` is the one that is shown.
    """

    revision: int
    kind: str
    step: int = 0
    step_kind: str = ""
    branch: int = 0
    operation: Operation = ()
    record: str = ""


class ChangeLog:
    """The last entries. `revision` counts everything that ever happened."""

    def __init__(self, revision: int = 0, limit: int = ENTRIES_AT_MOST) -> None:
        self.revision = revision
        self._entries: deque[LogEntry] = deque(maxlen=limit)

    def copy(self) -> ChangeLog:
        """The same entries; what is noted in one is not in the other."""
        other = ChangeLog(self.revision)
        other._entries = self._entries.copy()
        return other

    def note(
        self,
        kind: str,
        step: int = 0,
        step_kind: str = "",
        branch: int = 0,
        operation: Operation = (),
        record: str = "",
    ) -> None:
        """Add an entry with the next revision."""
        self.revision += 1
        self._entries.append(LogEntry(self.revision, kind, step, step_kind, branch, operation, record))

    def since(self, revision: int) -> tuple[LogEntry, ...] | None:
        """The entries after a revision, in order; None where the log does not reach back so far."""
        count = self.revision - revision
        if count < 0 or count > len(self._entries):
            return None
        return tuple(self._entries[number] for number in range(len(self._entries) - count, len(self._entries)))

    def forget(self) -> None:
        """Drop all entries: everything up to now is written."""
        self._entries.clear()
