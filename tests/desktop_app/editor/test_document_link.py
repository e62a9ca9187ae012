"""Every way in which text comes onto the page or leaves it, by hand, and the origin that it has then."""

import gc

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPointF, Qt
from PySide6.QtGui import QDropEvent, QInputMethodEvent, QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from desktop_app.document.model import Document
from desktop_app.document.origins import GENERATED, IMPORTED, PASTED, TYPED, Origin, Passage
from desktop_app.document.soundness import problems
from desktop_app.editor.clipboard import MIME_TYPE, mime_of, passages_of

LETTERS = {TYPED: "t", PASTED: "p", IMPORTED: "i", GENERATED: "g"}


def origins(kit) -> str:
    """One letter for each character of the page; page and model must say the same."""
    model = kit.view.link.model
    assert model.text() == kit.text
    assert problems(model) == []
    return "".join(LETTERS[passage.origin.kind] * len(passage.text) for passage in model.passages())


def select(kit, start: int, end: int | None = None) -> None:
    cursor = kit.view.textCursor()
    cursor.setPosition(start)
    if end is not None:
        cursor.setPosition(end, cursor.MoveMode.KeepAnchor)
    kit.view.setTextCursor(cursor)


def commit(kit, text: str, start: int = 0, length: int = 0) -> None:
    event = QInputMethodEvent("", [])
    event.setCommitString(text, start, length)
    QApplication.sendEvent(kit.view, event)


def compose(kit, preedit: str) -> None:
    QApplication.sendEvent(kit.view, QInputMethodEvent(preedit, []))


def drop(kit, data: QMimeData, at: int, source: object = None) -> None:
    """Let go of something over the page, as the platform would tell it."""
    cursor = QTextCursor(kit.view.document())
    cursor.setPosition(at)
    place = QPointF(kit.view.cursorRect(cursor).center())

    class Drop(QDropEvent):
        def source(self):
            return source

    action = Qt.DropAction.MoveAction if source is not None else Qt.DropAction.CopyAction
    event = Drop(place, action, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QEvent.Type.Drop)
    kit.view.dropEvent(event)


@pytest.fixture
def page(kit):
    """The words `Once upon` as found in a file, then ` a time` by the model."""
    kit.write("Once upon")
    kit.generate(" a time")
    assert origins(kit) == "i" * 9 + "g" * 7
    return kit


def test_keys_write_typed_text_wherever_they_are_pressed(page):
    page.type("!")
    select(page, 12)
    page.type("X")
    page.press(Qt.Key.Key_Return)
    page.press(Qt.Key.Key_Tab)
    assert page.text == "Once upon a X\n\ttime!"
    assert origins(page) == "i" * 9 + "ggg" + "ttt" + "gggg" + "t"


@pytest.mark.parametrize("key", ["t", "\t", "\n"])
def test_typing_over_generated_text_is_typed_even_where_it_is_the_same(page, key):
    select(page, 12, 13)
    assert page.view.textCursor().selectedText() == "t"
    if key == "\n":
        page.press(Qt.Key.Key_Return)
    else:
        page.type(key)
    assert page.text == f"Once upon a {key}ime"
    assert origins(page) == "i" * 9 + "ggg" + "t" + "ggg"
    page.trigger("undo")
    assert origins(page) == "i" * 9 + "g" * 7


def test_keys_that_delete_leave_every_other_origin_alone(page):
    select(page, 10)
    page.press(Qt.Key.Key_Backspace)
    page.press(Qt.Key.Key_Backspace)
    page.press(Qt.Key.Key_Delete)
    assert page.text == "Once upo time"
    assert origins(page) == "i" * 8 + "g" * 5
    page.press(Qt.Key.Key_Backspace, Qt.KeyboardModifier.ControlModifier)
    assert page.text == "Once  time"
    assert origins(page) == "i" * 5 + "g" * 5


