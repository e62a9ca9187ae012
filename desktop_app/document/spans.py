"""A text as a sequence of spans: a persistent balanced tree over the append-only buffer.

           (e  f)              a knot holds one span, the knots before it and the knots after it, and sums over all
          /      \\            of them; a change makes new knots on one path from the root and shares the others
      (a b)      (g h)

Persistent means that the old tree stays valid: a fork, a copy of shared text and an undo step keep a root and no text.
The tree is weight-balanced and has one primitive, `join` (Blelloch, Ferizovic, Sun, "Just Join for Parallel Ordered
Sets", 2016, section 4.3): cutting, joining and replacing cost O(log spans), whatever the text.

Knows: spans, and the buffer for the width of their parts. Must not know: what an origin means, branches, Qt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from desktop_app.document.text_buffer import TextBuffer

_LIGHTEST = 0.29  # share of the smaller side; the paper proves balance for 2/11 < share <= 1 - 1/sqrt(2)


class Span(NamedTuple):
    """Characters that lie together in the buffer and have one origin."""

    start: int  # address in the buffer
    length: int  # code points, at least 1
    origin: int  # number in the origin table
    units: int  # UTF-16 code units


class Knot:
    """One span with all that is before and after it in its part of the tree. Never changed once made."""

    __slots__ = ("after", "before", "count", "length", "span", "units")

    def __init__(self, before: Rope, span: Span, after: Rope) -> None:
        self.before: Rope = before
        self.span: Span = span
        self.after: Rope = after
        count: int
        length: int
        units: int
        count, length, units = 1, span.length, span.units
        if before is not None:
            count, length, units = count + before.count, length + before.length, units + before.units
        if after is not None:
            count, length, units = count + after.count, length + after.length, units + after.units
        self.count: int = count
        self.length: int = length
        self.units: int = units

    def is_balanced(self) -> bool:
        """Whether neither side is much heavier than the other."""
        return _are_balanced(_count(self.before), _count(self.after))


Rope: TypeAlias = Knot | None  # None: no text


def length_of(rope: Rope) -> int:
    """Code points."""
    return 0 if rope is None else rope.length


def units_of(rope: Rope) -> int:
    """UTF-16 code units."""
    return 0 if rope is None else rope.units


def rope_of(spans: Sequence[Span]) -> Rope:
    """A balanced rope of these spans; neighbours that are one piece of the buffer become one span."""
    return _balanced(coalesced(spans), 0, None)


def coalesced(spans: Sequence[Span]) -> list[Span]:
    """The spans with neighbours joined where they have one origin and lie together in the buffer."""
    found: list[Span] = []
    for span in spans:
        last = found[-1] if found else None
        if last is not None and last.origin == span.origin and last.start + last.length == span.start:
            found[-1] = Span(last.start, last.length + span.length, span.origin, last.units + span.units)
        elif span.length:
            found.append(span)
    return found


def spans_of(rope: Rope) -> Iterator[Span]:
    """All spans in order."""
    waiting: list[Knot] = []
    while waiting or rope is not None:
        while rope is not None:
            waiting.append(rope)
            rope = rope.before
        knot = waiting.pop()
        yield knot.span
        rope = knot.after


def spans_between(rope: Rope, start: int, end: int, buffer: TextBuffer) -> list[Span]:
    """The spans of the characters start..end, the first and the last cut to fit."""
    if start <= 0 and end >= length_of(rope):
        return list(spans_of(rope))
    found: list[Span] = []
    _collect(rope, start, end, buffer, found)
    return found


def cut(rope: Rope, at: int, buffer: TextBuffer) -> tuple[Rope, Rope]:
    """The text before and after the character position `at`."""
    if rope is None:
        return None, None
    before = length_of(rope.before)
    if at <= before:
        first, second = cut(rope.before, at, buffer)
        return first, _join(second, rope.span, rope.after)
    if at >= before + rope.span.length:
        first, second = cut(rope.after, at - before - rope.span.length, buffer)
        return _join(rope.before, rope.span, first), second
    left, right = cut_span(rope.span, at - before, buffer)
    return _join(rope.before, left, None), _join(None, right, rope.after)


def cut_span(span: Span, at: int, buffer: TextBuffer) -> tuple[Span, Span]:
    """The two parts of a span, 0 < `at` < its length."""
    units = at if span.units == span.length else buffer.units(span.start, at)
    return (
        Span(span.start, at, span.origin, units),
        Span(span.start + at, span.length - at, span.origin, span.units - units),
    )


def joined(first: Rope, second: Rope) -> Rope:
    """One text after the other."""
    return replaced_between(first, (), second)


def replaced(rope: Rope, start: int, end: int, spans: Sequence[Span], buffer: TextBuffer) -> Rope:
    """The text with the characters start..end replaced by `spans`."""
    before, rest = cut(rope, start, buffer)
    after = rest if start == end else cut(rest, end - start, buffer)[1]
    return replaced_between(before, spans, after)


def replaced_between(before: Rope, spans: Sequence[Span], after: Rope) -> Rope:
    """`before`, `spans` and `after` as one text; spans that meet and belong together become one."""
    middle = list(spans)
    if before is not None:
        before, last = _without_last(before)
        middle.insert(0, last)
    if after is not None:
        first, after = _without_first(after)
        middle.append(first)
    middle = coalesced(middle)
    if not middle:
        return None
    if len(middle) == 1:
        return _join(before, middle[0], after)
    inner = _balanced(middle, 1, len(middle) - 1)
    return _join(before, middle[0], _join(inner, middle[-1], after))


def unit_at(rope: Rope, position: int, buffer: TextBuffer) -> int:
    """The UTF-16 position of a character position."""
    units = 0
    while rope is not None:
        before = length_of(rope.before)
        if position <= before:
            rope = rope.before
            continue
        units += units_of(rope.before)
        position -= before
        span = rope.span
        if position <= span.length:
            return units + (position if span.units == span.length else buffer.units(span.start, position))
        units, position, rope = units + span.units, position - span.length, rope.after
    return units + position


def position_at(rope: Rope, unit: int, buffer: TextBuffer) -> int:
    """The character position of a UTF-16 position; in the middle of a character, the position before it."""
    position = 0
    while rope is not None:
        before = units_of(rope.before)
        if unit <= before:
            rope = rope.before
            continue
        position += length_of(rope.before)
        unit -= before
        span = rope.span
        if unit <= span.units:
            return position + (unit if span.units == span.length else buffer.characters(span.start, unit))
        position, unit, rope = position + span.length, unit - span.units, rope.after
    return position + unit


def _collect(rope: Rope, start: int, end: int, buffer: TextBuffer, found: list[Span]) -> None:
    if rope is None or start >= end:
        return
    before, span = length_of(rope.before), rope.span
    if start < before:
        _collect(rope.before, start, min(end, before), buffer, found)
    first, last = max(start - before, 0), min(end - before, span.length)
    if first < last:
        if last < span.length:
            span = cut_span(span, last, buffer)[0]
        found.append(cut_span(span, first, buffer)[1] if first else span)
    passed = before + rope.span.length
    if end > passed:
        _collect(rope.after, max(0, start - passed), end - passed, buffer, found)


def _balanced(spans: Sequence[Span], first: int, last: int | None) -> Rope:
    last = len(spans) if last is None else last
    if first >= last:
        return None
    middle = (first + last) // 2
    return Knot(_balanced(spans, first, middle), spans[middle], _balanced(spans, middle + 1, last))


def _are_balanced(first: int, second: int) -> bool:
    whole = (first + second + 2) * _LIGHTEST
    return first + 1 >= whole and second + 1 >= whole


def _count(rope: Rope) -> int:
    return 0 if rope is None else rope.count


def _join(before: Rope, span: Span, after: Rope) -> Knot:
    first, second = _count(before), _count(after)
    if _are_balanced(first, second):
        return Knot(before, span, after)
    return _join_right(before, span, after) if first > second else _join_left(before, span, after)


def _join_right(before: Rope, span: Span, after: Rope) -> Knot:
    """`before` is the heavier: go down its right edge until both weigh alike, then turn what leans."""
    if before is None or _are_balanced(before.count, _count(after)):
        return Knot(before, span, after)
    inner = _join_right(before.after, span, after)
    outer, inside = _count(before.before), _count(inner.before)
    if _are_balanced(outer, inner.count):
        return Knot(before.before, before.span, inner)
    if not (_are_balanced(outer, inside) and _are_balanced(outer + inside + 1, _count(inner.after))):
        inner = _turned_right(inner)
    return _turned_left(Knot(before.before, before.span, inner))


def _join_left(before: Rope, span: Span, after: Rope) -> Knot:
    """The mirror of `_join_right`."""
    if after is None or _are_balanced(_count(before), after.count):
        return Knot(before, span, after)
    inner = _join_left(before, span, after.before)
    outer, inside = _count(after.after), _count(inner.after)
    if _are_balanced(inner.count, outer):
        return Knot(inner, after.span, after.after)
    if not (_are_balanced(inside, outer) and _are_balanced(_count(inner.before), outer + inside + 1)):
        inner = _turned_left(inner)
    return _turned_right(Knot(inner, after.span, after.after))


def _turned_left(knot: Knot) -> Knot:
    top = knot.after
    return knot if top is None else Knot(Knot(knot.before, knot.span, top.before), top.span, top.after)


def _turned_right(knot: Knot) -> Knot:
    top = knot.before
    return knot if top is None else Knot(top.before, top.span, Knot(top.after, knot.span, knot.after))


def _without_last(knot: Knot) -> tuple[Rope, Span]:
    if knot.after is None:
        return knot.before, knot.span
    rest, last = _without_last(knot.after)
    return _join(knot.before, knot.span, rest), last


def _without_first(knot: Knot) -> tuple[Span, Rope]:
    if knot.before is None:
        return knot.span, knot.after
    first, rest = _without_first(knot.before)
    return first, _join(rest, knot.span, knot.after)
