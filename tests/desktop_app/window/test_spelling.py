"""The spell check in the window: marks, the page's menu, the switch, dictionaries; and whose words they are then."""

import os
import subprocess
import sys

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QTextCursor
from PySide6.QtWidgets import QApplication, QMenu

from desktop_app.controls import spelling_control
from desktop_app.document.origins import GENERATED, TYPED
from desktop_app.editor.page_spelling import text_at
from desktop_app.editor.painting import line_parts
from tests.desktop_app.services.qt import application, run_for, wait_until
from tests.desktop_app.spelling.small_dictionary import put_dictionary
from tests.desktop_app.window_kit import Kit


@pytest.fixture
def spelling(tmp_path, monkeypatch):
    """A window with a dictionary of a few words in the place of the bundled one."""
    monkeypatch.setattr(spelling_control, "START_AFTER_MS", 0)
    put_dictionary(tmp_path / "data" / "dictionaries")
    made = Kit(tmp_path, application(), with_spelling=True)
    made.bridge.come_up()
    yield made
    made.close()


def marked(kit):
    return [text_at(kit.view, place) for place in kit.view.misspelt.ranges]


def write(kit, text, *wrong):
    """Put a text on the page and wait for its marks; the caret is at the beginning of the page."""
    kit.view.load_text(text)
    assert wait_until(lambda: marked(kit) == list(wrong), 30), marked(kit)


def open_menu(kit, word, by_keyboard=False):
    """The page's menu over a word."""
    at = kit.text.index(word) + 1
    cursor = QTextCursor(kit.view.document())
    cursor.setPosition(at)
    place = kit.view.cursorRect(cursor).center()
    if by_keyboard:
        kit.view.setTextCursor(cursor)
        place = QPoint(0, 0)
    reason = QContextMenuEvent.Reason.Keyboard if by_keyboard else QContextMenuEvent.Reason.Mouse
    QApplication.sendEvent(
        kit.view.viewport(), QContextMenuEvent(reason, place, kit.view.viewport().mapToGlobal(place))
    )
    return next(widget for widget in QApplication.topLevelWidgets() if isinstance(widget, QMenu) and widget.isVisible())


def rows(menu):
    return [action.text() for action in menu.actions() if action.isVisible()]


def suggested(menu):
    return [action for action in menu.actions() if action.font().bold()]


def origins(kit):
    """(text, kind) of every piece of the page."""
    model = kit.view.link.model
    return [(passage.text, passage.origin.kind) for passage in model.passages(0, len(model.text()))]


def choose(menu, words):
    action = next(action for action in menu.actions() if action.text() == words)
    menu.close()
    action.trigger()


def test_misspelt_words_are_marked_and_chinese_never(spelling):
    write(spelling, "The cat sat on teh mat. 中文里没有错字\nOnce wrte 中文recieve中文", "teh", "wrte", "recieve")


