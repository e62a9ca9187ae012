"""Continue, Stop, Retry on the real page: what is inserted, what undo does, what ends a generation."""

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtWidgets import QApplication

from desktop_app.editor.continuation import IDLE, WAITING, WRITING
from engine.contracts.generation import CONTEXT_KEEP_END, Token
from tests.desktop_app.services.qt import run_for, wait_until

START = "Once upon a time"


def generated(kit) -> str:
    units = kit.text.encode("utf-16-le")  # positions are Qt's
    return "|".join(units[2 * start : 2 * end].decode("utf-16-le") for start, end in kit.view.generated_spans())


def select(kit, start: int, end: int | None = None) -> None:
    """Put the caret at `start`, or select from there to `end`."""
    cursor = kit.view.textCursor()
    cursor.setPosition(start)
    if end is not None:
        cursor.setPosition(end, cursor.MoveMode.KeepAnchor)
    kit.view.setTextCursor(cursor)


def see_written(kit, words: str) -> None:
    """The engine sends `words`, and they are on the page."""
    wanted = kit.text + words
    kit.bridge.write(words)
    assert wait_until(lambda: kit.text == wanted, 2)


def half_written(kit, words: str = " there") -> None:
    """START is on the page, `words` of its continuation too, and more may come."""
    kit.write(START)
    kit.trigger("continue")
    kit.bridge.begin()
    see_written(kit, words)


