"""Several texts in one window: tabs are made, walked, moved and closed; bars and panels speak of the one in front."""

import gc
import time
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton
from shiboken6 import isValid

from desktop_app.document.disk import Disk
from desktop_app.document.kept_document import KeptDocument
from tests.desktop_app.services.qt import run_for, wait_until
from tests.desktop_app.window_kit import Kit

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


def names(kit: Kit) -> list[str]:
    return [tab.document.name for tab in kit.window.tabs.all]


def titles(kit: Kit) -> list[str]:
    return [kit.window.tab_area.tabText(index) for index in range(kit.window.tab_area.count())]


def file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def three(kit: Kit, tmp_path: Path) -> Kit:
    """A window with three files; the third is in front."""
    for name in ("one.txt", "two.txt", "三.txt"):
        kit.window.opening.open(str(file(tmp_path, name, f"text of {name}")))
    assert names(kit) == ["one.txt", "two.txt", "三.txt"]
    return kit


# ---- opening and making -----------------------------------------------------------------------------------------


def test_one_text_has_no_row_of_tabs_and_two_have(kit: Kit, tmp_path: Path):
    bar = kit.window.tab_area.tabBar()
    kit.window.opening.open(str(file(tmp_path, "a.txt", "a")))
    assert len(kit.window.tabs.all) == 1, "an untouched page takes the file"
    assert not bar.isVisible()
    kit.trigger("new")
    assert bar.isVisible()
    assert kit.text == ""
    kit.trigger("close_tab")
    assert not bar.isVisible()
    assert kit.text == "a"


def test_what_is_written_is_never_replaced_by_another_text(kit: Kit, tmp_path: Path):
    kit.type("mine")
    kit.window.opening.open(str(file(tmp_path, "a.txt", "a")))
    kit.window.show_welcome()
    assert [tab.view.text()[:4] for tab in kit.window.tabs.all] == ["mine", "a", "Once"]
    assert kit.answers.asked == []


def test_the_welcome_makes_room_for_a_file_and_for_a_new_text(kit: Kit, tmp_path: Path):
    kit.window.show_welcome()
    kit.trigger("new")
    assert [tab.view.text() for tab in kit.window.tabs.all] == [""]
    kit.window.show_welcome()
    kit.window.opening.open(str(file(tmp_path, "a.txt", "a")))
    assert names(kit) == ["a.txt"]


@pytest.mark.parametrize("other", ["same", "dots", "link", "hard link"])
def test_a_file_that_is_open_raises_its_tab(three: Kit, tmp_path: Path, other: str):
    path = tmp_path / "one.txt"
    if other == "dots":
        path = tmp_path / "somewhere" / ".." / "one.txt"
        (tmp_path / "somewhere").mkdir()
    elif other == "link":
        path = tmp_path / "link.txt"
        path.symlink_to(tmp_path / "one.txt")
    elif other == "hard link":
        path = tmp_path / "hard.txt"
        path.hardlink_to(tmp_path / "one.txt")
    assert three.window.opening.open(str(path))
    assert names(three) == ["one.txt", "two.txt", "三.txt"]
    assert three.text == "text of one.txt"


def test_texts_without_a_file_are_told_apart(kit: Kit):
    for _ in range(2):
        kit.type("x")
        kit.trigger("new")
    assert names(kit) == ["Untitled", "Untitled 2", "Untitled 3"]
    kit.answers.answer = "discard"
    kit.window.tabs.close(kit.window.tabs.all[1])
    kit.type("x")
    kit.trigger("new")
    assert names(kit) == ["Untitled", "Untitled 3", "Untitled 2"]


def test_files_of_one_name_are_told_apart_by_their_folders(kit: Kit, tmp_path: Path):
    for folder in ("上", "下"):
        kit.window.opening.open(str(file(tmp_path, f"{folder}/a & b.txt", folder)))
    assert titles(kit) == ["a && b.txt — 上", "a && b.txt — 下"]
    assert kit.window.tab_area.tabToolTip(1) == str(tmp_path / "下" / "a & b.txt")


# ---- walking ----------------------------------------------------------------------------------------------------


def test_keys_walk_the_tabs_round_the_end(three: Kit):
    walked = []
    for key, modifiers in (
        (Qt.Key.Key_Tab, CTRL),
        (Qt.Key.Key_PageDown, CTRL),
        (Qt.Key.Key_Backtab, CTRL | SHIFT),
        (Qt.Key.Key_PageUp, CTRL),
        (Qt.Key.Key_PageUp, CTRL),
    ):
        three.press(key, modifiers)
        walked.append(three.window.document.name)
        assert three.view.hasFocus()
    assert walked == ["one.txt", "two.txt", "one.txt", "三.txt", "two.txt"]
    assert three.text == "text of two.txt"


