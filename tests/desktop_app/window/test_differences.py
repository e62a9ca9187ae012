"""Differences in the window: earlier texts, a file that another program changed, text that came back after a crash."""

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QPushButton

from desktop_app.dialogs.difference_dialog import DifferenceDialog
from desktop_app.dialogs.difference_pane import Comparison, DifferencePane
from desktop_app.dialogs.earlier_texts_dialog import OPEN_AS_NEW, RESTORE, EarlierTexts, EarlierTextsDialog
from desktop_app.dialogs.question import Answer, Question
from desktop_app.document.disk import Disk
from desktop_app.document.nextstroke_file import SUFFIX, StoredDocument, open_document, save_document
from desktop_app.document.origins import GENERATED, IMPORTED, TYPED, Origin, Passage
from desktop_app.document.restoring import restore
from desktop_app.services.languages import LanguageSwitch
from tests.desktop_app.services.qt import delete_now, wait_until
from tests.desktop_app.window_kit import Kit

TYPED_TEXT = "He walked home.\nShe slept."


def in_file(path: Path) -> StoredDocument:
    return open_document(Disk(), path)[0]


def kinds(kit: Kit) -> list[tuple[str, str]]:
    """The text of the page by kind of origin."""
    found: list[tuple[str, str]] = []
    for text, origin in kit.view.link.model.passages():
        if found and found[-1][1] == origin.kind:
            text = found.pop()[0] + text
        found.append((text, origin.kind))
    return found


def saved(kit: Kit, path: Path) -> Path:
    """A text of two origins, typed and generated, saved under a name."""
    kit.write("")
    first, second = TYPED_TEXT.split("\n")
    kit.type(first)
    kit.press(Qt.Key.Key_Return)
    kit.type(second)
    kit.generate(" And dreamt.")
    kit.answers.path = str(path)
    kit.trigger("save_as")
    return path


# ---- a file that another program changed ------------------------------------------------------------------------


def test_taking_the_files_text_is_one_step_and_what_did_not_change_keeps_its_origin(kit: Kit, tmp_path: Path):
    path = saved(kit, tmp_path / "a.txt")
    before = kinds(kit)
    path.write_text("He ran home.\nShe slept. And dreamt.\nNew.", encoding="utf-8")
    kit.answers.answer = "take"
    kit.window.document.look_outside()
    (comparison,) = kit.answers.compared
    assert (comparison.old, comparison.new) == (TYPED_TEXT + " And dreamt.", path.read_text(encoding="utf-8"))
    assert kinds(kit) == [
        ("He ", TYPED),
        ("ran", IMPORTED),
        (" home.\nShe slept.", TYPED),
        (" And dreamt.", GENERATED),
        ("\nNew.", IMPORTED),
    ]
    assert not kit.window.document.is_modified
    kit.trigger("save")
    assert len(kit.answers.asked) == 1, "the file is known as it is now"
    kit.trigger("undo")
    assert kinds(kit) == before
    assert kit.window.document.is_modified


def test_keeping_ones_text_writes_nothing_and_the_next_save_asks_again(kit: Kit, tmp_path: Path):
    path = saved(kit, tmp_path / "a.txt")
    path.write_text("other", encoding="utf-8")
    kit.answers.answer = "keep"
    kit.window.document.look_outside()
    kit.window.document.look_outside()
    assert len(kit.answers.asked) == 1
    assert kit.text == TYPED_TEXT + " And dreamt."
    assert path.read_text(encoding="utf-8") == "other"
    kit.answers.answer = "cancel"
    kit.trigger("save")
    assert len(kit.answers.asked) == 2
    assert path.read_text(encoding="utf-8") == "other"


@pytest.mark.parametrize("answer", ["take", "overwrite", "save_as", "cancel"])
def test_saving_over_another_programs_change_shows_it_first(kit: Kit, tmp_path: Path, answer: str):
    path, mine = saved(kit, tmp_path / "a.txt"), TYPED_TEXT + " And dreamt.!"
    kit.type("!")
    path.write_text("other", encoding="utf-8")
    kit.answers.answer, kit.answers.path = answer, str(tmp_path / "b.txt")
    kit.trigger("save")
    assert [(shown.old, shown.new) for shown in kit.answers.compared] == [(mine, "other")]
    assert path.read_text(encoding="utf-8") == (mine if answer == "overwrite" else "other")
    assert kit.text == ("other" if answer == "take" else mine)
    assert kit.window.document.path == (tmp_path / "b.txt" if answer == "save_as" else path)
    assert (tmp_path / "b.txt").exists() is (answer == "save_as")
    assert kit.window.document.is_modified is (answer == "cancel")


