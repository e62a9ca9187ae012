"""Branches over a tree of nodes: each node holds a run of text, each branch is the text from the root to its leaf.

    root "Once upon a time "──┬── "there was a king"        branch 1
                              └── "a fox "──┬── "slept"      branch 2
                                            └── "ran"        branch 3

Nodes are cut only where branches fork, or where a cut was made by hand and is held. Every leaf has one branch, and text
below the last fork belongs to that branch alone: its own run. Text above is shared, and is never changed: to edit it, a
branch first parts from the others there (`part`), with ropes that share all spans.

Every change goes through `put`, which notes what was there before: `taken` gives both as one value, and `restore` sets
either, which is all that undo and redo need.

Knows: nodes, branches, ropes. Must not know: what an origin means, undo, files, Qt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

from desktop_app.document.spans import Rope, cut, joined, length_of
from desktop_app.document.text_buffer import TextBuffer

ROOT = 1


@dataclass(frozen=True, slots=True)
class Node:
    """A run of text. `parent` is 0 at the root. `is_held`: its end was cut by hand, and stays without a fork."""

    id: int
    parent: int = 0
    children: tuple[int, ...] = ()
    text: Rope = None
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class Branch:
    """One text of the document; it ends in `leaf`."""

    id: int
    leaf: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class TreeChange:
    """Nodes and branches before and after, by id; None where there was or is none."""

    nodes: tuple[tuple[int, Node | None, Node | None], ...] = ()
    branches: tuple[tuple[int, Branch | None, Branch | None], ...] = ()


NO_CHANGE = TreeChange()


class Run(NamedTuple):
    """The nodes of a branch from the root, and where its own run begins: in the nodes, and in its characters."""

    path: tuple[int, ...]
    own_index: int
    own_start: int


class Tree:
    """All nodes and branches of a document. Ids are never used twice."""

    def __init__(self, buffer: TextBuffer) -> None:
        self._buffer = buffer
        self.nodes: dict[int, Node] = {ROOT: Node(ROOT)}
        self.branches: dict[int, Branch] = {1: Branch(1, ROOT)}
        self.next_id = 2  # one count for nodes and branches
        self._nodes_before: dict[int, Node | None] = {}
        self._branches_before: dict[int, Branch | None] = {}
        self._runs: dict[int, Run] = {}

    def copy(self, buffer: TextBuffer) -> Tree:
        """The same nodes and branches over a copy of the buffer; the ropes are shared, since they never change."""
        other = Tree(buffer)
        other.nodes, other.branches, other.next_id = dict(self.nodes), dict(self.branches), self.next_id
        return other

    # ---- reading ----------------------------------------------------------------------------------------------

    def run(self, branch: int) -> Run:
        """Where the text of a branch lies. Raises `KeyError` for an unknown branch."""
        known = self._runs.get(branch)
        if known is None:
            known = self._runs[branch] = self._find_run(branch)
        return known

    def _find_run(self, branch: int) -> Run:
        path: list[int] = []
        at = self.branches[branch].leaf
        while at:
            path.append(at)
            at = self.nodes[at].parent
        path.reverse()
        own = len(path) - 1
        while own > 0 and len(self.nodes[path[own - 1]].children) == 1:
            own -= 1
        return Run(tuple(path), own, sum(length_of(self.nodes[node].text) for node in path[:own]))

    def texts(self, branch: int) -> Iterator[Rope]:
        """The ropes of a branch from the root."""
        return (self.nodes[node].text for node in self.run(branch).path)

    def length(self, branch: int) -> int:
        """The characters of a branch."""
        run = self.run(branch)
        return run.own_start + sum(length_of(self.nodes[node].text) for node in run.path[run.own_index :])

    def leaves_under(self, node: int) -> Iterator[int]:
        """The leaves at or below a node, in order."""
        waiting = [node]
        while waiting:
            at = self.nodes[waiting.pop()]
            if not at.children:
                yield at.id
            waiting.extend(reversed(at.children))

    def branch_of_leaf(self, leaf: int) -> int:
        """The branch that ends in a leaf."""
        return next(branch.id for branch in self.branches.values() if branch.leaf == leaf)

    def neighbour(self, branch: int) -> int:
        """The branch beside a branch, at its nearest fork; itself where there is no other."""
        path = self.run(branch).path
        for node, below in zip(reversed(path[:-1]), reversed(path[1:])):
            children = self.nodes[node].children
            if len(children) > 1:
                at = children.index(below)
                beside = children[at - 1] if at else children[1]
                return self.branch_of_leaf(next(self.leaves_under(beside)))
        return branch

    # ---- changing ---------------------------------------------------------------------------------------------

    def put(self, node: Node) -> None:
        """Set a node; what was there is noted."""
        self._nodes_before.setdefault(node.id, self.nodes.get(node.id))
        self.nodes[node.id] = node
        self._runs.clear()

    def set_text(self, node: int, text: Rope) -> None:
        """Another text for a node of one branch's own run: no path and no start of an own run changes by it."""
        known = self.nodes[node]
        self._nodes_before.setdefault(node, known)
        self.nodes[node] = Node(node, known.parent, known.children, text, known.is_held)

    def drop(self, node: int) -> None:
        """Remove a node; it stays in what was noted."""
        self._nodes_before.setdefault(node, self.nodes.get(node))
        del self.nodes[node]
        self._runs.clear()

    def put_branch(self, branch: Branch) -> None:
        """Set a branch; what was there is noted."""
        self._branches_before.setdefault(branch.id, self.branches.get(branch.id))
        self.branches[branch.id] = branch
        self._runs.clear()

    def drop_branch(self, branch: int) -> None:
        """Remove a branch, not its nodes."""
        self._branches_before.setdefault(branch, self.branches.get(branch))
        del self.branches[branch]
        self._runs.clear()

    def taken(self) -> TreeChange:
        """Everything that changed since the last call."""
        nodes = tuple((key, before, self.nodes.get(key)) for key, before in self._nodes_before.items())
        branches = tuple((key, before, self.branches.get(key)) for key, before in self._branches_before.items())
        self.forget()
        return TreeChange(
            tuple(entry for entry in nodes if entry[1] is not entry[2]),
            tuple(entry for entry in branches if entry[1] is not entry[2]),
        )

    def forget(self) -> None:
        """Note nothing of what changed since the last call of `taken`."""
        self._nodes_before.clear()
        self._branches_before.clear()

    def restore(self, change: TreeChange, is_undo: bool) -> None:
        """Set the nodes and branches of a change as they were before it, or after it."""
        _restore(self.nodes, change.nodes, is_undo)
        _restore(self.branches, change.branches, is_undo)
        ids = [entry[0] for entry in (*change.nodes, *change.branches)]
        self.next_id = max(self.next_id, *(key + 1 for key in ids)) if ids else self.next_id
        self._runs.clear()

    def cut(self, node: int, at: int) -> int:
        """Cut a node at a character; it keeps its id for the first part. Returns the id of the second."""
        known = self.nodes[node]
        first, second = cut(known.text, at, self._buffer)
        below = self.new_id()
        self.put(replace(known, text=first, children=(below,), is_held=False))
        self.put(Node(below, node, known.children, second, known.is_held))
        for child in known.children:
            self.put(replace(self.nodes[child], parent=below))
        if not known.children:
            branch = self.branches[self.branch_of_leaf(node)]
            self.put_branch(replace(branch, leaf=below))
        return below

    def fork_point(self, branch: int, position: int) -> int:
        """The node that ends at a character of a branch, cut there if need be. The root may become empty by it."""
        start = 0
        for node in self.run(branch).path:
            end = start + length_of(self.nodes[node].text)
            if position < end or (position == end and not self.nodes[node].children):
                break
            if position == end:
                return node
            start = end
        self.cut(node, position - start)
        return node

    def add_leaf(self, parent: int, text: Rope, beside: int = 0) -> int:
        """A new leaf under `parent`, behind its child `beside` or as the last. Returns its id."""
        leaf = self.new_id()
        known = self.nodes[parent]
        at = known.children.index(beside) + 1 if beside else len(known.children)
        self.put(replace(known, children=(*known.children[:at], leaf, *known.children[at:])))
        self.put(Node(leaf, parent, (), text))
        return leaf

    def add_branch(self, leaf: int, name: str) -> int:
        """A branch that ends in a leaf that has none. Returns its id."""
        branch = Branch(self.new_id(), leaf, name)
        self.put_branch(branch)
        return branch.id

    def part(self, branch: int, position: int) -> int:
        """From `position` on, give a branch a copy of its text that it shares with no other; returns the new leaf."""
        rest: Rope = None
        fork = self.fork_point(branch, position)
        run = self.run(branch)
        below = run.path[run.path.index(fork) + 1 :]
        for node in below:
            rest = joined(rest, self.nodes[node].text)
        leaf = self.add_leaf(fork, rest, beside=below[0])
        self.put_branch(replace(self.branches[branch], leaf=leaf))
        self.remove_upwards(run.path[-1])
        return leaf

    def remove_upwards(self, leaf: int) -> None:
        """Remove a leaf with the run above it up to the next fork, and close the fork if one way is left."""
        while True:
            node = self.nodes[leaf]
            parent = self.nodes[node.parent]
            self.drop(leaf)
            rest = tuple(child for child in parent.children if child != leaf)
            self.put(replace(parent, children=rest))
            if rest:
                break
            leaf = parent.id
        if len(rest) == 1 and not parent.is_held:
            self.merge(parent.id)

    def merge(self, node: int) -> None:
        """Join a node with its only child; the node keeps its id."""
        known = self.nodes[node]
        (below,) = known.children
        child = self.nodes[below]
        self.drop(below)
        self.put(replace(known, text=joined(known.text, child.text), children=child.children, is_held=child.is_held))
        for grandchild in child.children:
            self.put(replace(self.nodes[grandchild], parent=node))
        if not child.children:
            branch = self.branches[self.branch_of_leaf(below)]
            self.put_branch(replace(branch, leaf=node))

    def new_id(self) -> int:
        """An id that nothing had before."""
        self.next_id += 1
        return self.next_id - 1


_Kept = TypeVar("_Kept")


def _restore(table: dict[int, _Kept], entries: Iterable[tuple[int, _Kept | None, _Kept | None]], is_undo: bool) -> None:
    for key, before, after in entries:
        wanted = before if is_undo else after
        if wanted is None:
            table.pop(key, None)
        else:
            table[key] = wanted
