"""The values of a document as plain data and back: origins, ropes, nodes, branches, bookmarks, steps.

Ropes share knots with each other: a fork or an undo step of a long text has a few dozen of its own. So knots are
written once each, into a table, and whatever holds text holds the number of a knot.

    knots: [[before, start, length, origin, after], …]      before, after: the numbers of earlier knots, -1 for none

Knows: the model's values. Must not know: files, SQLite, what makes a document sound.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from desktop_app.document.history import Bookmark, Change, Splice, Step
from desktop_app.document.origins import Origin, OriginTable
from desktop_app.document.spans import Knot, Rope, Span
from desktop_app.document.text_buffer import TextBuffer
from desktop_app.document.tree import Branch, Node, TreeChange

Plain = dict[str, Any]
NO_KNOT = -1


def plain_origin(origin: Origin) -> Plain:
    """{"kind"}, with "record" where there is one."""
    return {"kind": origin.kind, **({"record": origin.record} if origin.record else {})}


def plain_spans(spans: Sequence[Span]) -> list[list[int]]:
    """[[start, length, origin], …]"""
    return [[span.start, span.length, span.origin] for span in spans]


def plain_branch(branch: Branch) -> Plain:
    """{"id", "leaf", "name"}"""
    return {"id": branch.id, "leaf": branch.leaf, "name": branch.name}


def plain_bookmark(mark: Bookmark) -> Plain:
    """{"id", "branch", "position", "name"}"""
    return {"id": mark.id, "branch": mark.branch, "position": mark.position, "name": mark.name}


class Writer:
    """Collects the knots of everything that it writes, in `knots`."""

    def __init__(self) -> None:
        self.knots: list[list[int]] = []
        self._numbers: dict[Knot, int] = {}

    def rope(self, rope: Rope) -> int:
        """The number of a rope's root."""
        if rope is None:
            return NO_KNOT
        known = self._numbers.get(rope)
        if known is None:
            before, after = self.rope(rope.before), self.rope(rope.after)
            self.knots.append([before, rope.span.start, rope.span.length, rope.span.origin, after])
            known = self._numbers[rope] = len(self.knots) - 1
        return known

    def node(self, node: Node) -> Plain:
        """{"id", "parent", "children", "held", "text"}"""
        children = list(node.children)
        text = self.rope(node.text)
        return {"id": node.id, "parent": node.parent, "children": children, "held": node.is_held, "text": text}

    def step(self, step: Step) -> Plain:
        """{"id", "parent", "kind", "branch", "changes"}"""
        changes = [self._change(change) for change in step.changes]
        return {"id": step.id, "parent": step.parent, "kind": step.kind, "branch": step.branch, "changes": changes}

    def _change(self, change: Change) -> Plain:
        plain: Plain = {}
        splice = change.splice
        if splice is not None:
            plain["splice"] = {
                "branch": splice.branch,
                "position": splice.position,
                "node": splice.node,
                "offset": splice.offset,
                "removed": plain_spans(splice.removed),
                "added": plain_spans(splice.added),
            }
        tables: tuple[tuple[str, Sequence[tuple[int, Any, Any]], Any], ...] = (
            ("nodes", change.tree.nodes, self.node),
            ("branches", change.tree.branches, plain_branch),
            ("bookmarks", change.bookmarks, plain_bookmark),
        )
        for name, entries, write in tables:
            if entries:
                plain[name] = [[key, old and write(old), new and write(new)] for key, old, new in entries]
        return plain


class Reader:
    """Values from plain data; what points outside the text or at an unknown origin or knot raises `ValueError`."""

    def __init__(self, buffer: TextBuffer, origins: OriginTable) -> None:
        self._buffer, self._origins = buffer, origins
        self._knots: list[Knot] = []

    def knots(self, plain: Sequence[Sequence[int]]) -> None:
        """Read the table. A text has at most one of each knot, so none is of more knots than there are."""
        for before, start, length, origin, after in plain:
            knot = Knot(self.rope(before), self._span(start, length, origin), self.rope(after))
            if knot.count > len(plain) or not knot.is_balanced():
                raise ValueError(f"knot {len(self._knots)} leans or holds itself twice")
            self._knots.append(knot)

    def rope(self, number: int) -> Rope:
        """The rope whose root has this number."""
        if number == NO_KNOT:
            return None
        if not 0 <= number < len(self._knots):
            raise ValueError(f"knot {number} is not there")
        return self._knots[number]

    def spans(self, plain: Sequence[Sequence[int]]) -> tuple[Span, ...]:
        """Of [[start, length, origin], …]."""
        return tuple(self._span(start, length, origin) for start, length, origin in plain)

    def _span(self, start: int, length: int, origin: int) -> Span:
        if not (0 <= start < start + length <= len(self._buffer)):
            raise ValueError(f"span {start} {length} lies outside the text")
        if not 0 <= origin < len(self._origins):
            raise ValueError(f"origin {origin} is not there")
        return Span(int(start), int(length), int(origin), self._buffer.units(start, length))

    def node(self, plain: Mapping[str, Any]) -> Node:
        """Of `Writer.node`."""
        children = tuple(map(int, plain["children"]))
        return Node(int(plain["id"]), int(plain["parent"]), children, self.rope(plain["text"]), bool(plain["held"]))

    def branch(self, plain: Mapping[str, Any]) -> Branch:
        """Of `plain_branch`."""
        return Branch(int(plain["id"]), int(plain["leaf"]), str(plain["name"]))

    def bookmark(self, plain: Mapping[str, Any]) -> Bookmark:
        """Of `plain_bookmark`."""
        return Bookmark(int(plain["id"]), int(plain["branch"]), int(plain["position"]), str(plain["name"]))

    def step(self, plain: Mapping[str, Any]) -> Step:
        """Of `Writer.step`."""
        changes = tuple(map(self._change, plain["changes"]))
        if not changes:
            raise ValueError(f"step {plain['id']} did nothing")
        return Step(int(plain["id"]), int(plain["parent"]), str(plain["kind"]), int(plain["branch"]), changes)

    def _change(self, plain: Mapping[str, Any]) -> Change:
        splice = plain.get("splice")
        return Change(
            None if splice is None else self._splice(splice),
            TreeChange(_entries(plain, "nodes", self.node), _entries(plain, "branches", self.branch)),
            _entries(plain, "bookmarks", self.bookmark),
        )

    def _splice(self, plain: Mapping[str, Any]) -> Splice:
        branch, position, node, offset = (int(plain[name]) for name in ("branch", "position", "node", "offset"))
        return Splice(branch, position, node, offset, self.spans(plain["removed"]), self.spans(plain["added"]))


def _entries(plain: Mapping[str, Any], name: str, read: Any) -> tuple[tuple[int, Any, Any], ...]:
    return tuple(
        (int(key), None if old is None else read(old), None if new is None else read(new))
        for key, old, new in plain.get(name, ())
    )