def test_a_file_whose_text_is_that_of_the_page_needs_no_question(kit: Kit, tmp_path: Path):
    path = saved(kit, tmp_path / "a.txt")
    kit.type("!")
    path.write_bytes(kit.text.encode().replace(b"\n", b"\r\n"))
    kit.window.document.look_outside()
    assert kit.answers.asked == []
    assert not kit.window.document.is_modified
    kit.type("?")
    kit.trigger("save")
    assert path.read_bytes() == kit.text.encode().replace(b"\n", b"\r\n"), (
        "the line ends are those of the other program"
    )


def test_a_document_that_another_program_saved_again_as_it_was_needs_no_question(kit: Kit, tmp_path: Path):
    path = saved(kit, tmp_path / f"a{SUFFIX}")
    save_document(Disk(), path, in_file(path), clock=lambda: 4e9)
    kit.window.document.look_outside()
    assert kit.answers.asked == []
    kit.type("?")
    kit.trigger("save")
    assert kit.answers.asked == []
    assert in_file(path).document.text() == kit.text


def test_where_the_words_are_the_same_it_is_said_what_else_may_differ(kit: Kit, tmp_path: Path):
    path = saved(kit, tmp_path / f"a{SUFFIX}")
    other = in_file(path)
    other.document.fork(3)
    save_document(Disk(), path, other)
    kit.answers.answer = "keep"
    kit.window.document.look_outside()
    (asked,) = kit.answers.asked
    assert "The words are the same; branches, origins, steps" in asked.text
    path = saved(kit, tmp_path / "b.txt")
    kit.type("!")
    path.write_bytes(kit.text.encode("utf-16"))
    kit.trigger("save")
    assert "The words are the same; encoding or line ends" in kit.answers.asked[-1].text


def test_characters_that_a_page_has_no_place_for_leave_page_and_document_the_same(kit: Kit, tmp_path: Path):
    saved(kit, tmp_path / "a.txt")
    kit.window.document.become("He ran\u2029home. She 👩‍👧 slept.\u2028")
    assert kit.view.link.model.text() == kit.text
    assert "👩‍👧" in kit.text
    assert kit.view.link.model.units() == kit.view.document().characterCount() - 1
    kit.trigger("undo")
    assert kit.text == TYPED_TEXT + " And dreamt."


def test_a_changed_file_that_no_page_can_hold_is_not_taken(kit: Kit, tmp_path: Path):
    path = saved(kit, tmp_path / "a.txt")
    path.write_bytes("He ran\u2029home.".encode())
    kit.answers.answer = "take"
    kit.window.document.look_outside()
    assert (kit.text, kit.answers.asked) == (TYPED_TEXT + " And dreamt.", [])


def test_a_file_that_cannot_be_read_any_more_is_said_and_the_page_stays(kit: Kit, tmp_path: Path):
    path = saved(kit, tmp_path / "a.txt")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    kit.window.document.look_outside()
    assert wait_until(lambda: "cannot be read" in kit.message, 5)
    assert kit.answers.asked == []
    assert kit.text == TYPED_TEXT + " And dreamt."
    kit.answers.answer = "cancel"
    kit.trigger("save")
    assert len(kit.answers.asked) == 1
    assert kit.answers.compared == []
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_changed_document_brings_its_own_origins_and_keeps_this_text_among_the_earlier_ones(kit: Kit, tmp_path: Path):
    path = saved(kit, tmp_path / f"a{SUFFIX}")
    kit.type("!")
    mine, other = kit.text, in_file(path).document
    other.insert(0, "Theirs. ", Origin(TYPED))
    save_document(Disk(), path, StoredDocument(other))
    kit.answers.answer = "take"
    kit.window.document.look_outside()
    assert kit.text == other.text()
    assert kinds(kit) == [("Theirs. " + TYPED_TEXT, TYPED), (" And dreamt.", GENERATED)]
    assert kit.window.document.earlier_texts[0].text == mine
    assert kit.window.document.is_modified, "only the page knows my text"
    kit.trigger("save")
    assert mine in [version.text for version in in_file(path).versions]


# ---- text that came back ----------------------------------------------------------------------------------------


def crash(kit: Kit) -> None:
    """What the next start shows of the document in front."""
    kept = kit.window.document.snapshot()
    kit.view.document().setModified(False)
    kit.window.tabs.new()
    kit.window.document.restore(restore(Disk(), kept))


