"""Which paragraph became which, where paragraphs are not the same: those that begin alike, then those that end alike.

    gap of paragraphs against paragraphs  →  one against one where they are akin, and smaller gaps between

An edited paragraph mostly keeps its beginning or its end; so the words of many paragraphs need not be compared with
those of all others. Knows paragraphs. Must not know what differs inside them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

from desktop_app.document.alignment import Change, Effort, changes_between

# What is looked at, one way after the other: so many characters of the beginning, or (below zero) of the end.
_WAYS = (12, -12, 4, -4)
_MOST = 50_000  # paragraphs of both texts in one gap; more are lines of data, or blank


def paired(old: Sequence[str], new: Sequence[str], gap: Change, effort: Effort, way: int = 0) -> Iterator[Change]:
    """The gap in pieces, in order; together they are the gap. Places are numbers of paragraphs."""
    size, new_size = gap.end - gap.start, gap.new_end - gap.new_start
    is_done = way == len(_WAYS) or not size or not new_size or size == new_size == 1 or size + new_size > _MOST
    if is_done or _is_split(old, new, gap):
        yield gap
        return
    keys = [_key(paragraph, _WAYS[way]) for paragraph in old[gap.start : gap.end]]
    new_keys = [_key(paragraph, _WAYS[way]) for paragraph in new[gap.new_start : gap.new_end]]
    at, new_at = gap.start, gap.new_start
    for change in (*changes_between(keys, new_keys, effort), Change(size, size, new_size, new_size)):
        start, new_start = gap.start + change.start, gap.new_start + change.new_start
        for number in range(start - at):
            yield Change(at + number, at + number + 1, new_at + number, new_at + number + 1)
        at, new_at = gap.start + change.end, gap.new_start + change.new_end
        if at > start or new_at > new_start:
            yield from paired(old, new, Change(start, at, new_start, new_at), effort, way + 1)


def _is_split(old: Sequence[str], new: Sequence[str], gap: Change) -> bool:
    """Whether one paragraph seems to have become several, or several one: then its words tell more than its ends."""
    ours, theirs = old[gap.start : gap.end], new[gap.new_start : gap.new_end]
    one, several = (ours, theirs) if len(ours) == 1 else (theirs, ours)
    if len(one) > 1:
        return False
    begins = [_key(paragraph, 4) for paragraph in several]
    ends = [_key(paragraph, -4) for paragraph in several]
    begin, end = _key(one[0], 4), _key(one[0], -4)
    return begin in begins and end in ends and begins.index(begin) != ends.index(end)


def _key(paragraph: str, length: int) -> Hashable:
    words = paragraph.strip()
    # Blank lines are many and say nothing: none of them is like another.
    return (words[:length] if length > 0 else words[length:]) or object()