def test_marks_are_painted_in_their_own_colour(spelling):
    write(spelling, "the teh")
    write(spelling, "the teh the", "teh")
    from PySide6.QtGui import QColor

    picture = spelling.view.viewport().grab().toImage()
    wave = QColor(spelling.view.tokens.misspelt)
    found = [
        (x, y)
        for x in range(picture.width())
        for y in range(picture.height() // 3)
        if abs(picture.pixelColor(x, y).red() - wave.red()) + abs(picture.pixelColor(x, y).green() - wave.green()) < 60
        and picture.pixelColor(x, y).green() < 110
    ]
    cursor = QTextCursor(spelling.view.document())
    cursor.setPosition(4)
    left = spelling.view.cursorRect(cursor).left()
    cursor.setPosition(7)
    right = spelling.view.cursorRect(cursor).left()
    assert len(found) > 10
    assert all(left - 2 <= x <= right + 2 for x, _ in found)


def test_a_suggestion_is_one_step_of_typed_words_and_undo_brings_everything_back(spelling):
    kit = spelling
    kit.write("Once")
    kit.generate(" the cats recieve", " a mat")
    assert wait_until(lambda: marked(kit) == ["recieve"], 30)
    before = origins(kit)
    assert before == [("Once", "imported"), (" the cats recieve a mat", GENERATED)]
    menu = open_menu(kit, "recieve")
    assert wait_until(lambda: "receive" in rows(menu), 30), rows(menu)
    assert rows(menu)[0] == "receive"
    choose(menu, "receive")
    after = [("Once", "imported"), (" the cats ", GENERATED), ("receive", TYPED), (" a mat", GENERATED)]
    assert origins(kit) == after
    assert wait_until(lambda: marked(kit) == [], 30)
    kit.trigger("undo")
    assert origins(kit) == before
    kit.trigger("redo")
    assert origins(kit) == after


def test_the_menu_key_reaches_the_word_at_the_caret(spelling):
    write(spelling, "the teh mat", "teh")
    menu = open_menu(spelling, "teh", by_keyboard=True)
    assert wait_until(lambda: "the" in rows(menu), 30)
    choose(menu, "the")
    assert spelling.text == "the the mat"
    assert spelling.view.textCursor().position() == 7


def test_other_places_have_the_plain_menu(spelling):
    write(spelling, "the teh mat", "teh")
    menu = open_menu(spelling, "mat")
    assert not [words for words in rows(menu) if "Dictionary" in words or "Ignore" in words]
    menu.close()


def test_a_word_that_changed_under_the_menu_is_left_alone(spelling):
    write(spelling, "the teh mat", "teh")
    menu = open_menu(spelling, "teh")
    assert wait_until(lambda: "the" in rows(menu), 30)
    spelling.view.edits.replace_found([(0, 3)], "a cat")
    spelling.view.edits.replace_found([(6, 7)], "T")
    choose(menu, "the")
    assert spelling.text == "a cat Teh mat"


def test_words_go_along_with_the_text_while_the_menu_is_open(spelling):
    write(spelling, "the teh mat", "teh")
    menu = open_menu(spelling, "teh")
    assert wait_until(lambda: "the" in rows(menu), 30)
    spelling.view.edits.replace_found([(0, 3)], "a cat")
    choose(menu, "the")
    assert spelling.text == "a cat the mat"


def test_suggestions_take_the_apostrophe_of_the_text(spelling):
    write(spelling, "isn\u2019t dno\u2019t", "dno\u2019t")
    menu = open_menu(spelling, "dno")
    assert wait_until(lambda: "don\u2019t" in rows(menu), 30), rows(menu)
    menu.close()


def test_own_words_are_right_at_once_and_after_a_restart(spelling, tmp_path):
    write(spelling, "the zorble Zorble teh", "zorble", "Zorble", "teh")
    choose(open_menu(spelling, "zorble"), "Add to &Dictionary")
    assert wait_until(lambda: marked(spelling) == ["teh"], 30)
    spelling.background.wait()
    assert (tmp_path / "config" / "own_words.txt").read_text(encoding="utf-8") == "zorble\n"
    fresh = Kit(tmp_path, application(), with_spelling=True)
    try:
        write(fresh, "the zorble teh", "teh")
    finally:
        fresh.close()


def test_an_ignored_word_is_right_until_the_end(spelling, tmp_path):
    write(spelling, "the zorble", "zorble")
    choose(open_menu(spelling, "zorble"), "&Ignore")
    assert wait_until(lambda: marked(spelling) == [], 30)
    assert not (tmp_path / "config" / "own_words.txt").exists()


def test_the_word_that_is_being_typed_waits_for_the_caret_to_leave_it(spelling):
    write(spelling, "the cat ")
    spelling.view.moveCursor(QTextCursor.MoveOperation.End)
    write(spelling, "wrod the ", "wrod")  # the dictionary is loaded
    spelling.view.moveCursor(QTextCursor.MoveOperation.End)
    spelling.type("teh")
    run_for(900)
    assert marked(spelling) == ["wrod"]
    spelling.type(" ")
    assert wait_until(lambda: marked(spelling) == ["wrod", "teh"], 30)
    spelling.press(Qt.Key.Key_Left)
    spelling.press(Qt.Key.Key_Left)
    run_for(600)
    assert marked(spelling) == ["wrod", "teh"], "walking through a word takes no mark away"


def test_marks_move_with_the_text_and_go_with_their_word(spelling):
    write(spelling, "the teh mat wrod", "teh", "wrod")
    cursor = spelling.view.textCursor()
    cursor.setPosition(0)
    spelling.view.setTextCursor(cursor)
    spelling.type("a ")
    assert marked(spelling) == ["teh", "wrod"]
    cursor.setPosition(7)
    spelling.view.setTextCursor(cursor)
    spelling.type("x")
    assert marked(spelling) == ["wrod"]


def test_only_what_is_seen_is_looked_at_and_scrolling_looks_on(spelling):
    write(spelling, "teh\n" + "the cat\n" * 400 + "wrod", "teh")
    asked = []
    ask = spelling.speller.ask
    spelling.speller.ask = lambda keys: asked.extend(keys) or ask(keys)
    spelling.view.verticalScrollBar().setValue(spelling.view.verticalScrollBar().maximum())
    assert wait_until(lambda: marked(spelling) == ["wrod"], 30)
    assert asked == ["wrod"]


def test_code_blocks_have_no_misspelt_words(spelling):
    write(spelling, "teh\n```\nwrod xyzzy\n```\nwrte `zzyx`\n~~~\nqwer", "teh", "wrte")


def test_the_switch_takes_the_marks_away_ends_the_process_and_is_remembered(spelling):
    write(spelling, "the teh", "teh")
    process = spelling.speller.process_id
    assert process
    spelling.trigger("spelling")
    assert marked(spelling) == []
    assert not spelling.settings.values.check_spelling
    assert wait_until(lambda: not os.path.exists(f"/proc/{process}"), 10)
    spelling.view.load_text("wrod teh")
    run_for(700)
    assert (marked(spelling), spelling.speller.process_id) == ([], 0)
    spelling.trigger("spelling")
    assert wait_until(lambda: marked(spelling) == ["wrod", "teh"], 30)


def test_a_chinese_text_starts_no_dictionary(spelling):
    spelling.view.load_text("从前有一座山，山上有一座庙。\n" * 30 + "2026 年 A 座 NASA")
    run_for(900)
    assert spelling.speller.process_id == 0
    assert "spylls" not in sys.modules


def test_the_next_misspelt_word_is_found_round_the_end_of_a_long_text(spelling):
    text = "the cat\n" * 300 + "```\nxyzzy\n```\n" + "the wrod cat\n" + "the cat\n" * 300 + "teh"
    write(spelling, text)
    spelling.trigger("next_misspelt")
    assert wait_until(lambda: spelling.view.textCursor().selectedText() == "wrod", 30)
    spelling.trigger("next_misspelt")
    assert wait_until(lambda: spelling.view.textCursor().selectedText() == "teh", 30)
    spelling.trigger("next_misspelt")
    assert wait_until(lambda: spelling.view.textCursor().selectedText() == "wrod", 30)
    write(spelling, "the cat")
    spelling.trigger("next_misspelt")
    assert wait_until(lambda: spelling.message == "No misspelt word was found.", 30)


def test_without_a_check_the_next_word_is_refused_in_words(spelling):
    spelling.trigger("spelling")
    spelling.trigger("next_misspelt")
    assert spelling.message == "Spelling is not checked. Switch it on in the Edit menu."


def test_a_damaged_dictionary_is_one_sentence_and_the_window_lives(spelling, tmp_path):
    (tmp_path / "data" / "dictionaries" / "en_US.dic").write_bytes(b"9\n\0\0\0")
    spelling.view.load_text("the teh")
    assert wait_until(lambda: "en_US" in spelling.message, 30)
    assert spelling.message.count(".") <= 3
    assert not spelling.window.actions_by_name["spelling"].isChecked()
    assert spelling.settings.values.check_spelling, "the next start tries again"
    spelling.view.moveCursor(QTextCursor.MoveOperation.End)
    spelling.type(" on")
    assert spelling.text == "the teh on"
    put_dictionary(tmp_path / "data" / "dictionaries")
    spelling.trigger("spelling")
    assert wait_until(lambda: marked(spelling) == ["teh"], 30)


def test_a_killed_dictionary_is_said_and_comes_back_by_the_switch(spelling):
    write(spelling, "the teh", "teh")
    os.kill(spelling.speller.process_id, 9)
    assert wait_until(lambda: "stopped working" in spelling.message, 30)
    assert marked(spelling) == []
    spelling.trigger("spelling")
    assert wait_until(lambda: marked(spelling) == ["teh"], 30)


def test_a_dictionary_that_does_not_answer_is_given_up(spelling):
    write(spelling, "the teh", "teh")
    spelling.speller._process._patience.setInterval(300)
    process = spelling.speller.process_id
    os.kill(process, 19)  # stopped, like a process whose disk is gone
    spelling.view.load_text("the wrod")
    assert wait_until(lambda: "stopped working" in spelling.message, 30)
    assert wait_until(lambda: not os.path.exists(f"/proc/{process}"), 10)


def test_another_dictionary_is_chosen_from_the_menu(spelling, tmp_path):
    put_dictionary(tmp_path / "data" / "dictionaries", "en_GB", ["colour", "the"])
    write(spelling, "the colour cat", "colour")
    menu = spelling.window.actions_by_name.dictionary_menu
    menu.aboutToShow.emit()
    assert wait_until(lambda: len(rows(menu)) == 4, 10), rows(menu)
    assert rows(menu)[:2] == ["British English (en_GB)", "American English (en_US)"]
    next(action for action in menu.actions() if "en_GB" in action.text()).trigger()
    assert wait_until(lambda: marked(spelling) == ["cat"], 30)
    assert spelling.settings.values.dictionary == "en_GB"
    menu.actions()[-1].trigger()
    assert str(tmp_path / "data" / "dictionaries") in spelling.answers.told[-1][1]


def test_a_chosen_dictionary_that_is_gone_is_said(spelling, tmp_path):
    spelling.settings.change(dictionary="xx_YY")
    spelling.window.spelling.choose("xx_YY")
    spelling.view.load_text("the teh")
    assert wait_until(lambda: "xx_YY" in spelling.message, 30), spelling.message


def test_every_word_of_the_menu_is_chinese_in_a_chinese_window(spelling):
    spelling.languages.apply("zh")
    write(spelling, "the teh", "teh")
    menu = open_menu(spelling, "teh")
    assert wait_until(lambda: "the" in rows(menu), 30)
    words = {action.text() for action in suggested(menu)}
    own = [row for row in rows(menu) if row and row not in words]
    assert len(own) > 5
    assert all(any("\u4e00" <= letter <= "\u9fff" for letter in row) for row in own), own
    menu.close()
    for name in ("spelling", "next_misspelt"):
        assert any("\u4e00" <= letter <= "\u9fff" for letter in spelling.window.actions_by_name[name].text())


def test_the_dictionaries_follow_the_language_of_the_window(spelling):
    menu = spelling.window.actions_by_name.dictionary_menu
    menu.aboutToShow.emit()
    assert wait_until(lambda: "&Further Dictionaries…" in rows(menu), 10)
    spelling.languages.apply("zh")
    run_for(100)
    menu.aboutToShow.emit()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in rows(menu)[-1]), rows(menu)


