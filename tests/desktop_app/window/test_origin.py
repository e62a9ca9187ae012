"""What the model wrote stays marked over a restart, and never runs into a word that was there."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtWidgets import QApplication

from desktop_app.document import recovery_format
from desktop_app.document.disk import Disk
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.plain_document import to_plain
from desktop_app.document.recovery import RecoveryStore
from desktop_app.document.recovery_salvage import salvage
from desktop_app.document.restoring import restore
from desktop_app.document.text_file import open_text
from desktop_app.editor.continuation import IDLE
from desktop_app.editor.scripts import needs_space
from tests.desktop_app.services.qt import application, wait_until
from tests.desktop_app.window_kit import Kit


def marked(kit: Kit) -> list[str]:
    units = kit.text.encode("utf-16-le")  # positions are Qt's
    return [units[2 * start : 2 * end].decode("utf-16-le") for start, end in kit.view.generated_spans()]


def restart(kit: Kit, folder: Path) -> Kit:
    """Keep, end, start again: another window with what the store gives back."""
    first = RecoveryStore(folder, Disk())
    first.keep([kit.window.document.snapshot()])
    first.close()
    second = RecoveryStore(folder, Disk())
    fresh = Kit(folder, application())
    fresh.window.document.restore(restore(Disk(), second.take_over()[0]))
    second.close()
    return fresh


def test_the_marks_survive_a_restart_with_the_text(kit, tmp_path):
    kit.write("开头😀 Once")
    kit.generate(" upon\n😀一天", "，")
    kit.type("she")
    before = marked(kit)
    assert before == [" upon", "😀一天，"]
    fresh = restart(kit, tmp_path)
    try:
        assert fresh.text == kit.text
        assert marked(fresh) == before
        assert fresh.window.document.is_modified
        assert to_plain(fresh.view.link.model) == json.loads(json.dumps(to_plain(kit.view.link.model)))
        fresh.view.moveCursor(fresh.view.textCursor().MoveOperation.End)
        fresh.type("!")
        assert marked(fresh) == before
    finally:
        fresh.close()


@pytest.mark.parametrize("is_changed", [False, True])
def test_the_marks_of_a_saved_text_stay_unless_another_program_changed_it(kit, tmp_path, is_changed):
    path = tmp_path / "故事.txt"
    kit.answers.path = str(path)
    kit.write("Once")
    kit.generate(" upon")
    kit.trigger("save_as")
    if is_changed:
        path.write_text("Never Once upon", encoding="utf-8")
    fresh = restart(kit, tmp_path)
    try:
        assert marked(fresh) == ([] if is_changed else [" upon"])
        assert ("was changed by another program" in fresh.message) == is_changed
        assert not fresh.window.document.is_modified
    finally:
        fresh.close()


def test_a_text_without_marks_says_nothing_of_them(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one", encoding="utf-8")
    opened = open_text(Disk(), path)
    kept = replace(KeptDocument.of_text("a", "one", path, is_modified=False), version=opened.version)
    path.write_text("two", encoding="utf-8")
    assert restore(Disk(), kept).notes == ()


@pytest.mark.parametrize(
    ("spans", "words"), [("0-4", ["some"]), *((spans, []) for spans in ("x", "1-", "3-9999", "5-2", "1-2 -"))]
)
def test_marks_that_make_no_sense_cost_no_text(kit, tmp_path, spans, words):
    store = RecoveryStore(tmp_path, Disk())
    store.keep([KeptDocument.of_text("a", "")])
    store.close()
    connection = sqlite3.connect(tmp_path / "recovery" / "recovery.db")
    connection.execute("DELETE FROM part")  # a row as version 2 wrote it
    connection.execute("UPDATE document SET text = ?, modified = NULL, generated = ?", (b"some text", spans))
    connection.commit()
    connection.close()
    again = RecoveryStore(tmp_path, Disk())
    kit.window.document.restore(restore(Disk(), again.take_over()[0]))
    again.close()
    assert kit.text == "some text"
    assert marked(kit) == words


def test_a_damaged_store_of_the_first_version_still_gives_its_texts(tmp_path):
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as old:
        old.executescript(recovery_format.MIGRATIONS[0])
        old.execute("PRAGMA user_version = 1")
        values = "'k', 'old', 0, ?, NULL, 2, 3, 'UTF-8', 'LF', NULL, NULL, NULL, NULL, '', 1.0"
        old.execute(f"INSERT INTO document VALUES ({values})", ("旧文".encode(),))
    old.close()
    (kept,) = salvage(path)
    assert (kept.key, kept.text, kept.caret, kept.scroll, kept.changed_at) == ("k", "旧文", 2, 3, 1.0)
    assert kept.is_text_only


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        *[("n", "s", True), (".", "S", True), ("é", "ж", True)],
        *[("n", " ", False), ("n", ",", False), (" ", "s", False), ("\n", "s", False)],
        *[("n\u2019", "t", False), (".\u2019", "s", True), ("\u2019", "s", True), ("n\u201d", "s", True)],
        *[("天", "s", False), ("n", "天", False), ("n", "", False), ("n", "\u2029", False)],
    ],
)
def test_a_space_is_needed_between_words_only(before, after, wanted):
    assert needs_space(before, after) is wanted


def test_a_continuation_in_a_line_stays_apart_from_the_next_word_as_one_step(kit):
    kit.write("The cat sat down")
    cursor = kit.view.textCursor()
    cursor.setPosition(8)
    kit.view.setTextCursor(cursor)
    kit.generate("slept", " and")
    assert kit.text == "The cat slept and sat down"
    assert kit.window.continuation.can_retry()
    kit.trigger("undo")
    assert kit.text == "The cat sat down"


def begin_before_sat(kit: Kit) -> None:
    """A generation in the middle of a line whose first word is on the page."""
    kit.write("The cat sat")
    cursor = kit.view.textCursor()
    cursor.setPosition(8)
    kit.view.setTextCursor(cursor)
    kit.trigger("continue")
    kit.bridge.begin()
    kit.bridge.write("slept")
    assert wait_until(lambda: kit.text == "The cat sleptsat", 5)


def test_typing_into_a_generation_adds_no_space(kit):
    begin_before_sat(kit)
    kit.type("x")
    assert kit.window.continuation.state == IDLE
    assert kit.text == "The cat sleptxsat"


def test_composing_into_a_generation_adds_no_space(kit):
    begin_before_sat(kit)
    QApplication.sendEvent(kit.view, QInputMethodEvent("ni", []))
    assert kit.window.continuation.state == IDLE
    assert kit.text == "The cat sleptsat"
    committed = QInputMethodEvent("", [])
    committed.setCommitString("你")
    QApplication.sendEvent(kit.view, committed)
    assert kit.text == "The cat slept你sat"


@pytest.mark.parametrize("end", ["stop", "fail", "engine lost"])
def test_a_generation_that_ends_early_in_a_line_stays_apart_from_the_next_word(kit, end):
    begin_before_sat(kit)
    if end == "stop":
        kit.trigger("stop")
    elif end == "fail":
        kit.bridge.fail("EngineError", "a line")
    else:
        kit.bridge.be_lost()
    assert kit.window.continuation.state == IDLE
    assert kit.text == "The cat slept sat"
    kit.trigger("undo")
    assert kit.text == "The cat sat"
