"""Whatever a person does on the page, in one branch or in many: page, model and a naive list know the same origins."""

from collections.abc import Callable

import pytest

from desktop_app.document.history import FORK, MERGE, PRUNE, SPLIT
from tests.desktop_app.editor.random_writer import Writer
from tests.desktop_app.window_kit import Kit

BRANCHES_AT_MOST = 6


class BranchingWriter(Writer):
    """Tries several ways on, too: the branches of the document behind the page."""

    def fork(self) -> None:
        if len(self.branches) >= BRANCHES_AT_MOST:
            self.prune()
            return
        branch = self.chance.choice(list(self.branches))
        position = self.chance.randint(0, len(self.branches[branch]))
        with self.kit.view.link.step(FORK):
            fresh = self.model.fork(position, "another way", branch)
        assert fresh not in self.branches
        self.branches[fresh] = self.branches[branch][:position]
        self.made_in[self.model.history.current] = branch
        if self.chance.random() < 0.5:
            self._show(fresh)

    def fork_and_write(self) -> None:
        """A second answer beside the first: branch, text and the look at it are one step."""
        branch, start = self.shown, self.chance.randint(0, len(self.list))
        if len(self.branches) >= BRANCHES_AT_MOST:
            return
        with self.kit.view.link.step("candidates"):
            fresh = self.model.fork(start)
            self.branches[fresh] = self.list[:start]
            self._show(fresh)
            at = self.units(start)
            self.kit.view.link.type_over(at, at, "二选一😀")
        self.becomes(start, start, "二选一😀", "typed")
        self.made_in[self.model.history.current] = branch

    def split(self) -> None:
        branch = self.chance.choice(list(self.branches))
        self._does(SPLIT, branch, lambda: self.model.split(self.chance.randint(0, self.model.length(branch)), branch))

    def merge(self) -> None:
        branch = self.chance.choice(list(self.branches))
        self._does(MERGE, branch, lambda: self.model.merge(branch))

    def prune(self) -> None:
        if len(self.branches) == 1:
            return
        branch = self.chance.choice(list(self.branches))
        self._does(PRUNE, branch, lambda: self.model.prune(branch))
        del self.branches[branch]
        if self.shown == branch:
            self.shown = self.model.current  # which neighbour it is, the tests of the model say

    def switch(self) -> None:
        self._show(self.chance.choice(list(self.branches)))

    def _show(self, branch: int) -> None:
        self.model.switch(branch)
        self.shown = branch

    def _does(self, kind: str, branch: int, act: Callable[[], None]) -> None:
        before = self.model.history.current
        with self.kit.view.link.step(kind):
            act()
        if self.model.history.current != before:
            self.made_in[self.model.history.current] = branch

    ACTIONS = (
        *Writer.ACTIONS,
        *("fork", "fork", "fork_and_write", "split", "split", "merge", "prune", "switch", "switch", "switch"),
    )


def write(writer: Writer, actions: int) -> None:
    """Compare after each action, then undo all of it, and do again what a person would get back."""
    for _ in range(actions):
        writer.compare(writer.do_something())
    last, states = writer.model.history.current, 0
    while writer.model.history.can_undo:
        walk(writer, "undo")
    while writer.model.history.can_redo:
        walk(writer, "redo")
        states += 1
    assert writer.model.history.current == last or states > 0
    print(f"{actions} actions, {len(writer.states)} states, {writer.compared} characters with origins compared")


def walk(writer: Writer, way: str) -> None:
    step = writer.model.history.current
    writer.kit.trigger(way)
    writer.goes_to_the_place_of(step if way == "undo" else writer.model.history.current)
    writer.compare(f"{way} of everything")


@pytest.mark.parametrize("seed", range(5))
def test_whatever_a_person_does_page_and_model_know_each_origin(kit: Kit, seed: int):
    write(Writer(kit, seed), 160)


@pytest.mark.parametrize("seed", range(100, 105))
def test_whatever_a_person_does_in_several_branches_page_and_model_know_each_origin(kit: Kit, seed: int):
    write(BranchingWriter(kit, seed), 160)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(1000, 1100))
def test_page_and_model_know_each_origin_in_long_runs(kit: Kit, seed: int):
    write((Writer, BranchingWriter)[seed % 2](kit, seed), 600)
