"""What became of one text in another, as a reader would say it: these passages went, those came.

    paragraphs that are the same in both  →  what is left in pairs of akin paragraphs
    →  inside each pair: words, Chinese characters, marks  →  plain changes

Applied to the old text, the changes give the new one exactly. Chinese is compared by character, other scripts by word,
and no change begins or ends within a character of several code points. Linear in the length of the texts, except for a
bounded rest (`alignment`).

Knows two texts. Must not know where they come from, or how a change is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from desktop_app.document.alignment import Change, Effort, changes_between, joined
from desktop_app.document.paragraph_pairs import paired
from desktop_app.document.readable_changes import as_read
from desktop_app.document.reading_units import paragraphs_of, units_of_reading

# Looks at an item, for each character of both texts and for any pair of texts: a million characters that have nothing
# in common take about as long as reading them ten times.
_LOOKS_A_CHARACTER, _LEAST_LOOKS = 4, 1_000_000


@dataclass(frozen=True)
class Difference:
    """Two texts and what differs between them; the changes hold places of characters (code points), in order."""

    old: str
    new: str
    changes: tuple[Change, ...]

    def removed(self, change: Change) -> str:
        """What of the old text is gone."""
        return self.old[change.start : change.end]

    def added(self, change: Change) -> str:
        """What of the new text has come."""
        return self.new[change.new_start : change.new_end]


def effort_for(old: str, new: str) -> Effort:
    """What comparing these two may take. Who takes it away meanwhile gets a coarse answer soon."""
    return Effort(_LEAST_LOOKS + _LOOKS_A_CHARACTER * (len(old) + len(new)))


def difference(old: str, new: str, effort: Effort | None = None) -> Difference:
    """What became of `old` in `new`."""
    if old == new:
        return Difference(old, new, ())
    effort = effort or effort_for(old, new)
    paragraphs, new_paragraphs = paragraphs_of(old), paragraphs_of(new)
    gaps: list[Change] = []
    for gap in changes_between(paragraphs, new_paragraphs, effort):
        gaps += paired(paragraphs, new_paragraphs, gap, effort)
    found: list[Change] = []
    for gap in _in_characters(gaps, paragraphs, new_paragraphs):
        found += _inside(old, new, gap, effort)
    return Difference(old, new, tuple(joined(found)))


def _inside(old: str, new: str, gap: Change, effort: Effort) -> list[Change]:
    """What differs inside paragraphs that are not the same."""
    if gap.start == gap.end or gap.new_start == gap.new_end:
        return [gap]
    units = units_of_reading(old[gap.start : gap.end])
    new_units = units_of_reading(new[gap.new_start : gap.new_end])
    changes = as_read(units, new_units, changes_between(units, new_units, effort))
    return [
        Change(gap.start + start, gap.start + end, gap.new_start + new_start, gap.new_start + new_end)
        for start, end, new_start, new_end in _in_characters(changes, units, new_units)
    ]


def _in_characters(changes: Sequence[Change], old: Sequence[str], new: Sequence[str]) -> list[Change]:
    """Changes whose places are numbers of pieces, as places of characters."""
    places = [0, *accumulate(map(len, old))]
    new_places = [0, *accumulate(map(len, new))]
    return [
        Change(places[change.start], places[change.end], new_places[change.new_start], new_places[change.new_end])
        for change in changes
    ]
