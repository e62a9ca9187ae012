"""The steps of a document: undo and redo over edits and branches alike, and no step is ever thrown away.

    0 ── 1 typing ── 2 generation ── 3 typing          undo, undo, then typing: step 4 becomes a second way on from 1;
               └──── 4 typing                          2 and 3 stay, and `redo` can still take that way

A step is a tuple of changes, each of which can be set before or after. Typing that goes on where it stopped joins the
last step; the pieces of a generation join theirs.

Knows: changes as values. Must not know: how a change is carried out, what the text says, Qt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from desktop_app.document.shared_table import SharedTable
from desktop_app.document.spans import Span, coalesced
from desktop_app.document.tree import NO_CHANGE, TreeChange

# Kinds of steps that the document itself gives names to; others are free.
TYPING, DELETING, FORK, SPLIT, MERGE, PRUNE, BOOKMARK, NAMING = (
    "typing",
    "deleting",
    "fork",
    "split",
    "merge",
    "prune",
    "bookmark",
    "naming",
)
_JOIN_BY_PLACE = (TYPING, DELETING)
BEGINNING = 0  # the id of the state before the first step


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A named place of a branch, before its character `position`; it moves with that character."""

    id: int
    branch: int
    position: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Splice:
    """In a branch at `position`, `removed` became `added`: inside one node at `offset`, or by a change of the tree.

    `node` is 0 in the second case, and the nodes before and after are in the change.
    """

    branch: int
    position: int
    node: int
    offset: int
    removed: tuple[Span, ...]
    added: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What one operation did. Bookmarks: (id, before, after), only those that the splice alone does not move right."""

    splice: Splice | None = None
    tree: TreeChange = NO_CHANGE
    bookmarks: tuple[tuple[int, Bookmark | None, Bookmark | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What one undo takes back. `parent`: the step before it; `branch`: where it was done."""

    id: int
    parent: int
    kind: str
    branch: int
    changes: tuple[Change, ...]


class History:
    """The tree of steps. `current` is the step that was done last, BEGINNING when all are undone."""

    def __init__(self) -> None:
        self.steps: SharedTable[Step] = SharedTable()
        self.current = BEGINNING
        self.next_id = 1
        self._ways: SharedTable[tuple[int, ...]] = (
            SharedTable()
        )  # the steps that follow a step, the one that redo takes last
        self._is_open = False

    def copy(self) -> History:
        """The same steps; what is done in one is not in the other. The next typing begins a step of its own."""
        other = History()
        other.steps, other._ways = self.steps.copy(), self._ways.copy()
        other.current, other.next_id = self.current, self.next_id
        return other

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return self.current != BEGINNING

    @property
    def can_redo(self) -> bool:
        """Whether a step follows the present one."""
        return bool(self._ways.get(self.current))

    def ways_on(self) -> tuple[int, ...]:
        """The steps that can be redone from here; the one that `redo` takes by itself is the first."""
        return tuple(reversed(self._ways.get(self.current, ())))

    @property
    def ways(self) -> Mapping[int, Sequence[int]]:
        """The steps that follow each step, the one that `redo` takes by itself last."""
        return self._ways

    def prefer(self, parent: int, ways: Sequence[int]) -> None:
        """The order in which the steps after `parent` are taken. Raises `ValueError` where they are other steps."""
        if sorted(ways) != sorted(self._ways.get(parent, ())):
            raise ValueError(f"other steps follow step {parent}")
        self._ways[parent] = tuple(ways)

    def close(self) -> None:
        """The next typing begins a step of its own."""
        self._is_open = False

    def joins(self, kind: str, change: Change, step: int = 0) -> bool:
        """Whether a change belongs to the present step: `step` says so, or it goes on where that one stopped."""
        if self.current == BEGINNING or self._ways.get(self.current):
            return False
        if step:
            return step == self.current
        present = self.steps[self.current]
        if not self._is_open or kind != present.kind or kind not in _JOIN_BY_PLACE:
            return False
        return _goes_on(present.changes[-1].splice, change.splice)

    def do(self, kind: str, branch: int, change: Change, is_joined: bool) -> int:
        """Note a change that was carried out; returns its step."""
        if is_joined:
            present = self.steps[self.current]
            whole = merged(present.changes[-1], change)
            changes = (*present.changes, change) if whole is None else (*present.changes[:-1], whole)
            self.steps[self.current] = replace(present, changes=changes)
            return self.current
        self.add(Step(self.next_id, self.current, kind, branch, (change,)))
        self._is_open = True
        self.current = self.next_id - 1
        return self.current

    def add(self, step: Step) -> None:
        """A step after the one that it names as its parent."""
        self.steps[step.id] = step
        self._ways[step.parent] = (*self._ways.get(step.parent, ()), step.id)
        self.next_id = max(self.next_id, step.id + 1)

    def step_back(self) -> Step | None:
        """The step to take back now; None at the beginning."""
        if self.current == BEGINNING:
            return None
        step = self.steps[self.current]
        self.current = step.parent
        self._prefer(step)
        return step

    def step_on(self, chosen: int = 0) -> Step | None:
        """The step to do again now: `chosen`, one of `ways_on`, or the first of them. None where there is none."""
        ways = self._ways.get(self.current)
        if not ways or (chosen and chosen not in ways):
            return None
        step = self.steps[chosen or ways[-1]]
        self.current = step.id
        self._prefer(step)
        return step

    def _prefer(self, step: Step) -> None:
        others = (way for way in self._ways[step.parent] if way != step.id)
        self._ways[step.parent] = (*others, step.id)
        self._is_open = False


def merged(first: Change, second: Change) -> Change | None:
    """Two changes as one, where the second goes on at the place of the first and both are inside one node."""
    one, two = first.splice, second.splice
    if one is None or two is None or not one.node or one.node != two.node or not _goes_on(one, two):
        return None
    if first.bookmarks or second.bookmarks:
        return None
    if two.added or one.added:
        return Change(replace(one, added=tuple(coalesced((*one.added, *two.added)))))
    if two.offset == one.offset:
        return Change(replace(one, removed=tuple(coalesced((*one.removed, *two.removed)))))
    return Change(replace(two, removed=tuple(coalesced((*two.removed, *one.removed)))))


def _goes_on(one: Splice | None, two: Splice | None) -> bool:
    """Whether the second adds behind what the first added, or removes on from where the first removed."""
    if one is None or two is None or one.branch != two.branch:
        return False
    if not two.removed:
        return two.position == one.position + _characters(one.added)
    if one.added or two.added:
        return False
    # The key Delete again, or the key Backspace again.
    return two.position == one.position or two.position + _characters(two.removed) == one.position


def _characters(spans: tuple[Span, ...]) -> int:
    return sum(span.length for span in spans)
