"""Find bar, keys and questions of the window, its accessibility and its end."""

import subprocess
import sys
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor, QTextDocument
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton

from desktop_app.dialogs.question import Answer, Question, QuestionDialog
from desktop_app.editor.find_bar import places_of
from tests.desktop_app.services.qt import delete_now, run_for
from tests.desktop_app.window_kit import Kit


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