def test_bars_and_panels_speak_of_the_text_in_front(three: Kit):
    three.type("Many new words. ")
    assert three.window.actions_by_name["undo"].isEnabled()
    assert wait_until(lambda: "6 words" in three.window.status_line.figures_text, 5)
    three.window.tabs.bring_to_front(three.window.tabs.all[0])
    assert three.window.windowTitle() == "one.txt – Nextstroke · 下一笔"
    assert three.window.top_bar.document_text == "one.txt"
    assert not three.window.actions_by_name["undo"].isEnabled()
    assert wait_until(lambda: "3 words" in three.window.status_line.figures_text, 5)
    assert wait_until(lambda: three.window.statistics_panel._figures.counts.words == 3, 5)
    three.window.tabs.step(-1)
    assert three.window.windowTitle().startswith("● 三.txt")
    assert three.window.actions_by_name["undo"].isEnabled()
    assert "6 words" in three.window.status_line.figures_text
    three.trigger("undo")
    assert three.text == "text of 三.txt"


def test_the_find_bar_searches_the_page_in_front_and_cleans_up_behind(three: Kit):
    first, last = three.window.tabs.all[0].view, three.view
    three.window.find_bar.open(with_replace=True)
    three.window.find_bar._wanted.setText("text")
    assert len(last._found) == 1
    three.window.tabs.bring_to_front(three.window.tabs.all[0])
    assert (len(last._found), len(first._found)) == (0, 1)
    three.window.find_bar._instead.setText("page")
    three.window.find_bar.replace_all()
    assert (first.text(), last.text()) == ("page of one.txt", "text of 三.txt")


def test_a_theme_and_a_size_reach_hidden_pages_when_they_are_shown(three: Kit):
    three.trigger("theme_dark")
    three.trigger("zoom_in")
    three.trigger("origins_all")
    hidden = three.window.tabs.all[0].view
    assert hidden.tokens.name == "light", "a long text is not laid out anew for nobody"
    three.window.tabs.bring_to_front(three.window.tabs.all[0])
    assert (hidden.tokens.name, hidden.font().pointSize(), hidden._marks) == ("dark", 16, "all")


def test_words_are_counted_for_the_text_that_they_were_written_in(three: Kit):
    settled = wait_until(lambda: all(tab.counts.latest for tab in three.window.tabs.all), 5)
    assert settled
    before = three.window.statistics._session.words.human
    three.type("one two ")
    three.window.tabs.step(1)  # before the pause that counts them
    three.type("drei ")
    assert wait_until(lambda: three.window.statistics._session.words.human == before + 3, 5)


# ---- writing in several -----------------------------------------------------------------------------------------


def test_a_generation_goes_on_in_the_tab_that_is_left(three: Kit):
    left = three.window.tabs.current
    left.view.moveCursor(left.view.textCursor().MoveOperation.End)
    three.trigger("continue")
    three.bridge.begin()
    three.bridge.write(" and")
    three.window.tabs.step(1)
    assert three.window.actions_by_name["continue"].isEnabled()
    assert three.window.top_bar.primary.text() == "Continue"
    assert titles(three)[2].endswith("…")
    assert "the model is writing" in three.window.tab_area.tabBar().accessibleTabName(2)
    three.bridge.write(" more")
    three.bridge.finish()
    assert wait_until(lambda: not left.continuation.is_busy, 5)
    assert left.view.text() == "text of 三.txt and more"
    assert three.text == "text of one.txt"
    assert three.message == "The model has written in 三.txt."
    assert titles(three)[2].endswith("•")
    three.window.tabs.bring_to_front(left)
    three.trigger("undo")
    assert three.text == "text of 三.txt"


def test_two_tabs_write_at_once_and_stop_ends_the_one_in_front(three: Kit):
    first, last = three.window.tabs.all[0], three.window.tabs.all[2]
    three.trigger("select_all")
    three.trigger("continue")
    asked_last = three.bridge.requests[-1]
    three.window.tabs.bring_to_front(first)
    three.trigger("select_all")
    three.trigger("continue")
    assert (first.continuation.is_busy, last.continuation.is_busy) == (True, True)
    three.trigger("stop")
    assert (first.continuation.is_busy, last.continuation.is_busy) == (False, True)
    three.bridge.requests.append(asked_last)
    three.bridge.begin()
    three.bridge.write(" on")
    three.bridge.finish()
    assert wait_until(lambda: last.view.text() == "text of 三.txt on", 5)
    assert first.view.text() == "text of one.txt"


