"""A save that was given up and gets to the disk after all: what is saved then, what is kept, what is said."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop_app.document.any_file import open_file
from desktop_app.document.disk import Disk
from desktop_app.document.nextstroke_file import About
from tests.desktop_app.document.faulty_disk import HangingCalls
from tests.desktop_app.services.qt import run_for, wait_until
from tests.desktop_app.window_kit import Kit


@pytest.fixture
def save_late(kit: Kit, share: Path) -> Iterator[Callable[[], Callable[..., None]]]:
    """A save hangs at its last step and is given up; what it returns, called, lets it through."""
    made: list[HangingCalls] = []

    def save() -> Callable[..., None]:
        calls = HangingCalls("replace", share)
        made.append(calls)
        disk = kit.window.services.disk
        before, disk._calls = disk._calls, calls
        patience, kit.answers.patience_s = kit.answers.patience_s, 0.3
        kit.trigger("save")
        disk._calls, kit.answers.patience_s = before, patience
        assert "may have been written" in kit.answers.told[-1][1]
        assert kit.window.document.is_modified

        def go_on(is_told: bool = True) -> None:
            kit.window.status_line.say("")
            calls.go_on()
            assert not is_told or wait_until(lambda: kit.message.startswith("Saved "), 5)

        return go_on

    yield save
    for calls in made:
        calls.go_on()


def saved_text(kit: Kit, path: Path, text: str) -> Path:
    """A text that was saved there once."""
    kit.write("")
    kit.type(text)
    kit.answers.path = str(path)
    kit.trigger("save")
    assert not kit.window.document.is_modified
    return path


def test_the_page_is_saved_then_and_undo_leads_back_to_it(kit: Kit, share: Path, save_late):
    path = saved_text(kit, share / "章.txt", "one")
    kit.type(" two")
    save_late()()
    assert (path.read_text(), kit.window.document.is_modified, kit.message) == ("one two", False, "Saved 章.txt.")
    kit.type(" three")
    kit.trigger("undo")
    assert (kit.text, kit.window.document.is_modified) == ("one two", False)
    kit.trigger("undo")
    assert (kit.text, kit.window.document.is_modified) == ("one", True)


def test_what_was_written_since_is_a_change(kit: Kit, share: Path, save_late):
    path = saved_text(kit, share / "a.txt", "one")
    kit.type(" two")
    go_on = save_late()
    kit.type(" three")
    go_on()
    assert (path.read_text(), kit.text, kit.window.document.is_modified) == ("one two", "one two three", True)
    kit.trigger("undo")
    assert (kit.text, kit.window.document.is_modified) == ("one two", False)
    kit.trigger("redo")
    kit.trigger("save")
    assert (path.read_text(), kit.answers.asked) == ("one two three", [])


def test_its_text_is_among_the_earlier_ones(kit: Kit, share: Path, save_late):
    path = saved_text(kit, share / "a.nextstroke", "one")
    kit.window.document._autosave.close()  # by hand alone
    kit.type(" two")
    save_late()()
    assert [each.text for each in kit.window.document.earlier_texts] == ["one two", "one"]
    kit.type(" three")
    kit.trigger("save")
    stored = open_file(Disk(), path).stored
    assert stored is not None
    assert [each.text for each in stored.versions] == ["one", "one two", "one two three"]


def test_a_title_that_was_given_since_is_a_change(kit: Kit, share: Path, save_late):
    saved_text(kit, share / "a.nextstroke", "one")
    kit.window.document._autosave.close()
    kit.type(" two")
    go_on = save_late()
    kit.window.document.describe(About("海", "Ann", "zh-Hans"))
    go_on()
    assert kit.window.document.is_modified
    kit.trigger("undo")
    kit.trigger("redo")
    assert kit.window.document.is_modified  # no undo takes a title back


def test_a_tab_that_is_closed_takes_nothing(kit: Kit, share: Path, save_late):
    path = saved_text(kit, share / "a.txt", "one")
    kit.type(" two")
    go_on = save_late()
    kit.answers.answer = "discard"
    kit.trigger("close_tab")
    assert kit.text == ""
    go_on(is_told=False)
    assert wait_until(lambda: path.read_text() == "one two", 5)
    run_for(100)
    assert (kit.text, kit.message) == ("", "")
