"""What to replace in a document so that it reads as another one does, with what both share left as it is.

What a comparison shows as unchanged keeps its origin, and so do the ends of a word that grew or shrank. Where it is
known of the other text what the model wrote, shared characters of which the two say different things are replaced too:
words that stand in both by chance.

Knows two documents. Must not know where the other one comes from, or how replacing is done.
"""

from __future__ import annotations

from collections.abc import Iterator

from desktop_app.document.alignment import Change, trimmed
from desktop_app.document.difference import difference
from desktop_app.document.model import Document
from desktop_app.document.origins import GENERATED


def rewrites(document: Document, other: Document, is_origin_known: bool) -> list[Change]:
    """The changes that lead from the shown branch of one to that of the other, in order, in code points."""
    between = difference(document.text(), other.text())
    changes = [trimmed(between.old, between.new, change) for change in between.changes]
    if not is_origin_known:
        return changes
    found: list[Change] = []
    at = new_at = 0
    for change in (*changes, Change(document.length(), document.length(), other.length(), other.length())):
        found += _of_other_origin(document, other, at, change.start, new_at)
        found.append(change)
        at, new_at = change.end, change.new_end
    return found[:-1]


def _of_other_origin(document: Document, other: Document, at: int, end: int, new_at: int) -> Iterator[Change]:
    """Of a stretch that both share, the parts that only one of them says the model wrote."""
    ours, theirs = _runs(document, at, end), _runs(other, new_at, new_at + end - at)
    while ours and theirs:
        (length, is_generated), (new_length, is_other_generated) = ours.pop(), theirs.pop()
        step = min(length, new_length)
        if is_generated != is_other_generated:
            yield Change(at, at + step, new_at, new_at + step)
        at, new_at = at + step, new_at + step
        if length > step:
            ours.append((length - step, is_generated))
        if new_length > step:
            theirs.append((new_length - step, is_other_generated))


def _runs(document: Document, start: int, end: int) -> list[tuple[int, bool]]:
    """(characters, whether the model wrote them) of a part, the last ones first."""
    passages = document.passages(start, end)
    return [(len(text), origin.kind == GENERATED) for text, origin in reversed(passages)]
