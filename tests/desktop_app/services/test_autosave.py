"""Text reaches the store within half a second of a pause and two seconds of typing; the window never waits."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError, StoreError
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.recovery import RecoveryStore
from desktop_app.services.autosave import LONGEST_MS, PAUSE_MS, Autosave, Rhythm
from desktop_app.services.background import Background
from tests.desktop_app.services.qt import delete_now, run_for, wait_until


def test_nothing_is_due_until_something_changes():
    assert Rhythm().due_at() is None


def test_a_pause_makes_it_due():
    rhythm = Rhythm()
    rhythm.touch(1000)
    rhythm.touch(1200)
    assert rhythm.due_at() == 1200 + PAUSE_MS
    rhythm.taken()
    assert rhythm.due_at() is None


@given(st.lists(st.integers(1, 400), min_size=1, max_size=80))
def test_no_key_press_waits_longer_than_promised(gaps: list[int]):
    """A plain loop over milliseconds is the judge: every touch is taken within 1.5 s, and 0.35 s after a pause."""
    rhythm, moments = Rhythm(), []
    now = 0
    for gap in gaps:
        now += gap
        moments.append(now)
    waiting: list[int] = []
    for moment in range(now + 3000):
        if (due := rhythm.due_at()) is not None and due <= moment:
            assert moment - waiting[0] <= LONGEST_MS
            assert moment - waiting[-1] <= PAUSE_MS
            rhythm.taken()
            waiting = []
        if moment in moments:
            rhythm.touch(moment)
            waiting.append(moment)
    assert waiting == []
    assert PAUSE_MS <= 500
    assert LONGEST_MS <= 2000


class Saver:
    """An autosave with everything around it; the text is `text`."""

    def __init__(self, folder: Path) -> None:
        self.store = RecoveryStore(folder, Disk())
        self.background = Background()
        self.text = ""
        self.autosave = Autosave(self.store, self.snapshot, self.background)
        self.kept = 0
        self.failures: list[DocumentError] = []
        self.autosave.kept.connect(self.count)
        self.autosave.failed.connect(self.failures.append)
        self.snapshot_threads: set[int] = set()

    def snapshot(self) -> list[KeptDocument]:
        self.snapshot_threads.add(threading.get_ident())
        return [KeptDocument.of_text("a", self.text)]

    def count(self) -> None:
        self.kept += 1

    def type(self, text: str) -> None:
        self.text += text
        self.autosave.touched()

    def close(self) -> None:
        self.background.close()
        self.store.close()
        delete_now(self.autosave)
        delete_now(self.background)


@pytest.fixture
def saver(tmp_path: Path) -> Iterator[Saver]:
    made = Saver(tmp_path)
    yield made
    made.close()


def test_a_pause_writes_once(saver: Saver):
    for character in "从前有":
        saver.type(character)
    begun = time.monotonic()
    assert wait_until(lambda: saver.kept == 1)
    assert time.monotonic() - begun < 2.0  # 0.35 s and the write; the rest is a busy test machine
    assert [document.text for document in saver.store.kept()] == ["从前有"]
    run_for(500)
    assert saver.kept == 1
    assert saver.snapshot_threads == {threading.get_ident()}


def test_typing_without_a_pause_is_written_all_the_same(saver: Saver):
    begun = time.monotonic()
    while time.monotonic() - begun < 1.8:
        saver.type("x")
        run_for(60)
    assert saver.kept >= 1


def test_what_is_typed_during_a_write_is_written_next(saver: Saver, monkeypatch: pytest.MonkeyPatch):
    go_on = threading.Event()
    keep = saver.store.keep

    def slow_keep(documents: list[KeptDocument]) -> None:
        go_on.wait(10)
        keep(documents)

    monkeypatch.setattr(saver.store, "keep", slow_keep)
    saver.type("one")
    run_for(600)
    saver.type(" two")  # the first write is still under way
    run_for(600)
    assert saver.kept == 0
    go_on.set()
    assert wait_until(lambda: saver.kept == 2)
    assert saver.store.kept()[0].text == "one two"


def test_a_failure_is_said_once_and_tried_again(saver: Saver, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("desktop_app.services.autosave.RETRY_MS", 20)
    keep, tries = saver.store.keep, []

    def failing_keep(documents: list[KeptDocument]) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise StoreError("the disk is full", "disk_full")
        keep(documents)

    monkeypatch.setattr(saver.store, "keep", failing_keep)
    saver.type("precious")
    assert wait_until(lambda: saver.kept == 1)
    assert [error.kind for error in saver.failures] == ["disk_full"]
    assert saver.store.kept()[0].text == "precious"


def test_flush_comes_after_a_write_that_is_under_way(saver: Saver, monkeypatch: pytest.MonkeyPatch):
    keep = saver.store.keep
    begun = threading.Event()

    def slow_keep(documents: list[KeptDocument]) -> None:
        if not begun.is_set():
            begun.set()
            time.sleep(0.3)
        keep(documents)

    monkeypatch.setattr(saver.store, "keep", slow_keep)
    saver.type("older")
    assert wait_until(begun.is_set)
    saver.type(" and newer")
    saver.autosave.flush()
    saver.background.wait()
    assert saver.store.kept()[0].text == "older and newer"


def test_flush_writes_at_once(saver: Saver):
    saver.type("last words")
    saver.autosave.flush()
    assert saver.store.kept()[0].text == "last words"


def test_background_answers_on_the_asking_thread_in_order(saver: Saver):
    heard: list[tuple[object, int]] = []
    errors: list[DocumentError] = []

    def fail() -> None:
        raise DocumentError("no")

    for number in range(5):
        saver.background.run(
            lambda number=number: number, lambda x: heard.append((x, threading.get_ident())), errors.append
        )
    saver.background.run(fail, lambda x: None, errors.append)
    assert wait_until(lambda: bool(errors))
    assert heard == [(number, threading.get_ident()) for number in range(5)]
    assert str(errors[0]) == "no"


def test_a_fault_of_the_program_is_said_once_and_the_text_is_kept_later(saver: Saver, monkeypatch, capsys):
    monkeypatch.setattr("desktop_app.services.autosave.RETRY_MS", 50)
    monkeypatch.setattr(saver.store, "keep", lambda _documents: 1 // 0)
    saver.type("precious")
    assert wait_until(lambda: bool(saver.failures))
    run_for(300)
    assert [error.kind for error in saver.failures] == ["defect"]
    assert "ZeroDivisionError" in capsys.readouterr().err
    monkeypatch.undo()
    assert wait_until(lambda: saver.kept == 1)
    assert [document.text for document in saver.store.kept()] == ["precious"]
