"""The document model as slowly and plainly as possible: a branch is a tuple of (character, origin), a step is a copy.

`Pair` does every operation on the real model and on this one and compares both in everything: each character with its
origin in each branch, bookmarks, UTF-16 positions, steps, what a store would read back. Its operations take plain
numbers, so that a seeded run and hypothesis can both drive it.
"""

from dataclasses import dataclass, field, replace

from desktop_app.document.model import Document, TextEdit
from desktop_app.document.origins import GENERATED, IMPORTED, PASTED, TYPED, Origin, Passage
from desktop_app.document.plain_changes import changes_since, mark_of, take_changes
from desktop_app.document.plain_document import from_plain, to_plain
from desktop_app.document.soundness import problems

ORIGINS = (
    Origin(TYPED),
    Origin(PASTED),
    Origin(IMPORTED),
    Origin(GENERATED, "r1"),
    Origin(GENERATED, "r2"),
    Origin(GENERATED),
)
WORDS = ("a", "天", "😀", "Once upon", "从前有一个", "x😀y\n", "𠀀𠀀", "e\u0301", "\n", " ", "two\nlines", "👨‍👩‍👧")
Characters = tuple[tuple[str, Origin], ...]


@dataclass(frozen=True)
class State:
    """Everything that undo brings back."""

    branches: dict[int, Characters]
    bookmarks: dict[int, tuple[int, int]]  # branch, position
    names: dict[int, str]


@dataclass
class Naive:
    """States by step, and how the steps follow each other."""

    states: dict[int, State] = field(default_factory=lambda: {0: State({1: ()}, {}, {1: ""})})
    parents: dict[int, int] = field(default_factory=dict)
    at: int = 0

    @property
    def now(self) -> State:
        return self.states[self.at]

    def becomes(self, step: int, state: State) -> None:
        if step not in self.states:
            self.parents[step] = self.at
        self.states[step], self.at = state, step

    def replaced(self, state: State, branch: int, start: int, end: int, added: Characters) -> State:
        text = state.branches[branch]
        by = len(added) - (end - start)

        def moved(place: tuple[int, int]) -> tuple[int, int]:
            if place[0] != branch or place[1] < start:
                return place
            return (branch, place[1] + by if place[1] >= end else start)

        bookmarks = {key: moved(place) for key, place in state.bookmarks.items()}
        branches = {**state.branches, branch: text[:start] + added + text[end:]}
        return replace(state, branches=branches, bookmarks=bookmarks)


def spread(passages: tuple[Passage, ...]) -> Characters:
    return tuple((character, passage.origin) for passage in passages for character in passage.text)


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


