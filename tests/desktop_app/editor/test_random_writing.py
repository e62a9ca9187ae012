"""A person who does anything at random on the real page, against a list with one origin for each character.

The list knows nothing of the model: it is changed by what the person meant to do. After every action page, model and
list say the same, character by character; undo and redo must bring back what the list was at that step.
"""

import random

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPointF, Qt
from PySide6.QtGui import QDropEvent, QInputMethodEvent, QTextCursor
from PySide6.QtWidgets import QApplication

from desktop_app.document.origins import GENERATED, IMPORTED, PASTED, TYPED
from desktop_app.document.soundness import problems
from tests.desktop_app.window_kit import Kit

FOREIGN = ("words", "从前", "a😀b", "two\nlines", "𠀀")
COMPOSED = ("你好", "哈", "。", "😀")
TYPED_KEYS = ("a", "b", "the ", "x.", " ")
Characters = list[tuple[str, str]]  # character, kind of origin


class Writer:
    """Does each action on the page, and on the list."""

    def __init__(self, kit: Kit, seed: int) -> None:
        self.kit, self.chance = kit, random.Random(seed)
        kit.write("Found here 从前😀 in a file.\nAnd more.")
        self.list: Characters = [(character, IMPORTED) for character in kit.text]
        self.states: dict[int, Characters] = {0: list(self.list)}
        self.clip: Characters = []
        self.compared = 0

    @property
    def model(self):
        return self.kit.view.link.model

    def units(self, position: int) -> int:
        return len("".join(character for character, _ in self.list[:position]).encode("utf-16-le")) // 2

    def select(self) -> tuple[int, int]:
        """The caret somewhere, or a selection; returns it in characters of the list."""
        start = self.chance.randint(0, len(self.list))
        length = self.chance.choice([0, 0, 0, 1, 3, 9])
        end = min(len(self.list), start + length)
        cursor = self.kit.view.textCursor()
        cursor.setPosition(self.units(start))
        cursor.setPosition(self.units(end), QTextCursor.MoveMode.KeepAnchor)
        self.kit.view.setTextCursor(cursor)
        return start, end

    def becomes(self, start: int, end: int, text: str, kind: str) -> None:
        self.list[start:end] = [(character, kind) for character in text]

    # ---- what a person does -----------------------------------------------------------------------------------

    def type(self) -> None:
        start, end = self.select()
        words = self.chance.choice(TYPED_KEYS)
        self.kit.type(words)
        self.becomes(start, end, words, TYPED)

    def enter(self) -> None:
        start, end = self.select()
        self.kit.press(Qt.Key.Key_Return)
        self.becomes(start, end, "\n", TYPED)

    def erase(self) -> None:
        start, end = self.select()
        key = self.chance.choice([Qt.Key.Key_Backspace, Qt.Key.Key_Delete])
        self.kit.press(key)
        if start == end and key == Qt.Key.Key_Backspace:
            start = max(0, start - 1)
        elif start == end:
            end = min(len(self.list), end + 1)
        del self.list[start:end]

    def copy_or_cut(self) -> None:
        start, end = self.select()
        if start == end:
            return
        self.clip = self.list[start:end]
        if self.chance.random() < 0.6:
            self.kit.press(Qt.Key.Key_X, Qt.KeyboardModifier.ControlModifier)
            del self.list[start:end]
        else:
            self.kit.press(Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)

    def paste(self) -> None:
        if self.clip:
            start, end = self.select()
            self.kit.press(Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
            self.list[start:end] = self.clip

    def paste_foreign(self) -> None:
        start, end = self.select()
        words, data = self.chance.choice(FOREIGN), QMimeData()
        data.setText(words)
        self.kit.view.insertFromMimeData(data)
        self.becomes(start, end, words, PASTED)

    def compose(self) -> None:
        start, end = self.select()
        words = self.chance.choice(COMPOSED)
        if self.chance.random() < 0.7:
            QApplication.sendEvent(self.kit.view, QInputMethodEvent("ni", []))
        event = QInputMethodEvent("", [])
        event.setCommitString(words)
        QApplication.sendEvent(self.kit.view, event)
        self.becomes(start, end, words, TYPED)

    def correct(self) -> None:
        """A spelling or an input method puts another word in the place of the characters before the caret."""
        start, end = self.select()
        if start != end or start == 0:
            return
        first = max(0, start - 4)
        event = QInputMethodEvent("", [])
        event.setCommitString("right", self.units(first) - self.units(start), self.units(start) - self.units(first))
        QApplication.sendEvent(self.kit.view, event)
        self.becomes(first, start, "right", TYPED)

    def drag(self) -> None:
        start, end = self.select()
        at = self.chance.randint(0, len(self.list))
        if start == end or start <= at <= end or not self._is_in_sight(at):
            return
        data = self.kit.view.createMimeDataFromSelection()
        self._drop(data, at, self.kit.view.viewport())
        moved = self.list[start:end]
        del self.list[start:end]
        to = at if at < start else at - len(moved)
        self.list[to:to] = moved

    def drop_foreign(self) -> None:
        at = self.chance.randint(0, len(self.list))
        if self._is_in_sight(at):
            words, data = self.chance.choice(FOREIGN), QMimeData()
            data.setText(words)
            self._drop(data, at, None)
            self.becomes(at, at, words, PASTED)

    def _is_in_sight(self, at: int) -> bool:
        """Whether the mouse finds this place: at the end of a wrapped line it finds the next one's beginning."""
        cursor = QTextCursor(self.kit.view.document())
        cursor.setPosition(self.units(at))
        place = self.kit.view.cursorRect(cursor).center()
        return self.kit.view.cursorForPosition(place).position() == self.units(at)

    def _drop(self, data: QMimeData, at: int, source: object) -> None:
        cursor = QTextCursor(self.kit.view.document())
        cursor.setPosition(self.units(at))

        class Drop(QDropEvent):
            def source(self):
                return source

        place = QPointF(self.kit.view.cursorRect(cursor).center())
        action = Qt.DropAction.CopyAction if source is None else Qt.DropAction.MoveAction
        buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        self.kit.view.dropEvent(Drop(place, action, data, buttons, keys, QEvent.Type.Drop))

    def replace_all(self) -> None:
        text = "".join(character for character, _ in self.list)
        wanted, instead = self.chance.choice([("a", "aa"), ("哈", "哈哈"), ("the", ""), (" ", "😀")])
        bar = self.kit.window.find_bar
        bar._wanted.setText(wanted)
        bar._instead.setText(instead)
        bar.replace_all()
        places, at = [], text.lower().find(wanted)
        while at >= 0:
            places.append(at)
            at = text.lower().find(wanted, at + len(wanted))
        for at in reversed(places):
            self.becomes(at, at + len(wanted), instead, TYPED)

    def generate(self) -> None:
        end = self.select()[1]
        if not "".join(character for character, _ in self.list[:end]).strip():
            return
        before = self.kit.text
        self.kit.generate("。written", "😀\nby", " it.")
        written = self.kit.text[end : end + len(self.kit.text) - len(before)]
        assert self.kit.text == before[:end] + written + before[end:]
        assert written.strip() == "。written😀\nby it."
        self.becomes(end, end, written, GENERATED)

    def undo(self) -> None:
        for _ in range(self.chance.randint(1, 3)):
            self.kit.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        self.list = list(self.states[self.model.history.current])

    def redo(self) -> None:
        for _ in range(self.chance.randint(1, 3)):
            self.kit.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
        self.list = list(self.states[self.model.history.current])

    ACTIONS = (
        *("type", "type", "type", "enter", "erase", "erase", "copy_or_cut", "copy_or_cut", "paste", "paste"),
        *("paste_foreign", "compose", "compose", "correct", "drag", "drag", "drop_foreign", "replace_all", "generate"),
        *("undo", "undo", "undo", "redo", "redo"),
    )

    def do_something(self) -> str:
        name = self.chance.choice(self.ACTIONS) if len(self.list) < 400 else "undo"
        getattr(self, name)()
        self.states[self.model.history.current] = list(self.list)
        return name

    def compare(self, name: str) -> None:
        found = [(character, passage.origin.kind) for passage in self.model.passages() for character in passage.text]
        assert found == self.list, name
        assert self.kit.text == "".join(character for character, _ in self.list), name
        assert problems(self.model) == []
        self.compared += len(found)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_a_person_does_page_and_model_know_each_origin(kit, seed):
    writer = Writer(kit, seed)
    done = [writer.do_something()]
    for _ in range(160):
        writer.compare(done[-1])
        done.append(writer.do_something())
    writer.compare(done[-1])
    while writer.model.history.can_undo:
        kit.trigger("undo")
        writer.list = writer.states[writer.model.history.current]
        writer.compare("undo to the beginning")
    print(f"seed {seed}: {len(done)} actions, {writer.compared} characters with origins compared")
