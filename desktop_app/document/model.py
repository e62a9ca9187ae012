"""The document: branches of text that know the origin of every character, and every step that made them.

    buffer (append-only text) ← spans (address, origin) ← ropes ← tree of nodes ← branches
    every operation → Change → history (undo, redo) and log (what a store has to write)

Nothing is overwritten: deleted text stays in the buffer, an undone step stays in the history, and text that other
branches share is copied on write (the spans, not the characters). Positions are code points of one branch; `unit_at`
and `position_at` translate UTF-16 positions. An operation that cannot be done raises `ValueError` before it changes
anything.

Knows: text, origins, branches, steps. Must not know: Qt, the engine, files, what a record means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from desktop_app.document import change_log as log
from desktop_app.document import history as steps
from desktop_app.document.change_log import ChangeLog
from desktop_app.document.history import Bookmark, Change, History, Step
from desktop_app.document.operations import SPLICE, Operation, Operations
from desktop_app.document.origins import Origin, OriginTable, Passage, Record
from desktop_app.document.spans import Span, length_of, position_at, unit_at, units_of
from desktop_app.document.text_buffer import TextBuffer
from desktop_app.document.tree import Tree


class TextEdit(NamedTuple):
    """In a branch, `removed` characters at `position` became `text`; the same two numbers in UTF-16 code units."""

    branch: int
    position: int
    removed: int
    text: str
    position_units: int
    removed_units: int


class Document:
    """One document. `current` is the branch that is shown; where a method takes `branch`, 0 means that one."""

    def __init__(self) -> None:
        self.buffer = TextBuffer()
        self.origins = OriginTable()
        self._state = Operations(self.buffer)
        self.history = History()
        self.log = ChangeLog()
        self.current = 1
        self.lineage = object()  # shared by copies: what one has written, a later one has only to add to
        self.on_edit: list[Callable[[TextEdit], None]] = []  # called after each change of a branch's text
        self.on_switch: list[Callable[[int], None]] = []  # called when another branch is shown
        self._group: tuple[str, int] | None = None  # kind and step of the operations that belong together
        self._copied: tuple[int, Document] | None = None  # the last copy, and of which revision it is

    @property
    def tree(self) -> Tree:
        """Nodes and branches."""
        return self._state.tree

    @property
    def bookmarks(self) -> dict[int, Bookmark]:
        """Marked places by id."""
        return self._state.bookmarks

    def copy(self) -> Document:
        """The document as it is now, for another thread: a table of each kind is copied, no text is.

        The same object as at the last call where nothing has changed in between. Nobody listens to it.
        """
        revision, last = self._copied or (-1, self)
        if revision != self.log.revision or last.log.revision != revision or last.lineage is not self.lineage:
            last = self._copy()
            self._copied = (self.log.revision, last)
        return last

    def _copy(self) -> Document:
        other = Document()
        other.buffer, other.origins = self.buffer.copy(), self.origins.copy()
        other._state = self._state.copy(other.buffer)
        other.history, other.log = self.history.copy(), self.log.copy()
        other.current, other.lineage = self.current, self.lineage
        return other

    # ---- reading ----------------------------------------------------------------------------------------------

    def length(self, branch: int = 0) -> int:
        """The characters of a branch."""
        return self.tree.length(branch or self.current)

    def units(self, branch: int = 0) -> int:
        """The UTF-16 code units of a branch."""
        return sum(map(units_of, self.tree.texts(branch or self.current)))

    def text(self, start: int = 0, end: int | None = None, branch: int = 0) -> str:
        """The text of a branch, or a part of it."""
        return "".join(self.buffer.read(span.start, span.length) for span in self.spans(start, end, branch))

    def passages(self, start: int = 0, end: int | None = None, branch: int = 0) -> tuple[Passage, ...]:
        """A part of a branch with its origins: what cut and copy take along. Neighbours of one origin are one."""
        found: list[Passage] = []
        for span in self.spans(start, end, branch):
            words, origin = self.buffer.read(span.start, span.length), self.origins[span.origin]
            if found and found[-1].origin == origin:
                words = found.pop().text + words
            found.append(Passage(words, origin))
        return tuple(found)

    def spans(self, start: int = 0, end: int | None = None, branch: int = 0) -> list[Span]:
        """The spans of a part of a branch, the first and the last cut to fit."""
        return self._state.spans(branch or self.current, start, end)

    def origin_at(self, position: int, branch: int = 0) -> Origin:
        """The origin of a character. Raises `IndexError` behind the end."""
        (span,) = self.spans(position, position + 1, branch) or (None,)
        if span is None:
            raise IndexError(f"the branch has no character {position}")
        return self.origins[span.origin]

    def unit_at(self, position: int, branch: int = 0) -> int:
        """The UTF-16 position of a character position."""
        units = 0
        for rope in self.tree.texts(branch or self.current):
            if position <= length_of(rope):
                return units + unit_at(rope, position, self.buffer)
            units, position = units + units_of(rope), position - length_of(rope)
        return units + position

    def position_at(self, unit: int, branch: int = 0) -> int:
        """The character position of a UTF-16 position; in the middle of a character, the position before it."""
        position = 0
        for rope in self.tree.texts(branch or self.current):
            if unit <= units_of(rope):
                return position + position_at(rope, unit, self.buffer)
            position, unit = position + length_of(rope), unit - units_of(rope)
        return position + unit

    # ---- text -------------------------------------------------------------------------------------------------

    def insert(self, position: int, text: str, origin: Origin, kind: str = steps.TYPING, branch: int = 0) -> int:
        """Put text of one origin into a branch; returns the step."""
        return self.replace(position, position, (Passage(text, origin),), kind, branch)

    def delete(self, start: int, end: int, kind: str = steps.DELETING, branch: int = 0) -> int:
        """Take characters out of a branch; returns the step."""
        return self.replace(start, end, (), kind, branch)

    def replace(
        self,
        start: int,
        end: int,
        passages: Sequence[Passage],
        kind: str = steps.TYPING,
        branch: int = 0,
        joins: int = 0,
    ) -> int:
        """Replace characters of a branch; returns the step.

        Typing and deleting go into the step before where they go on at its place. `joins` is a step that the change
        belongs to, as the pieces of a generation do; it is a step of its own if that one is not the last any more.
        """
        branch = branch or self.current
        if not 0 <= start <= end <= self.length(branch):  # before anything is added to the buffer
            raise ValueError(f"{start}..{end} is no part of a text of {self.length(branch)} characters")
        added = tuple(self._span(passage) for passage in passages if passage.text)
        if start == end and not added:
            return self.history.current
        units = self._units_before(start, branch)
        step, change = self._do(kind, branch, (SPLICE, branch, start, end, added), joins)
        self._tell(change, units, is_undo=False)
        return step

    def set_record(self, record: str, says: Record) -> None:
        """What the record of a generation says. No step: a fact is not undone."""
        self.origins.set_record(record, says)
        self.log.note(log.RECORD, record=record)

    # ---- branches ---------------------------------------------------------------------------------------------

    def switch(self, branch: int) -> None:
        """Show another branch. No step of undo."""
        if branch not in self.tree.branches:
            raise ValueError(f"there is no branch {branch}")
        if branch != self.current:
            self.current = branch
            self.log.note(log.CURRENT, branch=branch)
            for tell in self.on_switch:
                tell(branch)

    def fork(self, position: int, name: str = "", branch: int = 0) -> int:
        """A new branch that shares the text of another up to `position` and has nothing behind it; returns its id."""
        branch = branch or self.current
        _, change = self._do(steps.FORK, branch, ("fork", branch, position, name))
        return next(key for key, before, _ in change.tree.branches if before is None)

    def split(self, position: int, branch: int = 0) -> None:
        """Cut the run of text at a character by hand. The cut stays until `merge`."""
        branch = branch or self.current
        self._do(steps.SPLIT, branch, ("split", branch, position))

    def merge(self, branch: int = 0) -> None:
        """Join every run of nodes of a branch that no fork parts: the cuts that were made by hand go."""
        branch = branch or self.current
        self._do(steps.MERGE, branch, ("merge", branch))

    def prune(self, branch: int = 0) -> None:
        """Remove a branch with the text that is its own; its neighbour is shown. The last one stays: `ValueError`."""
        branch = branch or self.current
        neighbour = self.tree.neighbour(branch)
        self._do(steps.PRUNE, branch, ("prune", branch))
        if branch == self.current:
            self.switch(neighbour)

    def rename(self, name: str, branch: int = 0) -> None:
        """Name a branch."""
        branch = branch or self.current
        self._do(steps.NAMING, branch, ("rename", branch, name))

    def bookmark(self, position: int, name: str = "", branch: int = 0) -> int:
        """Mark a place; returns the bookmark's id."""
        branch = branch or self.current
        _, change = self._do(steps.BOOKMARK, branch, ("mark", branch, position, name))
        return change.bookmarks[0][0]

    def remove_bookmark(self, bookmark: int) -> None:
        """Forget a place."""
        branch = self.bookmarks[bookmark].branch if bookmark in self.bookmarks else self.current
        self._do(steps.BOOKMARK, branch, ("unmark", bookmark))

    # ---- steps ------------------------------------------------------------------------------------------------

    @contextmanager
    def step(self, kind: str) -> Iterator[None]:
        """All operations inside are one step of undo."""
        if self._group is not None:  # a step inside a step is part of it
            yield
            return
        self._group = (kind, 0)
        try:
            yield
        finally:
            self._group = None
            self.history.close()

    def undo(self) -> Step | None:
        """Take the last step back, in whatever branch it was done; that branch is shown. None: there is none."""
        step = self.history.step_back()
        if step is not None:
            for change in reversed(step.changes):
                self._apply(change, is_undo=True)
            self.log.note(log.UNDONE, step=step.id)
            self._show_place_of(step)
        return step

    def redo(self, chosen: int = 0) -> Step | None:
        """Do the step again that was undone last, or `chosen`, one of `history.ways_on()`. None: there is none."""
        step = self.history.step_on(chosen)
        if step is not None:
            for change in step.changes:
                self._apply(change, is_undo=False)
            self.log.note(log.REDONE, step=step.id)
            self._show_place_of(step)
        return step

    def close_step(self) -> None:
        """What is typed next is another step: the caret was moved, the text was saved."""
        self.history.close()

    def forget_past(self) -> None:
        """The present state is the beginning: nothing to undo, and a store writes everything."""
        self.history = History()
        self.log = ChangeLog(self.log.revision)
        self.lineage = object()

    # ---- inside -----------------------------------------------------------------------------------------------

    def carry_out(self, kind: str, branch: int, operation: Operation, is_joined: bool) -> None:
        """Do again what was done to another document with the same past, as its log tells it."""
        change = self._state.carry_out(operation)
        self._note(kind, branch, operation, change, is_joined)

    def _span(self, passage: Passage) -> Span:
        address, length = self.buffer.append(passage.text), len(passage.text)
        return Span(address, length, self.origins.number_of(passage.origin), self.buffer.units(address, length))

    def _apply(self, change: Change, is_undo: bool) -> None:
        splice = change.splice
        units = 0 if splice is None else self._units_before(splice.position, splice.branch)
        self._state.apply(change, is_undo)
        self._tell(change, units, is_undo)

    def _units_before(self, position: int, branch: int) -> int:
        return self.unit_at(position, branch) if self.on_edit else 0

    def _tell(self, change: Change, units: int, is_undo: bool) -> None:
        splice = change.splice
        if splice is None or not self.on_edit:
            return
        gone, fresh = (splice.added, splice.removed) if is_undo else (splice.removed, splice.added)
        edit = TextEdit(
            splice.branch,
            splice.position,
            sum(span.length for span in gone),
            "".join(self.buffer.read(span.start, span.length) for span in fresh),
            units,
            sum(span.units for span in gone),
        )
        for tell in self.on_edit:
            tell(edit)

    def _do(self, kind: str, branch: int, operation: Operation, joins: int = 0) -> tuple[int, Change]:
        change = self._state.carry_out(operation)
        if change == Change():
            return self.history.current, change
        if self._group is not None:
            kind, joins = self._group
        is_joined = self.history.joins(kind, change, joins) if joins or self._group is None else False
        step = self._note(kind, branch, operation, change, is_joined)
        if self._group is not None:
            self._group = (kind, step)
        return step, change

    def _note(self, kind: str, branch: int, operation: Operation, change: Change, is_joined: bool) -> int:
        step = self.history.do(kind, branch, change, is_joined)
        self.log.note(log.JOINED if is_joined else log.DONE, step, kind, branch, operation)
        return step

    def _show_place_of(self, step: Step) -> None:
        if step.branch in self.tree.branches:
            self.switch(step.branch)
        elif self.current not in self.tree.branches:
            self.switch(next(iter(self.tree.branches)))
