"""Origins on the screen: marks by pattern and colour, chosen in the View menu, and the record of a passage."""

from itertools import pairwise

import pytest
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QLabel

from desktop_app.dialogs.origin_sheet import OriginSheet
from tests.desktop_app.services.qt import delete_now
from tests.desktop_app.window_kit import Kit


@pytest.fixture
def page(kit):
    """One paragraph of each origin: found, generated, pasted, typed."""
    kit.write("found in a file\n")
    kit.generate("written by the model")
    data = QMimeData()
    data.setText("\npasted from elsewhere")
    kit.view.insertFromMimeData(data)
    kit.press(Qt.Key.Key_Return)
    kit.type("typed by hand")
    return kit


def picture(kit: Kit) -> QImage:
    kit.view.clearFocus()  # no caret
    QApplication.processEvents()
    return kit.view.viewport().grab().toImage()


def marked_columns(kit: Kit, image: QImage, paragraph: int) -> list[int]:
    """The columns of a paragraph's first line where something is drawn in the band under its letters."""
    block = kit.view.document().findBlockByNumber(paragraph)
    line = block.layout().lineAt(0)
    place = kit.view.blockBoundingGeometry(block).translated(kit.view.contentOffset())
    ratio = image.devicePixelRatio()
    y = place.top() + line.y() + line.ascent() + 0.2 * kit.view.page_layout.page.em
    paper = QColor(kit.view.tokens.paper)
    left, right = line.x(), line.x() + line.naturalTextWidth()
    rows = [round((y + by) * ratio) for by in (-0.5, 0, 0.5)]
    return [
        x
        for x in range(round(left * ratio), round(right * ratio))
        if any(_differ(image.pixelColor(x, row), paper) for row in rows)
    ]


def _differ(one: QColor, other: QColor) -> bool:
    return abs(one.red() - other.red()) + abs(one.green() - other.green()) + abs(one.blue() - other.blue()) > 90


def test_each_origin_has_its_pattern_and_typed_text_has_none(page):
    page.trigger("origins_all")
    image = picture(page)
    found, written, pasted, typed = (marked_columns(page, image, number) for number in range(4))
    shares = []
    for columns in (found, written, pasted):
        gaps = sum(after - before > 1 for before, after in pairwise(columns))
        shares.append((len(columns), gaps))
    assert shares[0][0] > 60
    assert shares[0][1] <= 2, "a line without gaps"
    assert shares[1][1] > 2 * shares[2][1] > 8, "dots are closer than dashes"
    # Descenders of "typed by hand" cross the band.
    assert len(typed) < len(found) / 3


def test_the_marks_are_chosen_in_the_view_menu_and_remembered(page):
    page.trigger("origins_none")
    bare = picture(page)
    page.trigger("origins_generated")
    some = picture(page)
    page.trigger("origins_all")
    every = picture(page)
    counts = [[len(marked_columns(page, image, number)) for number in range(4)] for image in (bare, some, every)]
    assert counts[1][0] == counts[0][0]
    assert counts[1][1] > counts[0][1] + 30
    assert counts[1][2] == counts[0][2]
    assert counts[2][0] > counts[1][0] + 30
    assert counts[2][2] > counts[1][2] + 30
    assert page.settings.values.origin_marks == "all"


def test_a_new_window_shows_the_marks_that_were_chosen(page, tmp_path):
    page.trigger("origins_all")
    page.settings.save_now()
    fresh = Kit(tmp_path, QApplication.instance())
    try:
        assert fresh.window.actions_by_name["origins_all"].isChecked()
    finally:
        fresh.close()


def put_caret(kit: Kit, paragraph: int, anchor: int | None = None) -> None:
    cursor = kit.view.textCursor()
    if anchor is not None:
        cursor.setPosition(kit.view.document().findBlockByNumber(anchor).position())
    block = kit.view.document().findBlockByNumber(paragraph)
    mode = cursor.MoveMode.MoveAnchor if anchor is None else cursor.MoveMode.KeepAnchor
    cursor.setPosition(block.position() + 5, mode)
    kit.view.setTextCursor(cursor)


def test_the_record_of_the_passage_at_the_caret_is_shown(page):
    put_caret(page, 1)
    page.press(Qt.Key.Key_I, Qt.KeyboardModifier.ControlModifier)
    account = page.answers.origins[-1]
    assert account.sentence == "The model wrote this."
    assert account.quote == "written by the model"
    rows = dict(account.rows)
    assert rows["Seed"] == str(page.bridge.requests[0].sampling.seed)
    assert rows["Model"] == "tiny"
    assert rows["It ended because"] == "the length was reached"
    sheet = OriginSheet(account, page.window)
    shown = [label.text() for label in sheet.findChildren(QLabel)]
    assert {account.sentence, account.quote, "Seed", rows["Seed"]} <= set(shown)
    delete_now(sheet)


@pytest.mark.parametrize(
    ("paragraph", "sentence"), [(0, "when it was opened"), (2, "pasted from another program"), (3, "You typed this")]
)
def test_every_other_origin_is_said_too(page, paragraph, sentence):
    put_caret(page, paragraph)
    page.trigger("origin")
    account = page.answers.origins[-1]
    assert sentence in account.sentence
    assert account.rows == ()


def test_a_selection_of_several_origins_is_counted(page):
    put_caret(page, 3, anchor=0)
    page.trigger("origin")
    account = page.answers.origins[-1]
    assert "several origins" in account.sentence
    assert account.rows == (
        ("there when the text was opened", "16 characters"),
        ("written by the model", "20 characters"),
        ("pasted", "22 characters"),
        ("typed by hand", "6 characters"),
    )


def test_an_empty_page_has_no_origin(kit):
    kit.write("")
    kit.trigger("origin")
    assert "no text here" in kit.answers.origins[-1].sentence
