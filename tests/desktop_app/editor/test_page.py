"""The page layout under the real editor: every place can be hit, lines lie on the grid, scripts get their indents."""

import itertools
import time

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent, QInputMethodEvent, QTextCursor
from PySide6.QtWidgets import QApplication

from tests.desktop_app.services.qt import run_for

MIXED = (
    "Once upon a time there was a girl who lived by the sea, and every morning she walked along the beach for shells.\n"
    "\n"
    "从前有一个小女孩，她住在海边的一座小房子里。每天早晨，她都要到沙滩上去散步，捡一些贝壳回来；到了晚上就摆在窗台上。\n"
    "# 标题 heading\n"
    "Emoji 🧒 and Ελλάδα and ω in one line, long enough to be wrapped on a page that is not very wide at all, is it."
)


def line_tops(kit):
    layout, block, top, found = kit.view.page_layout, kit.view.document().firstBlock(), 0.0, []
    while block.isValid():
        rectangle = layout.blockBoundingRect(block)
        lines = block.layout()
        found += [(top + lines.lineAt(n).y(), lines.lineAt(n)) for n in range(lines.lineCount())]
        top += rectangle.height()
        block = block.next()
    return found


@pytest.mark.parametrize("width", [700, 1000, 1500])
def test_every_position_is_found_where_it_is_drawn(kit, width):
    kit.window.resize(width, 900)
    kit.write(MIXED)
    run_for(20)
    cursor = QTextCursor(kit.view.document())
    wrong = []
    while True:
        asked = kit.view.cursorRect(cursor)
        found = kit.view.cursorRect(kit.view.cursorForPosition(asked.center()))
        if (found.center() - asked.center()).manhattanLength() > 1:
            wrong.append((cursor.position(), asked, found))
        if not cursor.movePosition(QTextCursor.MoveOperation.NextCharacter):
            break
    assert wrong == []


def test_typing_keeps_the_layout_of_a_page_that_was_loaded(kit):
    kit.write("")
    kit.type(MIXED.split("\n")[0])
    typed = [round(y, 2) for y, _ in line_tops(kit)]
    kit.write(MIXED.split("\n")[0])
    assert typed == [round(y, 2) for y, _ in line_tops(kit)]


def test_lines_of_a_paragraph_are_one_line_height_apart_in_both_scripts(kit):
    kit.write(MIXED)
    page = kit.view.page_layout.page
    for number in (0, 2):
        layout = kit.view.document().findBlockByNumber(number).layout()
        baselines = [layout.lineAt(n).y() + layout.lineAt(n).ascent() for n in range(layout.lineCount())]
        assert len(baselines) > 1
        assert {round(b - a, 2) for a, b in itertools.pairwise(baselines)} == {page.line_height}


def test_chinese_paragraphs_are_indented_by_two_characters_and_headings_are_not(kit):
    kit.write(MIXED)
    page = kit.view.page_layout.page
    lefts = [kit.view.document().findBlockByNumber(n).layout().lineAt(0).x() for n in (0, 2, 3)]
    assert lefts == [page.column_left, page.column_left + 2 * page.em, page.column_left]


def test_down_and_up_walk_through_all_lines(kit):
    kit.write(MIXED)
    lines = kit.view.document().lineCount()
    kit.view.moveCursor(QTextCursor.MoveOperation.Start)
    tops = {kit.view.cursorRect().top()}
    for _ in range(lines + 3):
        kit.press(Qt.Key.Key_Down)
        tops.add(kit.view.cursorRect().top())
    assert len(tops) == lines


def test_the_end_of_a_long_text_can_be_scrolled_to_and_seen(kit):
    kit.write(MIXED * 30)
    kit.press(Qt.Key.Key_End, Qt.KeyboardModifier.ControlModifier)
    rectangle = kit.view.cursorRect()
    assert rectangle.top() >= 0
    assert rectangle.bottom() <= kit.view.viewport().height()
    bar = kit.view.verticalScrollBar()
    bar.setValue(bar.maximum())
    assert kit.view.cursorRect().bottom() < kit.view.viewport().height() * 0.8


