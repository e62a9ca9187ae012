"""Changes as a person reads them, out of changes as they were computed.

    two changes with less between them than each of them says   →  one        (no confetti; within one paragraph)
    he came. [he left. h]e slept    →   he came. [he left. ]he slept          (what was added begins where one begins)

The first rule is that of Google's diff-match-patch ("semantic cleanup"). Knows units of reading; must not know how
changes are found or shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate

from desktop_app.document.alignment import Change
from desktop_app.document.reading_units import parting_before

_FARTHEST = 200  # units that a change is moved by, at most


def as_read(old: Sequence[str], new: Sequence[str], changes: Sequence[Change]) -> list[Change]:
    """The same difference in fewer, plainer changes; places are numbers of units, as those of `changes` are."""
    merged = _merged(old, new, changes)
    found: list[Change] = []
    for number, change in enumerate(merged):
        least = found[-1].end + 1 if found else 0
        most = merged[number + 1].start - 1 if number + 1 < len(merged) else len(old)
        found.append(_moved(old, new, change, least, most))
    return found


def _merged(old: Sequence[str], new: Sequence[str], changes: Sequence[Change]) -> list[Change]:
    places = [0, *accumulate(map(len, old))]
    new_places = [0, *accumulate(map(len, new))]

    def size(change: Change) -> int:
        return max(places[change.end] - places[change.start], new_places[change.new_end] - new_places[change.new_start])

    def read_as_one(first: Change, second: Change) -> bool:
        if places[second.start] - places[first.end] >= min(size(first), size(second)):
            return False
        return not any(unit.endswith("\n") for unit in old[first.end : second.start])

    found: list[Change] = []
    for change in changes:
        # A change that has grown may take in the one before it.
        while found and read_as_one(found[-1], change):
            first = found.pop()
            change = Change(first.start, change.end, first.new_start, change.new_end)
        found.append(change)
    return found


def _moved(old: Sequence[str], new: Sequence[str], change: Change, least: int, most: int) -> Change:
    """The change where it parts the text best; only what was purely added or purely removed can be elsewhere.

    Its place in the old text stays between `least` and `most`.
    """
    if (change.start == change.end) == (change.new_start == change.new_end):
        return change
    units, start, end = (old, change.start, change.end)
    if change.start == change.end:
        units, start, end = (new, change.new_start, change.new_end)
    best, best_parting = 0, parting_before(units, start)
    for steps in _possible_moves(units, start, end, least - change.start, most - change.end):
        parting = parting_before(units, start + steps)
        if parting > best_parting:
            best, best_parting = steps, parting
    return Change(*(place + best for place in change))


def _possible_moves(units: Sequence[str], start: int, end: int, least: int, most: int) -> Iterator[int]:
    """By how many units the run start..end can move with the text staying the same: -1, -2, …, then 1, 2, …"""
    for steps in range(1, min(_FARTHEST, start, -least) + 1):
        if units[start - steps] != units[end - steps]:
            break
        yield -steps
    for steps in range(1, min(_FARTHEST, len(units) - end, most) + 1):
        if units[start + steps - 1] != units[end + steps - 1]:
            break
        yield steps