def test_a_failure_of_any_kind_is_said_in_chinese(spelling, tmp_path):
    spelling.languages.apply("zh")
    (tmp_path / "data" / "dictionaries" / "en_US.dic").unlink()
    os.mkfifo(tmp_path / "data" / "dictionaries" / "en_US.dic")
    spelling.view.load_text("the teh")
    assert wait_until(lambda: "en_US" in spelling.message, 30)
    assert "spelling" not in spelling.message.lower()


def test_the_next_misspelt_word_comes_to_no_caret_that_went_elsewhere(spelling):
    spelling.view.load_text("the cat sat on the mat\n" * 3 + "zorblex")
    spelling.trigger("next_misspelt")  # the dictionary has not answered yet
    cursor = spelling.view.textCursor()
    cursor.setPosition(9)
    spelling.view.setTextCursor(cursor)
    assert wait_until(lambda: marked(spelling) == ["zorblex"], 30)
    run_for(300)
    assert (spelling.view.textCursor().position(), spelling.view.textCursor().hasSelection()) == (9, False)


def test_words_are_marked_while_the_text_grows_without_a_pause(spelling):
    write(spelling, "the teh", "teh")
    spelling.view.load_text("the wrod cat ")
    for _ in range(60):
        spelling.view.moveCursor(QTextCursor.MoveOperation.End)
        spelling.type("a ")
        run_for(60)
        if marked(spelling):
            break
    assert marked(spelling) == ["wrod"]