class Pair:
    """The real document and the naive one, one hand on both."""

    def __init__(self) -> None:
        self.real, self.naive = Document(), Naive()
        self.store, self.mark = from_plain(to_plain(self.real)), mark_of(self.real)
        self.clip: tuple[Passage, ...] = ()
        self.shown = {1: ""}  # what a view that hears of edits alone would show
        self.compared = self.operations = 0
        self.real.on_edit.append(self._hear)

    def _hear(self, edit: TextEdit) -> None:
        """Follow in UTF-16, as the editor does."""
        units = self.shown.get(edit.branch, "").encode("utf-16-le", "surrogatepass")
        first, last = 2 * edit.position_units, 2 * (edit.position_units + edit.removed_units)
        fresh = units[:first] + edit.text.encode("utf-16-le", "surrogatepass") + units[last:]
        self.shown[edit.branch] = fresh.decode("utf-16-le", "surrogatepass")

    # ---- numbers to places ------------------------------------------------------------------------------------

    def branch(self, number: int) -> int:
        known = sorted(self.naive.now.branches)
        return known[number % len(known)]

    def place(self, branch: int, number: int) -> int:
        return number % (len(self.naive.now.branches[branch]) + 1)

    def part(self, branch: int, one: int, other: int) -> tuple[int, int]:
        first = self.place(branch, one)
        return first, min(first + other % 12, len(self.naive.now.branches[branch]))

    def _follow(self, step: int, state: State) -> None:
        self.naive.becomes(step, state)

    def _replace(self, branch: int, start: int, end: int, passages: tuple[Passage, ...], **how) -> int:
        state = self.naive.replaced(self.naive.now, branch, start, end, spread(passages))
        step = self.real.replace(start, end, passages, branch=branch, **how)
        self._follow(step, state)
        return step

    # ---- operations -------------------------------------------------------------------------------------------

    def type(self, b: int, one: int, other: int) -> None:
        branch = self.branch(b)
        start = self.place(branch, one)
        for at, character in enumerate(WORDS[other % len(WORDS)]):
            self._replace(branch, start + at, start + at, (Passage(character, ORIGINS[0]),))

    def insert(self, b: int, one: int, other: int) -> None:
        branch = self.branch(b)
        start = self.place(branch, one)
        count = 1 + other % 3
        passages = tuple(
            Passage(WORDS[(other + at) % len(WORDS)], ORIGINS[(other + at) % len(ORIGINS)]) for at in range(count)
        )
        self._replace(branch, start, start, passages, kind="paste")

    def delete(self, b: int, one: int, other: int) -> None:
        branch = self.branch(b)
        start, end = self.part(branch, one, other)
        self._replace(branch, start, end, (), kind="deleting")

    def backspace(self, b: int, one: int, other: int) -> None:
        branch = self.branch(b)
        at = self.place(branch, one)
        for _ in range(min(at, other % 5)):
            self._replace(branch, at - 1, at, (), kind="deleting")
            at -= 1

    def replace(self, b: int, one: int, other: int) -> None:
        branch = self.branch(b)
        start, end = self.part(branch, one, other)
        self._replace(branch, start, end, (Passage(WORDS[other % len(WORDS)], ORIGINS[one % 2]),), kind="replace")

    def cut(self, b: int, one: int, other: int) -> None:
        branch = self.branch(b)
        start, end = self.part(branch, one, other)
        self.clip = self.real.passages(start, end, branch)
        assert spread(self.clip) == self.naive.now.branches[branch][start:end]
        self._replace(branch, start, end, (), kind="cut")

    def paste(self, b: int, one: int, other: int) -> None:
        branch = self.branch(b)
        start, end = self.part(branch, one, other % 3)
        self._replace(branch, start, end, self.clip, kind="paste")

    def generate(self, b: int, one: int, other: int) -> None:
        """Pieces that come one after the other are one step."""
        branch = self.branch(b)
        at = self.place(branch, one)
        name, before, step = f"r{other % 2 + 1}", self.naive.at, 0
        for number in range(1 + other % 4):
            piece = WORDS[(one + number) % len(WORDS)]
            passage = Passage(piece, Origin(GENERATED, name))
            step = self._replace(branch, at, at, (passage,), kind="generation", joins=step)
            at += len(piece)
        self.real.set_record(name, {"seed": other})
        assert self.naive.parents[step] == before

    def together(self, b: int, one: int, other: int) -> None:
        """Replace all, a fork with text in it: several operations are one step."""
        branch, before = self.branch(b), self.naive.at
        state = self.naive.now
        start = self.place(branch, one)
        added = (Passage(WORDS[other % len(WORDS)], ORIGINS[other % len(ORIGINS)]),)
        with self.real.step("candidates"):
            fresh = self.real.fork(start, "", branch)
            state = self._forked(state, branch, start, fresh)
            self.real.replace(start, start, added, branch=fresh)
            state = self.naive.replaced(state, fresh, start, start, spread(added))
            self.real.replace(0, start // 2, added, branch=branch)
            state = self.naive.replaced(state, branch, 0, start // 2, spread(added))
        self._follow(self.real.history.current, state)
        assert self.naive.parents[self.naive.at] == before

    def _forked(self, state: State, branch: int, start: int, fresh: int, name: str = "") -> State:
        self.shown[fresh] = "".join(character for character, _ in state.branches[branch][:start])
        branches = {**state.branches, fresh: state.branches[branch][:start]}
        return replace(state, branches=branches, names={**state.names, fresh: name})

    def fork(self, b: int, one: int, other: int) -> None:
        branch = self.branch(b)
        if len(self.naive.now.branches) >= 7:
            self.prune(b, one, other)
            return
        start = self.place(branch, one)
        fresh = self.real.fork(start, f"way {other % 3}", branch)
        self._follow(self.real.history.current, self._forked(self.naive.now, branch, start, fresh, f"way {other % 3}"))

    def split(self, b: int, one: int, other: int) -> None:
        branch = self.branch(b)
        self.real.split(self.place(branch, one), branch)
        self._follow(self.real.history.current, self.naive.now)

    def merge(self, b: int, one: int, other: int) -> None:
        self.real.merge(self.branch(b))
        self._follow(self.real.history.current, self.naive.now)

    def prune(self, b: int, one: int, other: int) -> None:
        branch, now = self.branch(b), self.naive.now
        if len(now.branches) == 1:
            return
        self.real.prune(branch)
        branches = {key: text for key, text in now.branches.items() if key != branch}
        bookmarks = {key: place for key, place in now.bookmarks.items() if place[0] != branch}
        names = {key: name for key, name in now.names.items() if key != branch}
        self._follow(self.real.history.current, State(branches, bookmarks, names))

    def bookmark(self, b: int, one: int, other: int) -> None:
        branch, now = self.branch(b), self.naive.now
        if len(now.bookmarks) > 4:
            gone = sorted(now.bookmarks)[other % len(now.bookmarks)]
            self.real.remove_bookmark(gone)
            left = {key: place for key, place in now.bookmarks.items() if key != gone}
            self._follow(self.real.history.current, replace(now, bookmarks=left))
            return
        place = self.place(branch, one)
        mark = self.real.bookmark(place, "here", branch)
        bookmarks = {**now.bookmarks, mark: (branch, place)}
        self._follow(self.real.history.current, replace(now, bookmarks=bookmarks))

    def undo(self, b: int, one: int, other: int) -> None:
        for _ in range(1 + other % 3):
            step = self.real.undo()
            assert (step is None) == (self.naive.at == 0)
            if step is not None:
                assert step.id == self.naive.at
                self.naive.at = self.naive.parents[step.id]

    def redo(self, b: int, one: int, other: int) -> None:
        for _ in range(1 + other % 3):
            ways = sorted(step for step, parent in self.naive.parents.items() if parent == self.naive.at)
            assert sorted(self.real.history.ways_on()) == ways
            chosen = ways[one % len(ways)] if ways and one % 2 else 0
            step = self.real.redo(chosen)
            assert (step is None) == (not ways)
            if step is not None:
                assert not chosen or step.id == chosen
                self.naive.at = step.id

    def switch(self, b: int, one: int, other: int) -> None:
        self.real.switch(self.branch(b))
        self.real.close_step()

    def store_changes(self, b: int, one: int, other: int) -> None:
        """What a store added since the last time makes the same document."""
        changes = changes_since(self.real, self.mark)
        assert changes is not None
        take_changes(self.store, changes)
        self.mark = mark_of(self.real)
        assert to_plain(self.store) == to_plain(self.real)

    def read_again(self, b: int, one: int, other: int) -> None:
        """Go on with the document that the plain data gives."""
        self.store_changes(b, one, other)
        plain = to_plain(self.real)
        again = from_plain(plain)
        assert to_plain(again) == plain
        self.read(again)

    def read(self, again: Document) -> None:
        """Go on with a document that is the same."""
        again.on_edit = self.real.on_edit
        self.real, self.mark = again, mark_of(again)
        self.store = from_plain(to_plain(again))

    OPERATIONS = (
        *("type", "type", "insert", "insert", "delete", "backspace", "replace", "cut", "paste", "paste", "generate"),
        *("together", "fork", "fork", "split", "merge", "prune", "bookmark", "switch", "read_again", "store_changes"),
        *("undo", "undo", "undo", "redo", "redo"),
    )

    def do(self, name: str, b: int, one: int, other: int) -> None:
        getattr(self, name)(b, one, other)
        self.operations += 1

    # ---- comparing --------------------------------------------------------------------------------------------

    def compare(self) -> None:
        """Every character of every branch has its origin; nothing is lost; positions and bookmarks are right."""
        now, real = self.naive.now, self.real
        assert problems(real) == []
        assert set(real.tree.branches) == set(now.branches)
        assert {key: branch.name for key, branch in real.tree.branches.items()} == now.names
        for branch, characters in now.branches.items():
            assert spread(real.passages(branch=branch)) == characters
            text = "".join(character for character, _ in characters)
            assert real.text(branch=branch) == text
            assert (real.length(branch), real.units(branch)) == (len(text), utf16(text))
            assert self.shown[branch] == text
            self._compare_positions(branch, text)
            self.compared += len(characters)
        places = {mark.id: (mark.branch, mark.position) for mark in real.bookmarks.values()}
        assert places == now.bookmarks

    def _compare_positions(self, branch: int, text: str) -> None:
        step = max(1, len(text) // 7)
        for position in range(0, len(text) + 1, step):
            unit = utf16(text[:position])
            assert self.real.unit_at(position, branch) == unit
            assert self.real.position_at(unit, branch) == position
            if position < len(text) and ord(text[position]) > 0xFFFF:
                assert self.real.position_at(unit + 1, branch) == position

    def compare_all_steps(self) -> None:
        """Go through the whole history: every state that ever was can still be reached, character by character."""
        while self.naive.at:
            self.undo(0, 0, 0)
        self.compare()
        waiting = [0]
        while waiting:
            wanted = waiting.pop()
            self._go_to(wanted)
            self.compare()
            waiting += [step for step, parent in self.naive.parents.items() if parent == wanted]

    def _go_to(self, wanted: int) -> None:
        way = [wanted]
        while way[-1]:
            way.append(self.naive.parents[way[-1]])
        while self.naive.at not in way:
            self.undo(0, 0, 0)
        for step in reversed(way[: way.index(self.naive.at)]):
            done = self.real.redo(step)
            assert done is not None
            self.naive.at = step