@pytest.mark.parametrize("suffix", [".txt", SUFFIX])
@pytest.mark.parametrize("answer", ["keep", "take", "save_as"])
def test_what_came_back_is_shown_against_the_file(kit: Kit, tmp_path: Path, suffix: str, answer: str):
    path = saved(kit, tmp_path / f"a{suffix}")
    file, origins = kit.text, kinds(kit)
    kit.type(" Unsaved.")
    crash(kit)
    kit.answers.answer, kit.answers.path = answer, str(tmp_path / f"b{suffix}")
    kit.window.document.look_outside()
    kit.window.document.look_outside()
    (comparison,) = kit.answers.compared
    assert (comparison.old, comparison.new) == (file, file + " Unsaved.")
    assert kit.text == (file if answer == "take" else file + " Unsaved.")
    assert (tmp_path / f"b{suffix}").exists() is (answer == "save_as")
    if answer == "take" and suffix == SUFFIX:
        assert kinds(kit) == origins
        assert kit.window.document.earlier_texts[0].text == file + " Unsaved."
    elif answer == "take":
        assert not kit.window.document.is_modified
        kit.trigger("undo")
        assert kit.text == file + " Unsaved."
    else:
        assert kit.window.document.is_modified is (answer == "keep")
    kit.trigger("save")
    assert len(kit.answers.asked) == 1
    assert path.exists()


def test_nothing_goes_into_the_file_by_itself_before_one_has_seen_what_came_back(kit: Kit, tmp_path: Path):
    saved(kit, tmp_path / f"a{SUFFIX}")
    kit.type(" Unsaved.")
    crash(kit)
    document = kit.window.document
    assert document.is_modified
    assert document.at_rest() is None
    kit.answers.answer = "keep"
    document.look_outside()
    assert document.at_rest() is not None


def test_what_came_back_over_a_file_that_was_changed_since_is_one_question(kit: Kit, tmp_path: Path):
    path = saved(kit, tmp_path / "a.txt")
    kit.type(" Unsaved.")
    kept = kit.window.document.snapshot()
    path.write_text("other", encoding="utf-8")
    kit.view.document().setModified(False)
    kit.window.tabs.new()
    kit.window.document.restore(restore(Disk(), kept))
    kit.answers.answer = "keep"
    kit.window.document.look_outside()
    kit.window.document.look_outside()
    assert len(kit.answers.asked) == 1
    assert kit.answers.compared[0].old == "other"
    kit.answers.answer = "cancel"
    kit.trigger("save")
    assert path.read_text(encoding="utf-8") == "other", "it is asked about once more before it is written over"


def test_words_that_stand_in_both_by_chance_come_back_with_their_own_origin(kit: Kit, tmp_path: Path):
    """The model wrote again what the person had typed and deleted: what came back is the model's."""
    path = saved(kit, tmp_path / f"a{SUFFIX}")
    kit.view.selectAll()
    kit.press(Qt.Key.Key_Delete)
    kit.type("X ")
    kit.generate("He walked home.")
    crash(kit)
    assert kinds(kit) == [("X ", TYPED), ("He walked home.", GENERATED)]
    assert path.exists()


# ---- earlier texts ----------------------------------------------------------------------------------------------


@pytest.fixture
def grown(kit: Kit, tmp_path: Path) -> Path:
    """A document that was saved three times."""
    path = saved(kit, tmp_path / f"a{SUFFIX}")
    kit.type(" Second.")
    kit.trigger("save")
    kit.type(" Third.")
    kit.trigger("save")
    return path


def test_an_earlier_text_is_restored_as_one_step(kit: Kit, grown: Path):
    now, before = kit.text, kinds(kit)
    kit.answers.chosen_earlier = (RESTORE, 2)
    kit.trigger("earlier")
    (shown,) = kit.answers.earlier
    assert shown.now == now
    assert list(shown.texts) == [now, TYPED_TEXT + " And dreamt. Second.", TYPED_TEXT + " And dreamt."]
    assert "26" not in shown.rows[0].split("\n")[1]
    assert kit.text == TYPED_TEXT + " And dreamt."
    assert kinds(kit) == [(TYPED_TEXT, TYPED), (" And dreamt.", GENERATED)]
    assert kit.window.document.is_modified
    assert "back" in kit.message
    kit.trigger("undo")
    assert kinds(kit) == before
    assert not kit.window.document.is_modified
    assert in_file(grown).document.text() == now