def test_nothing_starts_after_the_end(spelling):
    speller = spelling.speller
    speller.ask(["teh"])
    speller.close()
    run_for(500)
    assert speller.process_id == 0


@pytest.mark.parametrize("text", ["teh", "the teh", "עולם teh", "teh שלום", "the teh שלום", "👩‍👧 teh", "从前teh有"])
def test_a_mark_is_as_wide_as_its_word_wherever_that_stands(spelling, text):
    write(spelling, text, "teh")
    block = spelling.view.document().firstBlock()
    line = block.layout().lineAt(0)
    (run,) = line.glyphRuns(spelling.view.misspelt.ranges[0][0], 3)
    ((_, left, right),) = line_parts(block, *spelling.view.misspelt.ranges[0])
    assert right - left > 25
    assert (left, right) == pytest.approx((run.boundingRect().left(), run.boundingRect().right()), abs=0.5)


def test_a_part_of_both_directions_lies_in_several_places(spelling):
    write(spelling, "the שלום one")
    parts = [(left, right) for _, left, right in line_parts(spelling.view.document().firstBlock(), 2, 6)]
    assert len(parts) == 2  # the e and its space, and the right half of the Hebrew word
    assert parts[0][1] < parts[1][0]


def test_a_key_does_no_dictionary_work(spelling, monkeypatch):
    """Whatever is on the page, a key neither cuts words nor asks; it moves marks and starts a clock."""
    write(spelling, "the teh wrod mat\n" * 20, *["teh", "wrod"] * 20)
    from desktop_app.editor import page_spelling

    calls = []
    for name in ("words_of", "misspelt", "ranges_of", "prose_blocks"):
        monkeypatch.setattr(page_spelling, name, lambda *_arguments, name=name: calls.append(name) or ((), ()))
    monkeypatch.setattr(spelling.speller, "ask", lambda _keys: calls.append("ask"))
    monkeypatch.setattr(spelling.speller, "verdict", lambda _key: calls.append("verdict"))
    cursor = spelling.view.textCursor()
    cursor.setPosition(2)
    spelling.view.setTextCursor(cursor)
    for letter in "abcdefgh":
        spelling.type(letter)
    assert calls == []
    assert len(marked(spelling)) == 40


def test_a_replacement_through_the_accessibility_interface_is_typed(spelling):
    """As spell checkers outside the program replace a word."""
    from PySide6.QtGui import QAccessible

    spelling.write("Once")
    spelling.generate(" the cats recieve a mat")
    before = origins(spelling)
    editable = QAccessible.queryAccessibleInterface(spelling.view).editableTextInterface()
    start = spelling.text.index("recieve")
    editable.replaceText(start, start + 7, "receive")
    after = [("Once", "imported"), (" the cats ", GENERATED), ("receive", TYPED), (" a mat", GENERATED)]
    assert origins(spelling) == after
    spelling.trigger("undo")
    spelling.trigger("undo")
    assert origins(spelling) == before


def test_the_window_comes_without_a_module_of_the_spell_check(root):
    """What a check needs is loaded when the window has been there for a moment, and spylls never in its process."""
    code = (
        "import sys, desktop_app.app, desktop_app.main_window\n"
        "print([name for name in sys.modules if '.spelling.' in name or 'spylls' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