def test_cut_and_paste_carry_the_origin_and_the_record(page):
    record = page.view.link.model.origin_at(10).record
    select(page, 5, 12)
    page.press(Qt.Key.Key_X, Qt.KeyboardModifier.ControlModifier)
    assert page.text == "Once time"
    gc.collect()  # the clipboard owns its data
    assert QApplication.clipboard().text() == "upon a "
    select(page, 0)
    page.press(Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert page.text == "upon a Once time"
    assert origins(page) == "iiii" + "ggg" + "iiiii" + "gggg"
    assert page.view.link.model.origin_at(5).record == record
    page.trigger("undo")
    page.trigger("undo")
    assert page.text == "Once upon a time"
    assert origins(page) == "i" * 9 + "g" * 7


def test_the_record_goes_along_into_another_document(page):
    record = page.view.link.model.origin_at(10).record
    page.trigger("select_all")
    page.trigger("copy")
    page.view.load_text("")
    page.trigger("paste")
    assert origins(page) == "i" * 9 + "g" * 7
    assert page.view.link.model.origin_at(10).record == record
    assert page.view.link.model.origins.records[record]["record"]["model_name"] == "tiny"


def test_text_of_another_program_is_pasted_text(page):
    data = QMimeData()
    data.setText("from\r\nelsewhere")
    select(page, 4, 9)
    page.view.insertFromMimeData(data)
    assert page.text == "Oncefrom\nelsewhere a time"
    assert origins(page) == "iiii" + "p" * 14 + "g" * 7
    page.type("!")
    assert origins(page) == "iiii" + "p" * 14 + "t" + "g" * 7


@pytest.mark.parametrize(
    "own",
    [
        b"no json",
        b'{"version": 1, "passages": [["other words", "typed", ""]], "records": {}}',
        b'{"version": 1, "passages": [["words", "stolen", ""]], "records": {}}',
        b'{"version": 2, "passages": [["words", "typed", ""]], "records": {}}',
        b'{"version": 1, "passages": 7, "records": {}}',
        b"[" * 100_000,
    ],
)
def test_what_another_program_says_in_our_name_is_pasted_text(own):
    data = QMimeData()
    data.setText("words")
    data.setData(MIME_TYPE, own)
    assert passages_of(data) == ((Passage("words", Origin(PASTED)),), {})


def test_the_clipboard_says_what_was_put_on_it():
    passages = (Passage("从前 ", Origin(TYPED)), Passage("😀\n", Origin(GENERATED, "r1")))
    data = mime_of(passages, {"r1": {"seed": 7}, "r2": {"seed": 8}})
    assert data.text() == "从前 😀\n"
    assert passages_of(data) == (passages, {"r1": {"seed": 7}})


def test_dropped_text_is_pasted_and_an_own_selection_moves_with_its_origin(page):
    data = QMimeData()
    data.setText("new ")
    drop(page, data, 5)
    assert page.text == "Once new upon a time"
    assert origins(page) == "iiiii" + "pppp" + "iiii" + "g" * 7
    page.trigger("undo")
    select(page, 10, 12)  # "a "
    drop(page, page.view.createMimeDataFromSelection(), 5, source=page.view.viewport())
    assert page.text == "Once a upon time"
    assert origins(page) == "iiiii" + "gg" + "iiii" + "g" * 5
    page.trigger("undo")
    assert page.text == "Once upon a time"
    select(page, 0, 5)
    drop(page, page.view.createMimeDataFromSelection(), 10, source=page.view.viewport())
    assert page.text == "upon Once a time"
    assert origins(page) == "iiiig" + "iiiii" + "g" * 6


def test_a_selection_dropped_onto_itself_stays(page):
    select(page, 5, 9)
    drop(page, page.view.createMimeDataFromSelection(), 7, source=page.view.viewport())
    assert page.text == "Once upon a time"


def test_composed_text_is_typed_at_its_very_place(page):
    page.view.load_text("哈哈哈", ((1, 3),))
    assert origins(page) == "igg"
    select(page, 1)
    compose(page, "ha")
    assert page.view.is_composing()
    assert origins(page) == "igg", "a composition is not in the text yet"
    compose(page, "ha'ha")
    commit(page, "哈")
    assert not page.view.is_composing()
    assert page.text == "哈哈哈哈"
    assert origins(page) == "itgg", "the same character before and behind does not blur it"
    commit(page, "哈😀")
    assert origins(page) == "itttgg"
    assert page.view.textCursor().position() == 5
    page.trigger("undo")
    assert origins(page) == "igg"


def test_composing_over_a_selection_takes_it_out_at_its_very_place(page):
    page.view.load_text("哈哈哈", ((1, 3),))
    select(page, 0, 1)
    compose(page, "ni")
    assert origins(page) == "gg"
    commit(page, "你")
    assert page.text == "你哈哈"
    assert origins(page) == "tgg"


def test_an_input_method_replaces_the_word_before_the_caret(page):
    """Spelling and reconversion: the commit names what it is instead of."""
    select(page, 16)
    commit(page, "tide", -4, 4)
    assert page.text == "Once upon a tide"
    assert origins(page) == "i" * 9 + "ggg" + "tttt"


def test_replaced_words_are_typed_and_the_words_between_keep_their_origin(page):
    page.view.load_text("cat 😀 cat dog cat", ((7, 14),))
    page.trigger("replace")
    page.window.find_bar._wanted.setText("cat")
    page.window.find_bar._instead.setText("catcat")
    page.window.find_bar.replace_all()
    assert page.text == "catcat 😀 catcat dog catcat"
    assert origins(page) == "tttttt" + "iii" + "tttttt" + "ggggi"[:4] + "i" + "tttttt"
    page.view.setFocus()
    page.trigger("undo")
    assert page.text == "cat 😀 cat dog cat"
    assert origins(page) == "iiiiii" + "ggggggg" + "iiii"


def test_one_place_is_replaced_exactly(page):
    page.trigger("replace")
    page.window.find_bar._wanted.setText("time")
    page.window.find_bar._instead.setText("tide")
    page.window.find_bar.replace_one()
    assert page.text == "Once upon a tide"
    assert origins(page) == "i" * 9 + "ggg" + "tttt"


def test_what_a_program_changes_in_one_block_leaves_the_rest_alone(page):
    cursor = QTextCursor(page.view.document())
    cursor.beginEditBlock()
    cursor.setPosition(0)
    cursor.insertText("A")
    cursor.movePosition(cursor.MoveOperation.End)
    cursor.insertText("Z")
    cursor.endEditBlock()
    assert page.text == "AOnce upon a timeZ"
    assert origins(page)[0] == origins(page)[-1] == "t"


def test_a_change_inside_a_character_never_parts_page_and_model(page):
    page.view.load_text("a😀b")
    cursor = QTextCursor(page.view.document())
    cursor.setPosition(2)
    cursor.insertText("x")
    assert origins(page) == "ittti", "both halves went with the change"
    cursor.setPosition(0)
    cursor.insertText("\ud83d")
    assert page.text.count("\ufffd") == 3
    origins(page)


def test_undo_back_to_the_saved_text_is_no_change(kit, tmp_path):
    kit.answers.path = str(tmp_path / "a.txt")
    kit.write("")
    kit.type("one")
    kit.trigger("save_as")
    kit.type(" two")
    assert kit.window.document.is_modified
    kit.trigger("undo")
    assert kit.text == "one", "what was typed after a save is another step"
    assert not kit.window.document.is_modified
    kit.trigger("undo")
    assert kit.window.document.is_modified
    kit.trigger("redo")
    assert not kit.window.document.is_modified
    kit.view.link.declare_unsaved()  # its file was changed by another program
    kit.trigger("undo")
    kit.trigger("redo")
    assert kit.window.document.is_modified


def test_the_keys_and_actions_of_undo_are_the_models(page):
    undo, redo = (page.window.actions_by_name[name] for name in ("undo", "redo"))
    assert (undo.isEnabled(), redo.isEnabled()) == (True, False)
    page.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert page.text == "Once upon"
    assert (undo.isEnabled(), redo.isEnabled()) == (False, True)
    assert page.view.textCursor().position() == 9
    page.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    assert page.text == "Once upon a time"
    assert page.view.textCursor().position() == 16


def test_another_branch_comes_onto_the_page_and_its_edits_stay_there(page):
    model = page.view.link.model
    fox = model.fork(5)
    model.switch(fox)
    assert page.text == "Once "
    page.view.moveCursor(QTextCursor.MoveOperation.End)
    page.type("a fox ")
    commit(page, "😀")
    model.switch(1)
    assert page.text == "Once upon a time"
    assert model.text(branch=fox) == "Once a fox 😀"
    page.trigger("undo")
    assert page.text == "Once ", "undo shows where it undoes"
    assert origins(page) == "iiiii"


def test_a_document_of_a_store_is_shown_with_its_past(kit):
    document = Document()
    document.insert(0, "Once", Origin(TYPED))
    document.insert(4, " upon", Origin(GENERATED, "r1"), "generation")
    kit.view.load_document(document)
    assert origins(kit) == "tttt" + "ggggg"
    assert not kit.window.document.is_modified
    kit.trigger("undo")
    assert kit.text == "Once"
    assert kit.window.document.is_modified


def test_a_stopped_generation_gets_its_whole_record_when_the_engine_ends_it(kit):
    kit.write("Once")
    kit.trigger("continue")
    kit.bridge.begin()
    kit.bridge.write(" upon")
    kit.trigger("stop")
    model = kit.view.link.model
    record = model.origin_at(4).record
    says = model.origins.records[record]
    assert says["request"]["sampling"]["seed"] == kit.bridge.requests[0].sampling.seed
    assert "record" not in says
    kit.bridge.finish("cancelled")
    says = model.origins.records[record]
    assert (says["reason"], says["record"]["model_name"]) == ("cancelled", "tiny")


def test_middle_button_and_keys_of_the_clipboard_do_the_same(page):
    select(page, 9, 16)
    page.trigger("copy")
    select(page, 0)
    QTest.keyClick(page.view, Qt.Key.Key_Insert, Qt.KeyboardModifier.ShiftModifier)
    assert page.text == " a timeOnce upon a time"
    assert origins(page) == "g" * 7 + "i" * 9 + "g" * 7