def test_a_composition_reflows_and_leaves_the_document_alone(kit):
    kit.write("从前")
    QApplication.sendEvent(kit.view, QInputMethodEvent("nihao", []))
    assert kit.view.is_composing()
    assert kit.text == "从前"
    event = QInputMethodEvent("", [])
    event.setCommitString("你好")
    QApplication.sendEvent(kit.view, event)
    assert not kit.view.is_composing()
    assert kit.text == "从前你好"


def test_no_key_of_ours_is_taken_during_a_composition(kit):
    kit.write("从前")
    QApplication.sendEvent(kit.view, QInputMethodEvent("ni", []))
    kit.press(Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert kit.bridge.requests == []


def test_no_break_spaces_and_characters_beyond_the_first_plane_survive(kit):
    text = "a\u00a0b 𠀀 🧒\n\u3000\u3000末"
    kit.write(text)
    assert kit.text == text
    assert kit.view.text_before(kit.view.document().characterCount() - 1) == text


def test_dropped_files_are_handed_over_and_not_inserted(kit, tmp_path):
    kit.write("text")
    dropped = []
    kit.view.files_dropped.disconnect()
    kit.view.files_dropped.connect(dropped.append)
    path = tmp_path / "一 二.txt"
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    event = QDropEvent(
        QPointF(100, 100), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    kit.view.dropEvent(event)
    assert dropped == [[str(path)]]
    assert kit.text == "text"


def test_the_first_line_keeps_the_margin_of_the_page_whatever_becomes_first(kit):
    kit.write("first\nsecond\nthird")
    page = kit.view.page_layout.page

    def tops():
        layout, block, found = kit.view.page_layout, kit.view.document().firstBlock(), []
        while block.isValid():
            layout.blockBoundingRect(block)
            found.append(round(layout.line_top(block.layout().lineAt(0))))
            block = block.next()
        return found

    assert tops() == [page.top_margin, 0, 0]
    cursor = kit.view.textCursor()
    cursor.setPosition(0)
    cursor.setPosition(6, QTextCursor.MoveMode.KeepAnchor)
    cursor.removeSelectedText()
    assert tops() == [page.top_margin, 0]
    cursor.insertText("new\n\n")
    assert tops() == [page.top_margin, 0, 0, 0]


def test_text_is_not_cut_at_the_right_edge_of_a_narrow_page(kit):
    kit.window.resize(620, 700)
    run_for(20)
    kit.write("W" * 400)
    kit.view.moveCursor(QTextCursor.MoveOperation.Start)
    run_for(20)
    page = kit.view.page_layout.page
    image = kit.view.viewport().grab().toImage()
    right = int(page.column_left + page.column_width)
    y = int(page.top_margin + page.line_height / 2)
    ink = [x for x in range(right) if image.pixelColor(x, y).lightness() < 128]
    assert right - max(ink) < page.em


def test_a_blank_line_stands_in_for_the_space_between_paragraphs(kit):
    kit.write("one\ntwo")
    first = kit.view.document().firstBlock()
    close = kit.view.page_layout.blockBoundingRect(first).height()
    kit.write("one\n\ntwo")
    first = kit.view.document().firstBlock()
    assert kit.view.page_layout.blockBoundingRect(first).height() < close


def test_the_page_does_not_step_aside_when_the_scroll_bar_comes(kit):
    kit.write("one line")
    QApplication.processEvents()
    before = kit.view.page_layout.page
    kit.write("line\n" * 200)
    QApplication.processEvents()
    assert kit.view.verticalScrollBar().isVisible()
    assert kit.view.page_layout.page.column_left == before.column_left


def test_a_word_of_a_hundred_thousand_letters_is_laid_out_in_time(kit):
    """Qt alone takes the square of the length: 8 s here, minutes for a million."""
    started = time.monotonic()
    kit.write("first words\n" + "x" * 200_000)
    QApplication.processEvents()
    assert time.monotonic() - started < 4
    block = kit.view.document().lastBlock()
    kit.view.blockBoundingGeometry(block)
    assert block.layout().lineCount() > 1000


def test_ordinary_words_are_never_broken(kit):
    kit.write("incomprehensibilities " * 60)
    block = kit.view.document().firstBlock()
    kit.view.blockBoundingGeometry(block)
    layout = block.layout()
    starts = [layout.lineAt(number).textStart() for number in range(1, layout.lineCount())]
    assert starts
    assert all(block.text()[start - 1] == " " for start in starts)