def test_an_obstacle_in_a_tab_behind_names_the_tab(three: Kit):
    three.trigger("select_all")
    three.trigger("continue")
    three.window.tabs.step(1)
    three.bridge.fail("EngineBusyError", "busy")
    assert three.message == "三.txt: The engine is busy. Wait a moment and try again."


# ---- closing ----------------------------------------------------------------------------------------------------


def test_the_last_tab_leaves_an_empty_page(kit: Kit, tmp_path: Path):
    kit.window.opening.open(str(file(tmp_path, "a.txt", "a")))
    kit.press(Qt.Key.Key_W, CTRL)
    assert (names(kit), kit.text) == (["Untitled"], "")
    assert kit.view.hasFocus()


@pytest.mark.parametrize(("answer", "is_closed"), [("discard", True), ("cancel", False)])
def test_a_text_without_a_file_is_asked_about_before_its_tab_closes(three: Kit, answer: str, is_closed: bool):
    three.trigger("new")
    three.type("never saved")
    three.window.tabs.step(1)
    three.answers.answer = answer
    assert three.window.tabs.close(three.window.tabs.all[3]) is is_closed
    assert [question.title for question in three.answers.asked] == ["Save the changes to Untitled?"]
    assert ("Untitled" in names(three)) is not is_closed
    if not is_closed:
        assert three.text == "never saved", "the text that is asked about is in front"


def test_a_closed_tab_ends_its_generation_and_is_freed(three: Kit):
    tab = three.window.tabs.current
    three.trigger("select_all")
    three.trigger("continue")
    request = three.bridge.requests[-1].id
    gone, view = weakref.ref(tab), tab.view
    three.answers.answer = "discard"
    assert three.window.tabs.close()
    assert three.bridge.cancelled == [request]
    three.bridge.write("too late")
    del tab
    run_for(400)  # also the count that was on its way
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    assert not isValid(view)
    del view
    gc.collect()
    assert gone() is None


def test_a_middle_click_and_the_button_close_a_drag_moves(three: Kit):
    bar = three.window.tab_area.tabBar()
    QTest.mouseClick(bar, Qt.MouseButton.MiddleButton, pos=bar.tabRect(1).center())
    assert names(three) == ["one.txt", "三.txt"]
    start, end = bar.tabRect(1).center(), bar.tabRect(0).center() - QPoint(20, 0)
    QTest.mousePress(bar, Qt.MouseButton.LeftButton, pos=start)
    for part in range(1, 9):
        QTest.mouseMove(bar, start + (end - start) * part / 8)
    QTest.mouseRelease(bar, Qt.MouseButton.LeftButton, pos=end)
    assert names(three) == ["三.txt", "one.txt"]
    assert three.text == "text of 三.txt"
    button = bar.tabButton(0, bar.ButtonPosition.RightSide)
    assert isinstance(button, QToolButton)
    button.click()
    assert names(three) == ["one.txt"]


def test_many_tabs_keep_their_names_and_scroll(kit: Kit, tmp_path: Path):
    kit.window.resize(900, 600)
    kit.window.take_paths([str(file(tmp_path, f"Chapter {number}.md", "x")) for number in range(20)])
    QApplication.processEvents()
    bar = kit.window.tab_area.tabBar()
    assert kit.window.width() == 900
    for index in range(20):
        wanted = bar.fontMetrics().horizontalAdvance(bar.tabText(index))
        assert bar.tabRect(index).width() > wanted, "the name is whole"
    assert bar.rect().contains(bar.tabRect(19).center()), "the tab in front is in sight"


def test_a_press_on_one_tab_and_a_release_on_another_closes_none(three: Kit):
    bar = three.window.tab_area.tabBar()
    QTest.mousePress(bar, Qt.MouseButton.MiddleButton, pos=bar.tabRect(0).center())
    QTest.mouseRelease(bar, Qt.MouseButton.MiddleButton, pos=bar.tabRect(1).center())
    assert len(names(three)) == 3


