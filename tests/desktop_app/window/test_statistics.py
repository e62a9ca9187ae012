"""The Statistics tab over the real window: counts follow every edit, the model's words apart, goals, kept figures."""

import random
from datetime import date
from pathlib import Path

import pytest
from PySide6.QtGui import QTextCursor

from desktop_app.document.counted_text import utf16_length
from desktop_app.document.counting import count_text
from desktop_app.document.disk import Disk
from desktop_app.document.statistics import Tally
from desktop_app.document.statistics_store import StatisticsStore
from desktop_app.panels.statistics_panel import DAY, DOCUMENT, SESSION
from tests.desktop_app.services.qt import wait_until
from tests.desktop_app.window_kit import Kit


def figures(kit: Kit):
    return kit.window.statistics_panel._figures


def settled(kit: Kit) -> bool:
    return wait_until(lambda: figures(kit) is not None and figures(kit).counts == count_text(kit.text), 10)


def caret_places(text: str) -> list[int]:
    """Where a caret can stand, in UTF-16 units: never within an emoji."""
    return [utf16_length(text[:place]) for place in range(len(text) + 1)]


def test_the_counts_follow_the_text(kit: Kit):
    kit.write("从前有一个小村庄。Once upon a time")
    assert settled(kit)
    shown = [label.text() for label in kit.window.statistics_panel._values]
    assert shown == ["8", "9", "4", "12", "22"]


@pytest.mark.parametrize("seed", range(4))
def test_random_edits_are_counted_as_the_whole(seed: int, kit: Kit):
    chance = random.Random(seed)
    kit.write("从前有一个“小村庄”。\nOnce upon a time\n😀 end")
    assert settled(kit)
    for _ in range(60):
        places = caret_places(kit.text)
        cursor = QTextCursor(kit.view.document())
        first = chance.randrange(len(places))
        cursor.setPosition(places[first])
        step = chance.choice(["insert", "insert", "remove", "undo", "redo", "paragraph"])
        if step == "insert":
            cursor.insertText(chance.choice(["字", "word", "，", "a\nb", " ", "😀", "——"]))
        elif step == "paragraph":
            cursor.insertBlock()
        elif step == "remove":
            last = places[min(first + chance.randrange(6), len(places) - 1)]
            cursor.setPosition(last, QTextCursor.MoveMode.KeepAnchor)
            cursor.removeSelectedText()
        else:
            getattr(kit.view, step)()
        counted = kit.window.tabs.current.counts._counted
        assert counted is None or counted.counts == count_text(kit.text)
    assert settled(kit)


def test_typing_is_counted_piece_by_piece(kit: Kit):
    kit.write("一段话。\n" * 3000)
    assert settled(kit)
    kit.type("abc")
    assert kit.window.tabs.current.counts._counted is not None  # no key made the whole text be counted anew
    assert settled(kit)


def test_the_models_words_stand_apart(kit: Kit):
    kit.write("She said")
    assert settled(kit)
    kit.type(" so")
    kit.generate(" yes and", " no")
    assert wait_until(lambda: figures(kit).text == Tally(3, 3), 10)
    assert figures(kit).session == Tally(1, 3)
    assert figures(kit).today == Tally(1, 3)


def test_goals_are_kept_and_reached(kit: Kit):
    kit.write("one two three")
    assert settled(kit)
    panel = kit.window.statistics_panel
    panel._spins[SESSION].setValue(2)
    panel._spins[DAY].setValue(500)
    panel._spins[DOCUMENT].setValue(3)
    assert (kit.settings.values.goal_session, kit.settings.values.goal_day) == (2, 500)
    assert panel._bar_words[DOCUMENT].text() == "reached: 3 of 3"
    assert panel._bar_words[SESSION].text() == "0 of 2"
    kit.type(" four five")
    assert wait_until(lambda: panel._bar_words[SESSION].text() == "reached: 2 of 2", 10)
    assert panel._bar_words[DAY].text() == "2 of 500"


def test_the_figures_are_there_at_the_next_start(kit: Kit, tmp_path: Path):
    store = StatisticsStore(tmp_path / "state", Disk())
    kit.window.statistics._store = store
    kit.write("one")
    assert settled(kit)
    kit.type(" two")
    assert settled(kit)
    kit.window.statistics.save()
    assert StatisticsStore(tmp_path / "state", Disk()).load().days[date.today().isoformat()].words == Tally(1, 0)


def test_another_text_was_not_written_now(kit: Kit):
    kit.write("one")
    assert settled(kit)
    kit.view.document().setModified(False)
    kit.window.tabs.new("many words that were here already")
    assert settled(kit)
    assert figures(kit).session == Tally(0, 0)
