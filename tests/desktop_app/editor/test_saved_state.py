"""What tells saved from unsaved: the step that was done last and the branch on the page, and nothing that Qt thinks."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtWidgets import QApplication

from desktop_app.document.history import FORK, SPLIT
from tests.desktop_app.window_kit import Kit


@pytest.fixture
def page(kit: Kit) -> Kit:
    """A text without a change."""
    kit.write("Once upon a time")
    assert not kit.window.document.is_modified
    return kit


def test_undo_where_there_is_nothing_to_undo_is_no_change(page: Kit):
    for modifier in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier):
        page.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | modifier)
        assert not page.window.document.is_modified


def test_a_composition_is_no_change_before_it_is_committed(page: Kit):
    for composed in ("n", "ni", ""):
        QApplication.sendEvent(page.view, QInputMethodEvent(composed, []))
        assert (page.text, page.window.document.is_modified) == ("Once upon a time", False)
    QApplication.sendEvent(page.view, QInputMethodEvent("ni", []))
    event = QInputMethodEvent("", [])
    event.setCommitString("你")
    QApplication.sendEvent(page.view, event)
    assert (page.text, page.window.document.is_modified) == ("Once upon a time你", True)
    page.trigger("undo")
    assert (page.text, page.window.document.is_modified) == ("Once upon a time", False)


def test_a_step_that_changes_no_text_is_a_change_and_can_be_undone(page: Kit):
    link = page.view.link
    with link.step(SPLIT):
        link.model.split(4)
    assert (page.text, page.window.document.is_modified) == ("Once upon a time", True)
    page.trigger("undo")
    assert not page.window.document.is_modified


def test_another_branch_on_the_page_is_a_change_until_the_saved_one_is_back(page: Kit):
    link = page.view.link
    with link.step(FORK):
        other = link.model.fork(16)  # the same text in both
    link.is_written(link.model.copy(), keeps_records=True)
    assert not page.window.document.is_modified
    link.model.switch(other)
    assert (page.text, page.window.document.is_modified) == ("Once upon a time", True)
    link.model.switch(1)
    assert not page.window.document.is_modified
    link.model.switch(other)
    page.type("!")
    page.trigger("undo")
    assert page.window.document.is_modified  # as it was saved, and another branch is shown


def test_a_switch_while_it_is_written_is_a_change(page: Kit):
    link = page.view.link
    with link.step(FORK):
        other = link.model.fork(4)
    written = link.model.copy()
    link.model.switch(other)
    link.is_written(written, keeps_records=True)
    assert (page.text, page.window.document.is_modified) == ("Once", True)
    link.model.switch(1)
    assert not page.window.document.is_modified