def test_an_earlier_text_is_opened_as_a_text_of_its_own(kit: Kit, grown: Path):
    before = grown.read_bytes()
    kit.answers.chosen_earlier = (OPEN_AS_NEW, 2)
    kit.trigger("earlier")
    assert kit.text == TYPED_TEXT + " And dreamt."
    assert kit.window.document.path is None
    assert kit.window.document.is_modified
    assert kit.window.document.earlier_texts == ()
    assert grown.read_bytes() == before
    assert len(kit.window.tabs.all) == 2


def test_no_choice_changes_nothing_and_a_text_without_a_past_says_so(kit: Kit, grown: Path):
    now = kit.text
    kit.trigger("earlier")
    assert kit.text == now
    kit.window.tabs.new()
    kit.trigger("earlier")
    assert ".nextstroke" in kit.answers.told[0][1]
    assert grown.exists()


def test_the_list_of_earlier_texts_is_ruled_by_keys(kit: Kit):
    shown = EarlierTexts("Earlier Texts", ["three", "two", "one"], ["a b c", "a b", "a"], "a b c d")
    dialog = EarlierTextsDialog(shown, kit.theme, kit.window)
    dialog.show()
    assert dialog.pane.view.toPlainText() == "a b c d"
    QTest.keyClick(dialog.rows, Qt.Key.Key_Down)
    QTest.keyClick(dialog.rows, Qt.Key.Key_Down)
    assert dialog.pane.summary.text() == "Characters: 3 added, 0 removed"
    dialog.with_what.setCurrentIndex(1)
    assert dialog.pane.view.toPlainText() == "a b"
    QTest.keyClick(dialog.rows, Qt.Key.Key_Return)
    assert dialog.result() == QDialog.DialogCode.Accepted
    assert dialog.chosen == (RESTORE, 2)
    delete_now(dialog)


def test_the_text_now_cannot_be_restored_over_itself(kit: Kit):
    dialog = EarlierTextsDialog(EarlierTexts("Earlier Texts", ["two", "one"], ["a b", "a"], "a b"), kit.theme)
    assert not dialog.restore_button.isEnabled()
    assert dialog.pane.summary.text() == "There is no difference."
    dialog.rows.setCurrentRow(1)
    assert dialog.restore_button.isEnabled()
    delete_now(dialog)


# ---- the view ---------------------------------------------------------------------------------------------------

QUESTION = Question("Which?", "Two texts.", (Answer("one", "One", is_default=True), Answer("none", "None")))
OLD = "He walked home.\n" + "\n".join(f"Paragraph {number}." for number in range(20)) + "\nShe slept until noon."
NEW = OLD.replace("walked", "ran").replace("slept", "woke").replace("noon", "morning")


@pytest.fixture
def pane(kit: Kit) -> DifferencePane:
    """A pane with three changes in it."""
    made = DifferencePane(kit.theme, kit.window)
    made.compare(Comparison(OLD, NEW, "only here", "only there"))
    made.show()
    made.view.setFocus()
    return made


def formats(pane: DifferencePane) -> dict[str, tuple[bool, bool, str]]:
    """What is drawn otherwise than plain: text → (struck through, underlined, ground)."""
    found = {}
    block = pane.view.document().begin()
    while block.isValid():
        for piece in block:
            drawn = piece.fragment().charFormat()
            if drawn.fontStrikeOut() or drawn.fontUnderline():
                ground = drawn.background().color().name().upper()
                found[piece.fragment().text()] = (drawn.fontStrikeOut(), drawn.fontUnderline(), ground)
        block = block.next()
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_went_is_struck_through_and_what_came_underlined_in_every_theme(kit, pane, theme: str):
    kit.theme.use(theme)
    tokens = kit.theme.tokens
    assert formats(pane) == {
        "walked": (True, False, tokens.removed_ground),
        "ran": (False, True, tokens.added_ground),
        "slept": (True, False, tokens.removed_ground),
        "woke": (False, True, tokens.added_ground),
        "noon": (True, False, tokens.removed_ground),
        "morning": (False, True, tokens.added_ground),
    }
    kit.theme.use("light")


def test_the_unchanged_is_folded_into_a_line_that_counts_it(pane):
    assert "Unchanged paragraphs: 16" in pane.view.toPlainText()
    assert pane.summary.text() == "Characters: 14 added, 15 removed"