def test_the_text_before_the_caret_is_sent_and_the_answer_is_put_there(kit):
    kit.write(START + " END")
    select(kit, len(START))
    kit.press(Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    request = kit.bridge.requests[0]
    assert request.prompt == START
    assert request.context_policy == CONTEXT_KEEP_END
    assert request.max_tokens == kit.settings.values.max_tokens
    assert kit.window.continuation.state == WAITING
    kit.bridge.begin()
    kit.bridge.write(" there", " was")
    assert kit.window.continuation.state == WRITING
    kit.bridge.finish()
    assert kit.settle()
    assert kit.text == START + " there was END"
    assert generated(kit) == " there was"


def test_received_text_is_the_shown_text_whatever_the_pieces(kit):
    kit.write("从前")
    pieces = ["有", "", "一个小女孩。\n", "她说：", "“🧒🏽你好”", " e\u0301", "\n", "完"]
    kit.generate(*pieces)
    assert kit.text == "从前" + "".join(pieces)


def test_text_held_back_until_the_end_is_shown_too(kit):
    kit.write(START)
    kit.trigger("continue")
    kit.bridge.begin()
    kit.bridge.write(" there")
    kit.bridge.finish(text=" was.")
    assert kit.settle()
    assert kit.text == START + " there was."


def test_a_generation_is_one_undo_step_and_redo_finds_it_with_its_mark(kit):
    kit.write("")
    kit.type(START)
    kit.generate(" there", " was", " a\n", "girl")
    whole = kit.text
    kit.trigger("undo")
    assert kit.text == START
    assert generated(kit) == ""
    kit.trigger("redo")
    assert kit.text == whole
    assert generated(kit) == " there was a|girl"


def test_typing_after_a_generation_is_its_own_undo_step_and_carries_no_mark(kit):
    kit.write(START)
    kit.generate(" there was")
    kit.type(" nobody")
    assert kit.text == START + " there was nobody"
    assert generated(kit) == " there was"
    kit.trigger("undo")
    assert kit.text == START + " there was"
    kit.trigger("undo")
    assert kit.text == START


def test_typing_inside_and_over_generated_text_carries_no_mark(kit):
    kit.write(START)
    kit.generate(" there was a girl")
    select(kit, len(START + " there"))
    kit.type("XY")
    assert generated(kit) == " there| was a girl"
    select(kit, len(START + " thereXY was"), len(START + " thereXY was a"))
    kit.type("the")
    assert kit.text == START + " thereXY wasthe girl"
    assert generated(kit) == " there| was| girl"


def test_pasted_text_is_plain_and_carries_no_mark(kit):
    kit.write(START)
    kit.generate(" there was")
    data = QMimeData()
    data.setHtml("<b>bold</b>")
    data.setText("bold\r\nline")
    kit.view.insertFromMimeData(data)
    assert kit.text == START + " there wasbold\nline"
    assert generated(kit) == " there was"


@pytest.mark.parametrize("how", ["type", "paste", "delete", "compose"])
def test_the_hand_of_the_person_stops_a_generation(kit, how):
    half_written(kit)
    if how == "type":
        kit.type("X")
    elif how == "paste":
        data = QMimeData()
        data.setText("X")
        kit.view.insertFromMimeData(data)
    elif how == "delete":
        kit.press(Qt.Key.Key_Backspace)
    else:
        QApplication.sendEvent(kit.view, QInputMethodEvent("ni", []))
    assert kit.window.continuation.state == IDLE
    assert kit.bridge.cancelled == [kit.bridge.requests[0].id]
    text = kit.text
    kit.bridge.write(" too", " late")
    kit.bridge.finish("cancelled")
    run_for(60)
    assert kit.text == text
    kit.trigger("undo")
    if how in ("type", "paste"):
        assert kit.text == START + " there"
        kit.trigger("undo")
        assert kit.text == START


def test_scrolling_selecting_and_moving_the_caret_do_not_stop_it(kit):
    kit.write("line\n" * 200 + START)
    kit.trigger("continue")
    kit.bridge.begin()
    see_written(kit, " one")
    kit.view.verticalScrollBar().setValue(0)
    see_written(kit, " two")
    assert kit.view.verticalScrollBar().value() == 0, "the page stays where the person reads"
    select(kit, 2, 9)
    kit.press(Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    kit.bridge.write(" three")
    kit.bridge.finish()
    assert kit.settle()
    assert kit.text.endswith(START + " one two three")
    assert kit.view.textCursor().selectionStart() == 2
    assert kit.bridge.cancelled == []


def test_the_end_stays_in_sight_while_one_watches_it(kit):
    kit.write("line\n" * 200 + START)
    kit.view.ensureCursorVisible()
    kit.generate("\nnext" * 40)
    rectangle = kit.view.cursorRect()
    assert rectangle.top() >= 0
    assert rectangle.bottom() <= kit.view.viewport().height()


def test_continuing_a_selection_leaves_it_so_that_typing_replaces_nothing(kit):
    kit.write(START)
    select(kit, 5, len(START))
    kit.generate(" there was")
    assert kit.text == START + " there was"
    kit.type("X")
    assert kit.text == START + " there wasX"


def test_a_selection_that_ends_at_the_place_does_not_grow(kit):
    kit.write(START)
    kit.trigger("continue")
    kit.bridge.begin()
    select(kit, 5, len(START))
    kit.bridge.write(" there was")
    kit.bridge.finish()
    assert kit.settle()
    assert kit.text == START + " there was"
    assert kit.view.textCursor().selectedText() == START[5:]


def test_select_all_while_the_model_writes_stays_all_so_that_deleting_leaves_nothing(kit):
    half_written(kit)
    kit.trigger("select_all")
    see_written(kit, " was")
    kit.press(Qt.Key.Key_Delete)
    assert kit.text == ""
    assert kit.window.continuation.state == IDLE
    kit.trigger("undo")
    assert kit.text == START + " there was"


def test_escape_stops_and_keeps_what_is_on_the_page(kit):
    half_written(kit)
    assert kit.window.actions_by_name["stop"].isEnabled()
    kit.press(Qt.Key.Key_Escape)
    assert kit.window.continuation.state == IDLE
    assert not kit.window.actions_by_name["stop"].isEnabled()
    kit.bridge.finish("cancelled", " late")
    run_for(40)
    assert kit.text == START + " there"
    kit.trigger("undo")
    assert kit.text == START


def test_retry_replaces_the_last_passage_with_a_new_seed_and_undo_brings_it_back(kit):
    kit.write(START)
    kit.generate(" there was a king")
    kit.trigger("retry")
    assert kit.text == START + " there was a king", "the old passage stays until the new one comes"
    assert kit.bridge.requests[1].prompt == START
    assert kit.bridge.requests[1].sampling.seed != kit.bridge.requests[0].sampling.seed
    kit.answer(" a queen", " lived")
    assert kit.text == START + " a queen lived"
    kit.trigger("undo")
    assert kit.text == START + " there was a king"
    assert generated(kit) == " there was a king"
    kit.trigger("retry")
    kit.answer(" a fox")
    assert kit.text == START + " a fox"


def test_retry_after_undo_writes_anew_and_after_editing_says_why_not(kit):
    kit.write(START)
    kit.generate(" there was")
    kit.trigger("undo")
    kit.trigger("retry")
    kit.answer(" came a fox")
    assert kit.text == START + " came a fox"
    kit.press(Qt.Key.Key_Backspace)
    kit.trigger("retry")
    assert len(kit.bridge.requests) == 2
    assert "changed by hand" in kit.message


def test_a_stale_answer_is_dropped(kit):
    kit.write(START)
    kit.trigger("continue")
    first = kit.bridge.requests[0]
    kit.trigger("stop")
    kit.trigger("continue")
    kit.bridge.send(Token(first.id, first.ticket, 0, 0, 1, " old", -1.0))
    second = kit.bridge.requests[1]
    kit.bridge.send(Token(second.id, first.ticket, 0, 0, 1, " wrong ticket", -1.0))
    kit.answer(" new")
    assert kit.text == START + " new"


def test_the_space_that_is_typed_already_is_not_doubled(kit):
    kit.write("Once ")
    kit.generate(" upon", " a time")
    assert kit.bridge.requests[0].prompt == "Once"
    assert kit.text == "Once upon a time"


def test_what_the_model_did_not_see_is_said(kit):
    kit.write(START)
    kit.trigger("continue")
    kit.bridge.begin(dropped=345)
    assert "345" in kit.message
    assert "12" in kit.message


def test_an_empty_page_and_a_missing_model_are_answered_in_words(kit):
    kit.write("  ")
    kit.trigger("continue")
    assert "nothing before the caret" in kit.message
    kit.write(START)
    for _ in range(3):  # the bundled one, then each of the library
        kit.bridge.model_refused.emit("the model folder is damaged; fetch it again", "")
    kit.trigger("continue")
    assert "Add Model Folder" in kit.message
    assert kit.bridge.requests == []
    kit.type(" still typing")
    assert kit.text == START + " still typing"


def test_a_failed_request_leaves_the_text_and_says_what_happened(kit):
    kit.write(START)
    kit.trigger("continue")
    kit.bridge.fail("PromptTooLongError", "the prompt has 9999 tokens")
    assert kit.window.continuation.state == IDLE
    assert kit.text == START
    assert "longer than the model can see" in kit.message


def test_an_engine_that_dies_in_the_middle_comes_back_and_the_text_is_untouched(kit):
    half_written(kit)
    kit.bridge.be_lost()
    assert kit.window.continuation.state == IDLE
    assert "untouched" in kit.message
    kit.bridge.come_up()
    assert "started again" in kit.message
    assert kit.text == START + " there"
    kit.generate(" was")
    assert kit.text == START + " there was"


def test_continue_before_the_model_is_open_begins_when_it_is(kit):
    kit.write(START)
    kit.bridge.be_lost()
    kit.trigger("continue")
    assert kit.bridge.requests == []
    kit.bridge.come_up()
    assert [request.prompt for request in kit.bridge.requests] == [START]


def test_another_text_on_the_page_ends_a_generation(kit):
    kit.write(START)
    kit.trigger("continue")
    kit.bridge.begin()
    kit.bridge.write(" there")
    kit.view.document().setModified(False)
    kit.trigger("new")
    run_for(40)
    assert kit.text == ""
    assert kit.window.continuation.state == IDLE