def test_quitting_asks_for_every_changed_file_and_gives_nothing_up_before_the_last_answer(three: Kit, tmp_path: Path):
    for tab in three.window.tabs.all[:2]:
        three.window.tabs.bring_to_front(tab)
        three.type("X")
    answers = iter(("discard", "cancel"))
    three.answers.ask = lambda question: three.answers.asked.append(question) or next(answers)
    assert not three.window.close()
    assert [question.title for question in three.answers.asked] == [
        "Save the changes to one.txt?",
        "Save the changes to two.txt?",
    ]
    first = three.window.tabs.all[0].document
    assert first.is_modified
    assert first.snapshot().has_unsaved_text
    answers = iter(("discard", "save"))
    assert three.window.tabs.may_quit()
    assert (tmp_path / "one.txt").read_text(encoding="utf-8") == "text of one.txt"
    assert (tmp_path / "two.txt").read_text(encoding="utf-8") == "Xtext of two.txt"
    assert not first.snapshot().has_unsaved_text


# ---- words ------------------------------------------------------------------------------------------------------


def test_tabs_and_their_buttons_have_names_in_both_languages(three: Kit):
    bar = three.window.tab_area.tabBar()
    three.type("X")
    assert (bar.accessibleName(), bar.accessibleTabName(2)) == ("Open texts", "三.txt, changes not saved")
    assert bar.tabButton(0, bar.ButtonPosition.RightSide).accessibleName() == "Close one.txt"
    three.languages.apply("zh")
    QApplication.processEvents()
    assert (bar.accessibleName(), bar.accessibleTabName(2)) == ("打开的文本", "三.txt，更改尚未保存")
    assert bar.tabButton(0, bar.ButtonPosition.RightSide).accessibleName() == "关闭 one.txt"
    three.trigger("new")
    assert titles(three)[-1] == "未命名"


def test_the_row_hides_with_the_other_bars(three: Kit):
    bar = three.window.tab_area.tabBar()
    three.trigger("focus")
    assert not bar.isVisible()
    three.trigger("new")
    assert not bar.isVisible()
    three.trigger("focus")
    assert bar.isVisible()


# ---- the next start ---------------------------------------------------------------------------------------------


def kept(folder: Path, name: str, text: str, typed: str = "") -> KeptDocument:
    path = file(folder, name, text)
    return replace(KeptDocument.of_text(name, typed + text, path, is_modified=bool(typed)), caret=2)


def test_texts_of_the_last_session_sleep_until_they_are_shown(kit: Kit, tmp_path: Path, monkeypatch):
    documents = (kept(tmp_path, "a.txt", "aaa"), kept(tmp_path, "b.txt", "bbb"), kept(tmp_path, "c.txt", "ccc", "X"))
    read = []
    original = Disk.read_with_token

    def noted(disk: Disk, path: Path, *rest: int | None):
        read.append(path.name)
        return original(disk, path, *rest)

    monkeypatch.setattr(Disk, "read_with_token", noted)
    kit.window.tabs.restore(documents, front=1)
    assert read == ["b.txt"]
    assert (kit.text, kit.view.textCursor().position()) == ("bbb", 2)
    assert titles(kit) == ["a.txt", "b.txt", "c.txt •"]
    assert kit.window.tabs.snapshots()[0] is documents[0], "what sleeps is kept as it was"
    assert kit.window.tabs.snapshots()[2] is documents[2]
    kit.window.tabs.step(1)
    assert kit.text == "Xccc"
    assert "not saved in c.txt are back" in kit.message
    assert kit.window.document.is_modified


def test_a_sleeping_text_with_changes_is_asked_about_when_one_quits(kit: Kit, tmp_path: Path):
    kit.window.tabs.restore((kept(tmp_path, "a.txt", "aaa"), kept(tmp_path, "b.txt", "bbb", "X")))
    kit.answers.answer = "save"
    assert kit.window.tabs.may_quit()
    assert (tmp_path / "b.txt").read_text(encoding="utf-8") == "Xbbb"


def test_a_sleeping_text_is_closed_without_being_read(kit: Kit, tmp_path: Path):
    kit.window.tabs.restore((kept(tmp_path, "a.txt", "aaa"), kept(tmp_path, "b.txt", "bbb")))
    (tmp_path / "b.txt").unlink()
    assert kit.window.tabs.close(kit.window.tabs.all[1])
    assert kit.answers.asked == []
    assert names(kit) == ["a.txt"]


def test_twenty_files_open_quickly(kit: Kit, tmp_path: Path):
    paths = [str(file(tmp_path, f"{number}.txt", "从前有一个小村庄。\n" * 2_000)) for number in range(20)]
    begun = time.perf_counter()
    kit.window.take_paths(paths)
    took = time.perf_counter() - begun
    print(f"20 files of 20,000 characters: {took:.2f} s")
    assert len(kit.window.tabs.all) == 20
    assert took < 20.0  # a second a file means that something grows with the number of tabs
