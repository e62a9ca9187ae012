"""A text that came alone as a document, and a document that takes over another one's text as one edit.

    document_of_text("Once upon", ((4, 9),))      " upon" was written by the model, by a record that is lost
    state_with_text(document, text)               the document as it was when it last showed that text
    take_text(document, other)                    what both have in common keeps its origins and its past

Knows: the model. Must not know: files, Qt.
"""

from __future__ import annotations

from collections.abc import Sequence

from desktop_app.document.model import Document
from desktop_app.document.origins import GENERATED, IMPORTED, Origin, Passage
from desktop_app.document.rewriting import rewrites

AS_FOUND = Origin(IMPORTED)
_STEPS_LOOKED_AT = 20_000  # a few seconds at most


def document_of_text(text: str, generated: Sequence[tuple[int, int]] = ()) -> Document:
    """A document of one branch without a past. `generated`: (start, end) of the model's words, as an editor counts."""
    document = Document()
    document.replace(0, 0, passages_of(text, generated), "opening")
    document.forget_past()
    return document


def passages_of(text: str, generated: Sequence[tuple[int, int]]) -> list[Passage]:
    """A text whose parts (start, end) in code units the model wrote; parts that make no sense are left out."""
    probe = Document()
    probe.insert(0, text, AS_FOUND)
    found: list[Passage] = []
    at, units = 0, probe.units()
    for start, end in sorted(generated):
        first, last = probe.position_at(start), probe.position_at(end)
        if at <= first < last and end <= units:
            found += [Passage(text[at:first], AS_FOUND), Passage(text[first:last], Origin(GENERATED))]
            at = last
    return [*found, Passage(text[at:], AS_FOUND)]


def take_text(document: Document, other: Document, kind: str = "recovery", is_origin_known: bool = True) -> None:
    """The shown branch gets the text that `other` shows, as one step; what comes has the origins that it has there.

    `is_origin_known`: what `other` says of characters that both have is right where the two differ, see `rewrites`.
    """
    with document.step(kind):
        for change in reversed(rewrites(document, other, is_origin_known)):
            passages = other.passages(change.new_start, change.new_end)
            document.replace(change.start, change.end, passages, kind)
    document.close_step()


def state_with_text(document: Document, text: str) -> Document | None:
    """A copy of the document at the last of its steps where it showed this text, with the origins that it had then.

    None where no step of the last `_STEPS_LOOKED_AT` did. `document` stays as it is.
    """
    found = document.copy()
    for _ in range(_STEPS_LOOKED_AT):
        if found.length() == len(text) and found.text() == text:
            return found
        if found.undo() is None:
            return None
    return None


def without_common_ends(old: str, new: str) -> tuple[int, int, str]:
    """What of `old` is replaced by what: (start, end, text), common beginnings and ends left."""
    first = _common_beginning(old, new)
    last = _common_beginning(old[first:][::-1], new[first:][::-1])
    return first, len(old) - last, new[first : len(new) - last]


def _common_beginning(one: str, other: str) -> int:
    """The length of the beginning that two texts share, by halving: comparing slices costs next to nothing."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
