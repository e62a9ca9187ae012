"""The whole window: files, languages, themes, panel, find bar, dropping, keys, accessibility."""

import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor, QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton

from desktop_app import dropped
from desktop_app.dialogs.dialogs import writing_folder
from desktop_app.dialogs.question import Answer, Question, QuestionDialog
from desktop_app.document.disk import Disk
from desktop_app.document.kept_document import restore, text_digest
from desktop_app.editor.find_bar import places_of
from desktop_app.model_control import NONE, OPEN, OPENING, STARTING
from tests.desktop_app.fake_bridge import MODELS, OPENED
from tests.desktop_app.services.qt import delete_now, run_for, wait_until
from tests.desktop_app.window_kit import Kit

# ---- files ----------------------------------------------------------------------------------------------------


def test_open_edit_save_keeps_line_ends_and_clears_the_mark(kit, tmp_path):
    path = tmp_path / "写作 notes.md"
    path.write_bytes("第一行\r\nsecond\r\n".encode())
    kit.answers.path = str(path)
    kit.trigger("open")
    assert kit.text == "第一行\nsecond\n"
    assert kit.window.document.name == "写作 notes.md"
    kit.view.moveCursor(kit.view.textCursor().MoveOperation.End)
    kit.type("third")
    assert kit.window.document.is_modified
    assert "•" in kit.window.top_bar.document_text
    kit.trigger("save")
    assert path.read_bytes() == "第一行\r\nsecond\r\nthird".encode()
    assert not kit.window.document.is_modified
    assert kit.settings.values.recent_files == (str(path),)


def test_save_as_adds_an_ending_and_takes_the_name(kit, tmp_path):
    kit.write("text")
    kit.answers.path = str(tmp_path / "story")
    kit.trigger("save_as")
    assert (tmp_path / "story.txt").read_text(encoding="utf-8") == "text"
    assert kit.window.document.name == "story.txt"


@pytest.mark.parametrize(
    ("answer", "is_new", "is_saved"), [("save", True, True), ("discard", True, False), ("cancel", False, False)]
)
def test_leaving_changes_is_asked(kit, tmp_path, answer, is_new, is_saved):
    path = tmp_path / "a.txt"
    path.write_text("old", encoding="utf-8")
    kit.window.document.open(str(path))
    kit.type("new ")
    kit.answers.answer = answer
    kit.trigger("new")
    assert len(kit.answers.asked) == 1
    assert (kit.text == "") is is_new
    assert path.read_text(encoding="utf-8") == ("new old" if is_saved else "old")


def test_a_file_that_is_no_text_is_refused_and_the_page_stays(kit, tmp_path):
    path = tmp_path / "picture.txt"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    kit.write("mine")
    kit.view.document().setModified(False)
    kit.window.document.open(str(path))
    assert kit.text == "mine"
    assert len(kit.answers.told) == 1


