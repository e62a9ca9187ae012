"""U+FEFF and U+FFFE at any place of a text: page and model stay the same text, and each character keeps its origin.

The list of (character, kind of origin) knows nothing of the model or of Qt.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QMimeData, Qt
from PySide6.QtGui import QTextCursor, QTextDocument

from desktop_app.document.origins import GENERATED, IMPORTED, PASTED, TYPED, Origin, Passage
from desktop_app.document.soundness import problems
from desktop_app.editor.clipboard import mime_of, passages_of
from desktop_app.editor.document_link import BY_HAND, DocumentLink, text_of_page
from desktop_app.editor.text_units import for_qt, units_of_text
from tests.desktop_app.window_kit import Kit

TEXTS = st.text(st.sampled_from("\ufeff\ufeff\ufffeab\n从😀"), max_size=5)
ACTIONS = st.sampled_from(["generate", "paste own", "paste foreign", "type", "delete", "become", "undo", "redo"])
DEEDS = st.lists(st.tuples(ACTIONS, st.integers(0, 30), st.integers(0, 4), TEXTS), max_size=14)
Characters = list[tuple[str, str]]


def origins_of(link: DocumentLink) -> Characters:
    return [(character, passage.origin.kind) for passage in link.model.passages() for character in passage.text]


class Writer:
    """Does each deed on the page, and on the list."""

    def __init__(self, text: str) -> None:
        self.page = QTextDocument()
        self.page.documentLayout()  # without one Qt tells of no change
        self.link = DocumentLink(self.page)
        self.link.start_anew(text)
        self.list: Characters = [(character, IMPORTED) for character in text]
        self.states = {self.link.model.history.current: list(self.list)}

    def units(self, position: int) -> int:
        return units_of_text("".join(character for character, _ in self.list[:position]))

    def do(self, deed: str, start: int, length: int, text: str) -> None:
        start = min(start, len(self.list))
        end = min(start + length, len(self.list))
        first, last = self.units(start), self.units(end)
        if deed in ("undo", "redo"):
            (self.link.undo if deed == "undo" else self.link.redo)()
            self.list = list(self.states[self.link.model.history.current])
        elif deed == "delete":  # by Qt, as a key does it
            cursor = QTextCursor(self.page)
            cursor.setPosition(first)
            cursor.setPosition(last, QTextCursor.MoveMode.KeepAnchor)
            cursor.removeSelectedText()
            del self.list[start:end]
        else:
            self.put(deed, first, last, text)
            kinds = {"generate": GENERATED, "type": TYPED, "become": IMPORTED}
            self.list[start:end] = [(character, kinds.get(deed, PASTED)) for character in text]
        self.states[self.link.model.history.current] = list(self.list)

    def put(self, deed: str, first: int, last: int, text: str) -> None:
        if deed == "type":
            self.link.type_over(first, last, text)
        elif deed.startswith("paste"):
            data = QMimeData()
            data.setText(for_qt(text))
            own = mime_of((Passage(text, Origin(PASTED)),) if text else (), {})
            self.link.replace(first, last, passages_of(own if deed == "paste own" else data)[0], "paste")
        else:
            origin = Origin(GENERATED if deed == "generate" else IMPORTED)
            self.link.replace(first, last, (Passage(text, origin),) if text else (), "generation")

    def compare(self) -> None:
        text = "".join(character for character, _ in self.list)
        assert text_of_page(self.page) == text
        assert origins_of(self.link) == self.list
        assert problems(self.link.model) == []


@pytest.mark.usefixtures("kit")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS, deeds=DEEDS)
def test_page_and_model_stay_the_same_text(text: str, deeds: list[tuple[str, int, int, str]]):
    writer = Writer(text)
    writer.compare()
    for deed in deeds:
        writer.do(*deed)
        writer.compare()
    while writer.link.model.history.can_undo:
        writer.do("undo", 0, 0, "")
        writer.compare()


@pytest.mark.usefixtures("kit")
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS, other=TEXTS)
def test_another_text_and_a_stored_document_come_whole_onto_the_page(text: str, other: str):
    link = Writer(text).link
    link.become(other, "restoring")
    assert link.model.text() == other == text_of_page(link._page)
    link.model.insert(0, text, BY_HAND)
    again = DocumentLink(QTextDocument())
    again.show(link.model)
    assert text_of_page(again._page) == text + other
    assert again.model.history.can_undo == link.model.history.can_undo


def test_a_generation_may_begin_with_it(kit: Kit):
    kit.write("ab")
    kit.generate("\ufeffgen", "\ufeff more")
    assert kit.text == kit.view.link.model.text()
    kit.trigger("undo")
    assert origins_of(kit.view.link) == [("a", IMPORTED), ("b", IMPORTED)]


def test_deleted_and_brought_back_it_leaves_the_origins_alone(kit: Kit, tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeff\ufeffx\ufeffy imported tail".encode())
    kit.window.opening.open(str(path))
    assert kit.text == "\ufeffx\ufeffy imported tail"
    kit.view.moveCursor(QTextCursor.MoveOperation.End)
    kit.press(Qt.Key.Key_Backspace)
    kit.trigger("undo")
    cursor = kit.view.textCursor()
    cursor.setPosition(2)
    kit.view.setTextCursor(cursor)
    kit.press(Qt.Key.Key_Delete)
    kit.trigger("undo")
    kit.view.moveCursor(QTextCursor.MoveOperation.End)
    kit.type("Q")
    assert kit.text == kit.view.link.model.text() == "\ufeffx\ufeffy imported tailQ"
    assert [kind for _, kind in origins_of(kit.view.link)] == [IMPORTED] * (len(kit.text) - 1) + [TYPED]
    kit.trigger("save")
    assert path.read_bytes() == "\ufeff\ufeffx\ufeffy imported tailQ".encode()
