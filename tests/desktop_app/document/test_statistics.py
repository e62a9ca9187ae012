"""Figures of writing: idle time left out, the person's and the model's words apart, kept on this computer."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.document.disk import Disk
from desktop_app.document.errors import DiskError
from desktop_app.document.statistics import IDLE_S, KEPT_DAYS, Day, History, Session, Tally, WritingClock
from desktop_app.document.statistics_store import FILE_NAME, StatisticsStore, document_key
from tests.desktop_app.document.faulty_disk import FaultyCalls


def test_a_pause_longer_than_the_rule_is_idle():
    clock = WritingClock()
    for moment in (0.0, 10.0, 10.0 + IDLE_S, 1000.0, 1005.0):
        clock.touch(moment)
    assert clock.seconds == 10.0 + IDLE_S + 5.0


@given(st.lists(st.floats(0, 600), max_size=50))
def test_writing_time_is_never_more_than_the_time_that_passed(gaps: list[float]):
    clock, now = WritingClock(), 0.0
    clock.touch(now)
    for gap in gaps:
        now += gap
        clock.touch(now)
    assert clock.seconds == pytest.approx(sum(gap for gap in gaps if gap <= IDLE_S))


def test_a_session_counts_what_came_during_it():
    session = Session()
    session.start_text(Tally(100, 50))
    assert session.look(Tally(110, 50)) == Day(Tally(10, 0))
    assert session.look(Tally(110, 80)) == Day(Tally(0, 30))
    session.start_text(Tally(5000, 0))  # another text
    assert session.look(Tally(4990, 0)) == Day(Tally(-10, 0))
    assert session.words == Tally(0, 30)


def test_what_is_on_the_page_at_first_was_not_written_now():
    session = Session()
    session.look(Tally(900, 0))
    assert session.words == Tally()


def test_days_add_up_and_the_oldest_go():
    history = History()
    for number in range(KEPT_DAYS + 5):
        history = history.with_added(f"{2000 + number:04}-01-01", Day(Tally(1, 2), 3.0))
    history = history.with_added("2404-01-01", Day(Tally(1, 0), 1.0))
    assert len(history.days) == KEPT_DAYS
    assert min(history.days) == "2005-01-01"
    assert history.days["2404-01-01"] == Day(Tally(2, 2), 4.0)


def test_a_goal_of_nothing_is_no_goal():
    history = History().with_goal("a", 500).with_goal("b", 5).with_goal("a", 0)
    assert history.document_goals == {"b": 5}


def test_what_is_saved_is_loaded(tmp_path: Path):
    history = History().with_added("2026-11-28", Day(Tally(-3, 40), 61.0)).with_goal(document_key(tmp_path), 9)
    StatisticsStore(tmp_path / "state", Disk()).save(history)
    assert StatisticsStore(tmp_path / "state", Disk()).load() == history
    assert str(tmp_path) not in (tmp_path / "state" / FILE_NAME).read_text(encoding="utf-8")


@pytest.mark.parametrize("content", ["", "[]", "{", '{"days": {"x": [1]}}', '{"days": {"x": [1, 2, "a"]}}', "\xff"])
def test_a_damaged_file_is_set_aside(content: str, tmp_path: Path):
    (tmp_path / FILE_NAME).write_text(content, encoding="latin-1")
    assert StatisticsStore(tmp_path, Disk()).load() == History()
    assert (tmp_path / (FILE_NAME + ".damaged")).read_text(encoding="latin-1") == content


def test_a_newer_file_is_left_alone(tmp_path: Path):
    content = json.dumps({"version": 99, "more": True})
    (tmp_path / FILE_NAME).write_text(content, encoding="utf-8")
    store = StatisticsStore(tmp_path, Disk())
    assert store.load() == History()
    store.save(History().with_goal("a", 1))
    assert (tmp_path / FILE_NAME).read_text(encoding="utf-8") == content


def test_a_full_disk_is_a_document_error(tmp_path: Path):
    with pytest.raises(DiskError):
        StatisticsStore(tmp_path, Disk(FaultyCalls(2))).save(History())
