"""What can be done to a document's text, branches and bookmarks, each as one change that can be undone and done again.

    ("splice", branch, start, end, spans) → the nodes, branches and bookmarks as they are now, and the Change

An operation is a name and plain values. The same operations on the same document give the same ids, so a store keeps
the operations and plays them again. An operation that cannot be done raises `ValueError` before it changes anything.

Knows: the tree, spans, bookmarks. Must not know: the history, who listens, Qt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from desktop_app.document.history import Bookmark, Change, Splice
from desktop_app.document.spans import Span, length_of, replaced, spans_between
from desktop_app.document.text_buffer import TextBuffer
from desktop_app.document.tree import NO_CHANGE, Tree

Operation: TypeAlias = tuple[Any, ...]  # a name of `Operations.by_name`, then its arguments
SPLICE = "splice"


class Operations:
    """The state of a document without its past."""

    def __init__(self, buffer: TextBuffer) -> None:
        self.buffer = buffer
        self.tree = Tree(buffer)
        self.bookmarks: dict[int, Bookmark] = {}
        self.by_name: dict[str, Callable[..., Change]] = {
            SPLICE: self.splice,
            "fork": self.fork,
            "split": self.split,
            "merge": self.merge,
            "prune": self.prune,
            "rename": self.rename,
            "mark": self.mark,
            "unmark": self.unmark,
        }

    def copy(self, buffer: TextBuffer) -> Operations:
        """The same state over a copy of the buffer."""
        other = Operations(buffer)
        other.tree = self.tree.copy(buffer)
        other.bookmarks.update(self.bookmarks)
        return other

    def carry_out(self, operation: Operation) -> Change:
        """Do an operation. Raises `ValueError` where it cannot be done here."""
        name, *arguments = operation
        if name not in self.by_name:
            raise ValueError(f"no operation is called {name!r}")
        return self.by_name[name](*arguments)

    def spans(self, branch: int, start: int, end: int | None) -> list[Span]:
        """The spans of a part of a branch, the first and the last cut to fit."""
        found: list[Span] = []
        passed = 0
        for rope in self.tree.texts(branch):
            length = length_of(rope)
            last = length if end is None else min(length, end - passed)
            found += spans_between(rope, max(0, start - passed), last, self.buffer)
            passed += length
        return found

    # ---- operations -------------------------------------------------------------------------------------------

    def splice(self, branch: int, start: int, end: int, added: tuple[Span, ...]) -> Change:
        """Replace the characters start..end of a branch."""
        self._check(branch, start, end)
        run = self.tree.run(branch)
        removed = tuple(self.spans(branch, start, end)) if start < end else ()
        place = None
        if start >= run.own_start:
            place = self._own_place(run.path[run.own_index :], start - run.own_start, end - start)
        moved = self._collapsed(branch, start, end)
        if place is not None:
            splice = Splice(branch, start, *place, removed, added)
            self._splice_node(splice, is_undo=False)
            tree = NO_CHANGE
        else:
            splice = Splice(branch, start, 0, 0, removed, added)
            self._splice_tree(branch, start, end, added)
            tree = self.tree.taken()
        self._move_bookmarks(splice, is_undo=False)
        self._set_bookmarks(moved, is_undo=False)
        return Change(splice, tree, moved)

    def fork(self, branch: int, position: int, name: str) -> Change:
        """A branch that shares the text of another up to `position` and has nothing behind it."""
        self._check(branch, position)
        leaf = self.tree.add_leaf(self.tree.fork_point(branch, position), None)
        self.tree.add_branch(leaf, name)
        return Change(tree=self.tree.taken())

    def split(self, branch: int, position: int) -> Change:
        """Cut a run of text by hand; an empty change where it is cut so already."""
        self._check(branch, position)
        node = self.tree.fork_point(branch, position)
        if not self.tree.nodes[node].is_held:
            self.tree.put(replace(self.tree.nodes[node], is_held=True))
        return Change(tree=self.tree.taken())

    def merge(self, branch: int) -> Change:
        """Join the nodes of a branch that no fork parts; an empty change where there are none."""
        self._check(branch)
        for node in reversed(self.tree.run(branch).path[:-1]):
            known = self.tree.nodes[node]
            if len(known.children) == 1:
                self.tree.merge(node)
            elif known.is_held:
                self.tree.put(replace(known, is_held=False))
        return Change(tree=self.tree.taken())

    def prune(self, branch: int) -> Change:
        """Remove a branch, what is its own of the text, and its bookmarks. The last branch stays."""
        self._check(branch)
        if len(self.tree.branches) == 1:
            raise ValueError("a document has at least one branch")
        leaf = self.tree.branches[branch].leaf
        self.tree.drop_branch(branch)
        self.tree.remove_upwards(leaf)
        lost = tuple((mark.id, mark, None) for mark in self.bookmarks.values() if mark.branch == branch)
        self._set_bookmarks(lost, is_undo=False)
        return Change(tree=self.tree.taken(), bookmarks=lost)

    def rename(self, branch: int, name: str) -> Change:
        """Name a branch."""
        self._check(branch)
        self.tree.put_branch(replace(self.tree.branches[branch], name=name))
        return Change(tree=self.tree.taken())

    def mark(self, branch: int, position: int, name: str) -> Change:
        """Mark a place."""
        self._check(branch, position)
        mark = Bookmark(self.tree.new_id(), branch, position, name)
        return self._marked(mark.id, None, mark)

    def unmark(self, bookmark: int) -> Change:
        """Forget a place."""
        if bookmark not in self.bookmarks:
            raise ValueError(f"there is no bookmark {bookmark}")
        return self._marked(bookmark, self.bookmarks[bookmark], None)

    # ---- undo and redo ----------------------------------------------------------------------------------------

    def apply(self, change: Change, is_undo: bool) -> None:
        """Set everything as it was before a change, or after it."""
        splice = change.splice
        if splice is not None and splice.node:
            self._splice_node(splice, is_undo)
        else:
            self.tree.restore(change.tree, is_undo)
        if splice is not None:
            self._move_bookmarks(splice, is_undo)
        self._set_bookmarks(change.bookmarks, is_undo)

    # ---- inside -----------------------------------------------------------------------------------------------

    def _check(self, branch: int, start: int = 0, end: int | None = None) -> None:
        if branch not in self.tree.branches:
            raise ValueError(f"there is no branch {branch}")
        length = self.tree.length(branch)
        if not 0 <= start <= (start if end is None else end) <= length:
            raise ValueError(f"{start}..{start if end is None else end} is no part of a text of {length} characters")

    def _marked(self, bookmark: int, before: Bookmark | None, after: Bookmark | None) -> Change:
        entries = ((bookmark, before, after),)
        self._set_bookmarks(entries, is_undo=False)
        return Change(bookmarks=entries)

    def _own_place(self, nodes: Sequence[int], start: int, length: int) -> tuple[int, int] | None:
        """The node of a branch's own run that holds all of a place, and where in it; None: it goes over a cut."""
        for number, node in enumerate(nodes):
            size = length_of(self.tree.nodes[node].text)
            if start < size or (start == size and (length == 0 or number == len(nodes) - 1)):
                return (node, start) if start + length <= size else None
            start -= size
        return None

    def _splice_node(self, splice: Splice, is_undo: bool) -> None:
        gone, fresh = (splice.added, splice.removed) if is_undo else (splice.removed, splice.added)
        end = splice.offset + sum(span.length for span in gone)
        text = self.tree.nodes[splice.node].text
        self.tree.set_text(splice.node, replaced(text, splice.offset, end, fresh, self.buffer))
        self.tree.forget()

    def _splice_tree(self, branch: int, start: int, end: int, added: tuple[Span, ...]) -> None:
        if start < self.tree.run(branch).own_start:
            self.tree.part(branch, start)
        run = self.tree.run(branch)
        position = run.own_start
        fresh = added
        for node in run.path[run.own_index :]:
            text = self.tree.nodes[node].text
            first, last = max(0, start - position), min(length_of(text), end - position)
            is_last = node == run.path[-1]
            takes = bool(fresh) and (first < length_of(text) or is_last)
            if first < last or takes:
                self.tree.put(
                    replace(self.tree.nodes[node], text=replaced(text, first, max(first, last), fresh, self.buffer))
                )
                fresh = ()
            position += length_of(text)

    def _collapsed(self, branch: int, start: int, end: int) -> tuple[tuple[int, Bookmark | None, Bookmark | None], ...]:
        """The bookmarks inside removed text: they go to its beginning, and back by undo."""
        marks = [mark for mark in self.bookmarks.values() if mark.branch == branch and start <= mark.position < end]
        return tuple((mark.id, mark, replace(mark, position=start)) for mark in marks)

    def _move_bookmarks(self, splice: Splice, is_undo: bool) -> None:
        if not self.bookmarks:
            return
        gone, fresh = (splice.added, splice.removed) if is_undo else (splice.removed, splice.added)
        end = splice.position + sum(span.length for span in gone)
        by = splice.position + sum(span.length for span in fresh) - end
        for mark in self.bookmarks.values():
            if mark.branch == splice.branch and mark.position >= end:
                self.bookmarks[mark.id] = replace(mark, position=mark.position + by)

    def _set_bookmarks(self, entries: Sequence[tuple[int, Bookmark | None, Bookmark | None]], is_undo: bool) -> None:
        for key, before, after in entries:
            wanted = before if is_undo else after
            if wanted is None:
                self.bookmarks.pop(key, None)
            else:
                self.bookmarks[key] = wanted
            self.tree.next_id = max(self.tree.next_id, key + 1)