def test_a_change_by_another_program_is_asked_before_it_is_overwritten(kit, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one", encoding="utf-8")
    kit.window.document.open(str(path))
    kit.type("X")
    path.write_text("of another program", encoding="utf-8")
    kit.answers.answer = "cancel"
    kit.trigger("save")
    assert path.read_text(encoding="utf-8") == "of another program"
    assert kit.window.document.is_modified
    kit.answers.answer = "overwrite"
    kit.trigger("save")
    assert path.read_text(encoding="utf-8") == "Xone"


def test_a_change_that_was_asked_about_while_saving_is_not_asked_again(kit, tmp_path):
    file = tmp_path / "小 说.txt"
    file.write_text("one", encoding="utf-8")
    kit.window.document.open(str(file))
    kit.type("X")
    file.write_text("another program", encoding="utf-8")
    kit.answers.answer = "cancel"
    kit.trigger("save")
    assert len(kit.answers.asked) == 1
    kit.window.document.look_outside()
    assert len(kit.answers.asked) == 1
    assert file.read_text(encoding="utf-8") == "another program"


def test_files_are_looked_for_in_a_folder_that_is_there(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Path(writing_folder()).is_dir()


def test_a_change_by_another_program_is_offered_when_the_window_comes_to_the_front(kit, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one", encoding="utf-8")
    kit.window.document.open(str(path))
    path.write_text("changed", encoding="utf-8")
    kit.answers.answer = "read_again"
    kit.window.document.look_outside()
    assert kit.text == "changed"
    kit.window.document.look_outside()
    assert len(kit.answers.asked) == 1


def test_a_save_that_fails_keeps_the_text_and_the_mark(kit, tmp_path):
    kit.write("text")
    kit.type("!")
    kit.answers.path = str(tmp_path / "gone" / "a.txt")
    kit.trigger("save")
    assert kit.text == "text!"
    assert kit.window.document.is_modified
    assert len(kit.answers.told) == 1


def test_a_session_is_kept_and_comes_back_with_caret_and_mark(kit, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one two", encoding="utf-8")
    kit.window.document.open(str(path))
    kit.type("zero ")
    kept = kit.window.document.snapshot()
    assert kept.has_unsaved_text
    kit.view.document().setModified(False)
    kit.window.document.new()
    kit.window.document.restore(restore(Disk(), kept))
    assert kit.text == "zero one two"
    assert kit.view.textCursor().position() == 5
    assert kit.window.document.is_modified
    assert kit.window.document.path == path


def test_changes_that_were_given_up_do_not_come_back(kit, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one", encoding="utf-8")
    kit.window.document.open(str(path))
    kit.type("X")
    kit.answers.answer = "discard"
    assert kit.window.document.may_quit()
    kept = kit.window.document.snapshot()
    assert restore(Disk(), kept).document.text == "one"


def test_a_text_without_a_file_quits_without_a_question_and_stays(kit):
    kit.write("")
    kit.type("never saved")
    assert kit.window.document.may_quit()
    assert kit.answers.asked == []
    assert kit.window.document.snapshot().text == "never saved"


def test_the_welcome_puts_the_caret_behind_the_story_and_is_no_change(kit):
    kit.window.show_welcome()
    assert not kit.window.document.is_modified
    assert kit.window.document.snapshot().saved_digest == text_digest(kit.text)
    kit.trigger("continue")
    assert kit.bridge.requests[-1].prompt.startswith("Once upon a time")
    assert "Ctrl+Enter" not in kit.bridge.requests[-1].prompt


# ---- models ---------------------------------------------------------------------------------------------------


def test_a_dropped_model_folder_is_added_listed_and_opened(kit, tmp_path):
    folder = tmp_path / "模型 一"
    folder.mkdir()
    (folder / "nextstroke.json").write_text("{}", encoding="utf-8")
    kit.window.take_paths([str(folder)])
    assert kit.bridge.calls[-1] == ("add", str(folder))
    kit.bridge.operation_progress.emit("adding", 5_000_000_000, 10_000_000_000)
    kit.bridge.model_added.emit("模型 一")
    assert kit.bridge.calls[-2:] == [("list",), ("open", "模型 一", "auto")]
    assert kit.settings.values.model == "模型 一"
    assert kit.window.models.state == OPENING


def test_a_model_folder_named_before_the_engine_runs_is_added_when_it_does(kit, tmp_path):
    (tmp_path / "nextstroke.json").write_text("{}", encoding="utf-8")
    kit.bridge.is_ready = False
    kit.window.take_paths([str(tmp_path)])
    assert ("add", str(tmp_path)) not in kit.bridge.calls
    assert "as soon as" in kit.message
    kit.bridge.come_up()
    assert kit.bridge.calls.count(("add", str(tmp_path))) == 1


def test_the_model_in_the_place_of_a_refused_one_is_named_beside_the_reason(kit):
    kit.bridge.come_up()
    kit.window.models.choose("gpt2-small")
    kit.bridge.model_refused.emit("the folder is damaged", "")
    kit.bridge.model_opened.emit(OPENED)
    assert "damaged" in kit.message
    assert "Nextstroke Tiny" in kit.message


def test_a_folder_that_cannot_be_added_is_explained(kit, tmp_path):
    (tmp_path / "nextstroke.json").write_text("{}", encoding="utf-8")
    kit.window.take_paths([str(tmp_path)])
    kit.bridge.operation_failed.emit("adding", "nextstroke.json is not JSON; export the model folder again", "")
    assert "Fetch or convert the model again" in kit.answers.told[0][1]
    assert kit.window.models.state == OPEN


def test_a_dropped_checkpoint_without_the_add_on_is_explained(kit, tmp_path):
    path = tmp_path / "ckpt.pt"
    path.write_bytes(b"x")
    kit.answers.answer = "cancel"
    kit.window.take_paths([str(path)])
    assert "nextstroke[export]" in kit.answers.asked[0].text


def test_cancelling_a_conversion_shows_at_once_and_late_progress_does_not_undo_it(kit):
    jobs, panel = kit.window.services.export_jobs, kit.window.model_panel
    jobs.started.emit("job", "gpt")
    panel.cancel_asked.emit()
    assert panel.progress_text == "Cancelling…"
    jobs.progress.emit("job", 500, "comparing")
    assert panel.progress_text == "Cancelling…"
    jobs.cancelled.emit("job")
    assert panel.progress_text == ""
    assert "nothing of it is left" in kit.message


def test_a_removed_model_is_not_opened_again(kit):
    bridge = kit.bridge
    bridge.model_removed.emit("gpt2-small")
    assert "gpt2-small" in kit.message
    bridge.model_refused.emit("no model is bundled", "")
    bridge.model_refused.emit("damaged too", "")
    assert ("open", "gpt2-small", "auto") not in bridge.calls


@pytest.mark.parametrize("names", [("checkpoint.json", "model.safetensors"), ("config.json", "pytorch_model.bin")])
def test_checkpoint_folders_are_known_by_their_files(tmp_path, names):
    for name in names:
        (tmp_path / name).write_text("{}", encoding="utf-8")
    assert dropped.kind_of(tmp_path) == dropped.CHECKPOINT


def test_a_dropped_text_is_opened_and_an_odd_folder_is_named(kit, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("dropped", encoding="utf-8")
    kit.window.take_paths([str(path), str(tmp_path)])
    assert kit.text == "dropped"
    assert tmp_path.name in kit.message


def test_a_refused_model_falls_back_to_the_bundled_one_once(kit):
    kit.window.models.choose("gpt2-small")
    kit.bridge.model_refused.emit("the folder is damaged", "")
    assert kit.bridge.calls[-1] == ("open", None, "auto")
    assert kit.settings.values.model == ""
    kit.bridge.model_refused.emit("no model is bundled", "")
    assert kit.bridge.calls[-1] == ("open", "tiny-zh-en", "auto"), "then any of the library"
    kit.bridge.model_refused.emit("damaged too", "")
    assert kit.bridge.calls[-1] == ("open", "gpt2-small", "auto")
    kit.bridge.model_refused.emit("damaged as well", "")
    assert kit.window.models.state == NONE
    assert kit.window.models.name == "no model"


def test_an_engine_that_stays_away_can_be_started_again(kit):
    kit.bridge.be_lost(restarting=False)
    assert kit.window.models.state == NONE
    assert kit.window.actions_by_name["start_engine"].isEnabled()
    kit.trigger("start_engine")
    assert ("start",) in kit.bridge.calls
    assert kit.window.models.state == STARTING


def test_an_engine_started_again_by_hand_opens_the_librarys_model_again(kit):
    bridge = kit.bridge
    bridge.is_ready = True
    bridge.models_listed.emit(MODELS)
    bridge.model_refused.emit("error: no model comes with this program", "")
    assert bridge.calls[-1] == ("open", "tiny-zh-en", "auto")
    bridge.model_opened.emit(OPENED)
    bridge.be_lost(restarting=False)
    kit.write("text")
    kit.trigger("continue")
    assert "Start the Engine Again" in kit.message
    kit.trigger("start_engine")
    bridge.is_ready = True
    bridge.engine_ready.emit({})
    bridge.model_refused.emit("error: no model comes with this program", "")
    assert bridge.calls[-1] == ("open", "tiny-zh-en", "auto")


def test_figures_of_a_generation_are_shown(kit):
    kit.write("Once upon a time")
    kit.generate(" there")
    shown = " ".join(label.text() for label in kit.window.status_line.findChildren(type(kit.window.status_line._speed)))
    assert "84 tokens/s" in shown
    assert "32 / 512" in shown
    assert wait_until(lambda: "5 words" in kit.window.status_line._counts.text(), 3)


def test_panel_choices_reach_the_next_request_and_the_settings(kit):
    panel = kit.window.model_panel
    panel._length_slider.setValue(0)
    panel._heat_slider.setValue(0)
    panel._seed_edit.setText("42")
    kit.write("Once upon a time")
    kit.trigger("continue")
    request = kit.bridge.requests[-1]
    assert (request.max_tokens, request.sampling.temperature, request.sampling.seed) == (16, 0.0, 42)
    kit.settings.save_now()
    assert kit.store.load().max_tokens == 16


# ---- look and language ----------------------------------------------------------------------------------------


def test_themes_switch_live_and_are_remembered(kit):
    kit.trigger("theme_dark")
    assert kit.view.tokens.name == "dark"
    dark = kit.view.grab().toImage().pixelColor(kit.view.width() // 2, 200)
    kit.trigger("theme_light")
    light = kit.view.grab().toImage().pixelColor(kit.view.width() // 2, 200)
    assert dark.name().upper() == "#1C1B1A"
    assert light.name().upper() == "#FBF8F2"
    assert kit.settings.values.theme == "light"


def test_every_text_of_the_window_follows_a_language_change(kit, monkeypatch):
    application = QApplication.instance()
    from PySide6.QtCore import QTranslator

    class Shouting(QTranslator):
        def translate(self, context, source, disambiguation=None, n=-1):
            return source.upper() if "{" not in source and source else ""

        def isEmpty(self):
            return False

    shouting = Shouting(application)
    application.installTranslator(shouting)
    QApplication.processEvents()
    try:
        assert kit.window.top_bar.primary.text() == "CONTINUE"
        assert kit.window.actions_by_name["save"].text() == "&SAVE"
        assert kit.window.model_panel._length_title.text() == "LENGTH"
        assert kit.window.document.name == "UNTITLED"
        assert kit.window.actions_by_name["language_zh"].text() == "简体中文"
    finally:
        application.removeTranslator(shouting)
        QApplication.processEvents()
    assert kit.window.top_bar.primary.text() == "Continue"


def test_language_is_switched_by_its_menu_and_remembered(kit):
    chosen = []
    object.__setattr__(kit.window.services, "set_language", chosen.append)
    kit.trigger("language_zh")
    assert chosen == ["zh"]
    assert kit.settings.values.language == "zh"


def test_zoom_stays_between_its_limits(kit):
    for _ in range(30):
        kit.trigger("zoom_in")
    assert kit.view.font().pointSize() == 28
    for _ in range(30):
        kit.trigger("zoom_out")
    assert kit.view.font().pointSize() == 12
    kit.trigger("zoom_reset")
    assert kit.view.font().pointSize() == 15


def test_the_panel_vanishes_comes_back_and_page_only_hides_all(kit):
    kit.trigger("side_panel")
    assert not kit.window.side_panel.isVisible()
    assert not kit.settings.values.side_panel_visible
    kit.trigger("side_panel")
    assert kit.window.side_panel.isVisible()
    kit.trigger("focus")
    assert not kit.window.top_bar.isVisible()
    assert not kit.window.side_panel.isVisible()
    kit.trigger("focus")
    assert kit.window.top_bar.isVisible()
    assert kit.window.side_panel.isVisible()


# ---- find, keys, accessibility --------------------------------------------------------------------------------


def test_find_walks_round_and_replace_all_is_one_undo_step(kit):
    kit.write("cat Cat dog\ncat")
    kit.trigger("replace")
    bar = kit.window.find_bar
    bar._wanted.setText("cat")
    assert kit.view.textCursor().selectedText().lower() == "cat"
    assert "3" in bar._count.text()
    seen = set()
    for _ in range(3):
        kit.trigger("find_next")
        seen.add(kit.view.textCursor().selectionStart())
    assert seen == {0, 4, 12}
    kit.trigger("find_previous")
    bar._instead.setText("猫")
    bar.replace_all()
    assert kit.text == "猫 猫 dog\n猫"
    kit.view.setFocus()
    kit.trigger("undo")
    assert kit.text == "cat Cat dog\ncat"
    QTest.keyClick(bar._wanted, Qt.Key.Key_Escape)
    assert not bar.isVisible()


def test_places_are_counted_as_the_document_counts():
    text = "😀从前 Dog 从前\ndog𠀀dog"
    document = QTextDocument()
    document.setPlainText(text)
    cursor = QTextCursor(document)
    for wanted, count in (("从前", 2), ("dog", 3), ("😀", 1), (".", 0)):
        places = places_of(text, wanted)
        assert len(places) == count
        for start, end in places:
            cursor.setPosition(start)
            cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
            assert cursor.selectedText().lower() == wanted


def test_edit_actions_work_in_a_field_too(kit):
    kit.trigger("find")
    field = kit.window.find_bar._wanted
    field.setFocus()
    field.setText("words")
    if isinstance(QApplication.focusWidget(), QLineEdit):
        kit.trigger("select_all")
        kit.trigger("cut")
        assert field.text() == ""


def test_everything_the_keyboard_reaches_has_a_name(kit):
    kit.trigger("replace")
    nameless = [
        (type(widget).__name__, widget.parent())
        for widget in kit.focusable()
        if not (widget.accessibleName() or (isinstance(widget, QPushButton) and widget.text()))
    ]
    assert nameless == []


def test_every_key_is_used_once(kit):
    keys = [key.toString() for action in kit.window.actions() for key in action.shortcuts()]
    assert len(keys) == len(set(keys))
    kit.trigger("shortcuts")
    assert ("Continue", "Ctrl+Return / Ctrl+Enter") in kit.answers.keys


def test_a_question_gives_the_answer_of_its_button_and_the_harmless_one_on_escape(kit):
    question = Question("Save?", "Text.", (Answer("save", "Save", is_default=True), Answer("cancel", "Cancel")))
    for key, expected in ((Qt.Key.Key_Escape, "cancel"), (Qt.Key.Key_Return, "save")):
        dialog = QuestionDialog(question, kit.window)
        dialog.show()
        QTest.keyClick(dialog, key)
        assert dialog.answer == expected
        delete_now(dialog)


def test_a_closed_window_is_freed(tmp_path):
    from tests.desktop_app.services.qt import application

    before = {id(widget) for widget in QApplication.topLevelWidgets()}
    made = Kit(tmp_path, application())
    made.bridge.come_up()
    made.write("text")
    made.close()
    run_for(20)
    left = [widget for widget in QApplication.topLevelWidgets() if id(widget) not in before]
    assert left == []


def test_the_windows_process_loads_no_numeric_library(root: Path):
    program = (
        "import sys; from tests.desktop_app.window_kit import Kit; "
        "import desktop_app.app, desktop_app.document.recovery, desktop_app.services.autosave; "
        "print([name for name in ('numpy', 'onnxruntime', 'torch', 'onnx', 'tokenizers') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_a_narrow_window_keeps_its_menus_and_buttons_whole(kit):
    kit.bridge.come_up()
    kit.window.top_bar.set_model("A model with a very long name that nobody can read at once")
    for width in (700, 1280, 700):
        kit.window.resize(width, 500)
        QApplication.processEvents()
        bar = kit.window.top_bar
        assert bar.menu_bar.width() >= bar.menu_bar.sizeHint().width()
        assert bar.primary.geometry().right() < bar.width()
        assert bar.width() == width, "the words make room; the bar does not grow"
    kit.window.resize(560, 500)
    QApplication.processEvents()
    assert kit.window.top_bar.model_text == ""


def test_a_long_message_takes_the_room_of_the_figures_and_gives_it_back(kit):
    line = kit.window.status_line
    line.set_speed(60.0)
    line.set_context(300, 1024)
    line.set_device("CPU")
    kit.window.resize(900, 500)
    QApplication.processEvents()
    assert "tokens" in line.figures_text
    line.say("The engine stopped working and the text is untouched. " * 3)
    assert line.figures_text == ""
    line.clear_message()
    assert "tokens" in line.figures_text


def test_return_presses_the_button_that_tab_went_to(kit):
    question = Question("Remove?", "Gone.", (Answer("remove", "Remove"), Answer("cancel", "Cancel", is_default=True)))
    for chosen, expected in (("Cancel", "cancel"), ("Remove", "remove")):
        dialog = QuestionDialog(question, kit.window)
        dialog.show()
        dialog.activateWindow()
        button = next(button for button in dialog.findChildren(QPushButton) if button.text() == chosen)
        button.setFocus()
        QApplication.processEvents()
        QTest.keyClick(dialog, Qt.Key.Key_Return)
        assert dialog.answer == expected
        delete_now(dialog)
