"""Where two sequences differ, found with bounded effort.

    equal beginnings and ends  →  items, or runs of items, that stand once in both (as many as are in one order)
    →  the same again in each gap between them  →  difflib in a small gap that has none

Pure `difflib` takes quadratic time, cubic at worst; the items that stand once cut a text into small gaps first. Where
the effort does not suffice, the whole gap counts as changed: such an answer is coarse, never wrong. The same sequences
give the same answer on every computer: effort is counted, not timed.

To align by what is unique is Bram Cohen's idea (patience diff). Knows sequences of hashable items; must not know text.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

# Items times items of a gap that difflib is asked about: a hundredth of a second at worst. A pair takes more time than
# a look at an item.
_PAIRS_AT_ONCE, _LOOKS_A_PAIR = 10_000, 3
# From so many items on, runs of so many are looked for first; one of so many runs is enough, since each anchor grows as
# far as the texts agree.
_LARGE, _RUN, _SAMPLE = 500, 4, 8


class Change(NamedTuple):
    """Items start..end of the old sequence became new_start..new_end of the new one. Either part may be empty."""

    start: int
    end: int
    new_start: int
    new_end: int


class Effort:
    """How much work is left, in looks at an item."""

    def __init__(self, looks: int) -> None:
        self.left = looks

    def take(self, looks: int) -> bool:
        """Whether there is so much left; then it is spent."""
        if looks > self.left:
            return False
        self.left -= looks
        return True


def changes_between(old: Sequence[Hashable], new: Sequence[Hashable], effort: Effort) -> list[Change]:
    """What became of `old` in `new`, in order; between two changes lies at least one item that is the same."""
    numbers: dict[Hashable, int] = {}
    return _changes(
        [numbers.setdefault(item, len(numbers)) for item in old],
        [numbers.setdefault(item, len(numbers)) for item in new],
        effort,
    )


def _changes(old: Sequence[int], new: Sequence[int], effort: Effort) -> list[Change]:
    """The same for items as numbers, whose hashes are the same in every run of the program."""
    found: list[Change] = []
    waiting = [Change(0, len(old), 0, len(new))]
    while waiting:
        gap = trimmed(old, new, waiting.pop())
        size, new_size = gap.end - gap.start, gap.new_end - gap.new_start
        if not size and not new_size:
            continue
        if not size or not new_size or not effort.take(size + new_size):
            found.append(gap)
            continue
        anchors = _anchors(old, new, gap)
        if anchors:
            waiting += _between(anchors, gap)
        elif size * new_size <= _PAIRS_AT_ONCE and effort.take(_LOOKS_A_PAIR * size * new_size):
            found += _by_difflib(old, new, gap)
        else:
            found.append(gap)
    return joined(sorted(found))


def trimmed(old: Sequence[Hashable], new: Sequence[Hashable], gap: Change) -> Change:
    """A change without what is equal at its beginning and its end."""
    start, end, new_start, new_end = gap
    while start < end and new_start < new_end and old[start] == new[new_start]:
        start, new_start = start + 1, new_start + 1
    while start < end and new_start < new_end and old[end - 1] == new[new_end - 1]:
        end, new_end = end - 1, new_end - 1
    return Change(start, end, new_start, new_end)


def _anchors(old: Sequence[int], new: Sequence[int], gap: Change) -> list[tuple[int, int]]:
    """Places (old, new) of what stands once on either side: as many as are in the same order on both.

    In a large gap that is a run of items, since one item stands there many times.
    """
    is_large = min(gap.end - gap.start, gap.new_end - gap.new_start) > _LARGE
    for width in (_RUN, 1) if is_large else (1,):
        places = _places_of_single(old, gap.start, gap.end, width)
        new_places = _places_of_single(new, gap.new_start, gap.new_end, width)
        pairs = [(at, new_places[item]) for item, at in places.items() if item in new_places]
        # Two runs may have one hash.
        pairs = [(at, new_at) for at, new_at in pairs if old[at : at + width] == new[new_at : new_at + width]]
        found = _longest_rising(pairs)
        if found:
            return found
    return []


def _places_of_single(items: Sequence[int], start: int, end: int, width: int) -> dict[int, int]:
    """Where each run of `width` items stands that stands once within start..end, in order; of long runs a sample."""
    found: Sequence[int] = items[start:end]
    places: Sequence[int] = range(start, end)
    if width > 1:
        runs = map(hash, zip(*(found[shift:] for shift in range(width))))
        sample = [(run, at) for at, run in enumerate(runs, start) if not run % _SAMPLE]
        found, places = [run for run, _ in sample], [at for _, at in sample]
    last = dict(zip(found, places))  # a dict keeps the last value of a key, and the order of the first ones
    first = dict(zip(reversed(found), reversed(places)))
    return {item: at for item, at in last.items() if first[item] == at}


def _longest_rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of pairs that rise in the first number, the most that rise in the second one too (patience sorting)."""
    tops: list[int] = []  # the least second number that ends a run of each length
    ends: list[int] = []  # and the pair that it is of
    before: list[int] = []  # the pair before each pair in its run
    for number, (_, place) in enumerate(pairs):
        length = bisect_left(tops, place)
        before.append(ends[length - 1] if length else -1)
        tops[length : length + 1] = [place]
        ends[length : length + 1] = [number]
    found: list[tuple[int, int]] = []
    number = ends[-1] if ends else -1
    while number >= 0:
        found.append(pairs[number])
        number = before[number]
    return found[::-1]


def _between(anchors: Sequence[tuple[int, int]], gap: Change) -> list[Change]:
    starts = [(gap.start, gap.new_start), *((at + 1, new_at + 1) for at, new_at in anchors)]
    ends = [*anchors, (gap.end, gap.new_end)]
    return [Change(start, end, new_start, new_end) for (start, new_start), (end, new_end) in zip(starts, ends)]


def _by_difflib(old: Sequence[int], new: Sequence[int], gap: Change) -> list[Change]:
    matcher = SequenceMatcher(None, old[gap.start : gap.end], new[gap.new_start : gap.new_end], autojunk=False)
    return [
        Change(gap.start + start, gap.start + end, gap.new_start + new_start, gap.new_start + new_end)
        for kind, start, end, new_start, new_end in matcher.get_opcodes()
        if kind != "equal"
    ]


def joined(found: Sequence[Change]) -> list[Change]:
    """Neighbours with nothing between them as one."""
    whole: list[Change] = []
    for change in found:
        if whole and whole[-1].end == change.start and whole[-1].new_end == change.new_start:
            whole[-1] = whole[-1]._replace(end=change.end, new_end=change.new_end)
        else:
            whole.append(change)
    return whole