def test_keys_lead_from_change_to_change_and_it_is_said_in_words(pane, monkeypatch):
    said: list[str] = []
    monkeypatch.setattr(pane, "_say", said.append)
    assert pane.place.text() == "Change 1 of 3"
    QTest.keyClick(pane.view, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    QTest.keyClick(pane.view, Qt.Key.Key_F7)
    assert pane.place.text() == "Change 3 of 3"
    QTest.keyClick(pane.view, Qt.Key.Key_F7)
    QTest.keyClick(pane.view, Qt.Key.Key_F7, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(pane.view, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert pane.place.text() == "Change 2 of 3"
    assert said[0] == "Change 2 of 3. Removed: slept Added: woke"
    assert said[-1] == said[0]
    assert pane.view.textCursor().block().text() == "She sleptwoke until noonmorning."


def test_nothing_can_be_typed_and_everything_has_a_name(pane):
    before = pane.view.toPlainText()
    QTest.keyClicks(pane.view, "X")
    assert pane.view.toPlainText() == before
    for widget in (pane.view, pane.previous_button, pane.next_button):
        assert widget.accessibleName()
    assert pane.view.accessibleDescription() == pane.summary.text()


def test_long_texts_are_compared_beside_and_a_newer_pair_takes_the_place(kit, pane):
    long = "\n".join(f"Paragraph {number} of a long text." for number in range(3_000))
    pane.compare(Comparison(long, long.replace("long", "short"), "", ""))
    assert pane.summary.text() == "Comparing…"
    pane.compare(Comparison(long, long.replace("Paragraph 7 ", "Paragraph seven "), "", ""))
    assert wait_until(lambda: pane.place.text() == "Change 1 of 1", 20)
    pane.compare(Comparison(long, long.upper(), "", ""))
    pane.compare(Comparison("a", "b", "", ""))
    assert pane.place.text() == "Change 1 of 1"
    pane.close_work()
    assert pane.view.toPlainText() == "ab"


def test_closing_while_texts_are_compared_ends_the_work(kit):
    long = "天地玄黄" * 100_000
    dialog = DifferenceDialog(QUESTION, Comparison(long, long[::-1], "", ""), kit.theme, kit.window)
    dialog.show()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.answer == "none"
    delete_now(dialog)


def test_return_gives_the_proposed_answer_and_tab_leads_to_every_part(kit):
    dialog = DifferenceDialog(QUESTION, Comparison(OLD, NEW, "", ""), kit.theme, kit.window)
    dialog.show()
    dialog.activateWindow()
    reached = set()
    for _ in range(8):
        reached.add(dialog.focusWidget())
        QTest.keyClick(dialog.focusWidget(), Qt.Key.Key_Tab)
    pane = dialog.pane
    assert {pane.view, pane.previous_button, pane.next_button, *dialog.findChildren(QPushButton)} <= reached
    pane.view.setFocus()
    QTest.keyClick(pane.view, Qt.Key.Key_Return)
    assert dialog.answer == "one"
    delete_now(dialog)


def test_in_chinese_every_word_around_the_difference_is_chinese(kit):
    languages: LanguageSwitch = kit.languages
    languages.apply("zh")
    made = DifferencePane(kit.theme, kit.window)
    made.compare(Comparison(OLD, NEW, "", ""))
    assert "没有变化的段落：16" in made.view.toPlainText()
    assert made.place.text() == "第 1 处，共 3 处"
    assert made.summary.text() == "字符：增加 14，减少 15"
    languages.apply("en")


def test_the_file_is_left_alone_by_looking(kit: Kit, tmp_path: Path):
    path = saved(kit, tmp_path / "a.txt")
    copy = shutil.copy2(path, tmp_path / "copy.txt")
    path.write_text("other", encoding="utf-8")
    before = path.stat()
    kit.answers.answer = "keep"
    kit.window.document.look_outside()
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)
    assert Path(copy).read_text(encoding="utf-8") == kit.text


def test_passages_of_the_sample_are_as_the_tests_above_assume(kit: Kit, tmp_path: Path):
    saved(kit, tmp_path / "a.txt")
    assert kit.view.link.model.passages()[0] == Passage(TYPED_TEXT, Origin(TYPED))


def test_an_earlier_text_comes_back_with_the_origins_that_it_had(kit: Kit, tmp_path: Path):
    kit.write("")
    kit.type("Once upon")
    kit.generate(" a time there was")
    kit.answers.path = str(tmp_path / "a.nextstroke")
    kit.trigger("save")
    before = kit.view.link.model.passages()
    kit.view.selectAll()
    kit.press(Qt.Key.Key_Backspace)
    kit.type("something else")
    kit.trigger("save")
    kit.answers.chosen_earlier = ("restore", 1)
    kit.trigger("earlier")
    assert kit.text == "Once upon a time there was"
    assert kit.view.link.model.passages() == before
    assert [passage.origin.kind for passage in before] == ["typed", "generated"]
    kit.view.undo()
    assert kit.text == "something else"
