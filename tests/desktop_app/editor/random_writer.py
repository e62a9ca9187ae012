"""A person who does anything at random on the real page, against a list with one origin for each character.

The lists, one a branch, know nothing of the model: they are changed by what the person meant to do. After every action
page, model and lists say the same, character by character; undo and redo must bring back what the lists were at that
step, and show the branch where it was made.
"""

import random

from PySide6.QtCore import QEvent, QMimeData, QPointF, Qt
from PySide6.QtGui import QDropEvent, QInputMethodEvent, QTextCursor
from PySide6.QtWidgets import QApplication

from desktop_app.document.model import Document
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
        self.branches: dict[int, Characters] = {1: [(character, IMPORTED) for character in kit.text]}
        self.shown = 1
        self.states: dict[int, dict[int, Characters]] = {0: self._copied()}  # after each step
        self.made_in: dict[int, int] = {}  # step → branch
        self.saved = (0, 1)  # step and branch
        self.clip: Characters = []
        self.compared = 0

    @property
    def model(self) -> Document:
        return self.kit.view.link.model

    @property
    def list(self) -> Characters:
        """Of the branch on the page."""
        return self.branches[self.shown]

    @list.setter
    def list(self, characters: Characters) -> None:
        self.branches[self.shown] = characters

    def _copied(self) -> dict[int, Characters]:
        return {branch: characters.copy() for branch, characters in self.branches.items()}

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

    def save(self) -> None:
        self.model.close_step()
        self.kit.view.link.is_written(self.model.copy(), keeps_records=True)
        self.saved = (self.model.history.current, self.shown)

    def undo(self) -> None:
        for _ in range(self.chance.randint(1, 3)):
            step = self.model.history.current
            self.kit.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
            self.goes_to_the_place_of(step)

    def redo(self) -> None:
        for _ in range(self.chance.randint(1, 3)):
            before = self.model.history.current
            self.kit.press(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
            if self.model.history.current != before:
                self.goes_to_the_place_of(self.model.history.current)

    def goes_to_the_place_of(self, step: int) -> None:
        """An undo or a redo of a step was done: the lists are those of the state that it led to."""
        state = self.states[self.model.history.current]
        self.branches = {branch: characters.copy() for branch, characters in state.items()}
        if self.made_in.get(step) in self.branches:
            self.shown = self.made_in[step]
        elif self.shown not in self.branches:
            self.shown = next(iter(self.branches))

    ACTIONS = (
        *("type", "type", "type", "enter", "erase", "erase", "copy_or_cut", "copy_or_cut", "paste", "paste"),
        *("paste_foreign", "compose", "compose", "correct", "drag", "drag", "drop_foreign", "replace_all", "generate"),
        *("undo", "undo", "undo", "redo", "redo", "save"),
    )

    def do_something(self) -> str:
        name = self.chance.choice(self.ACTIONS) if len(self.list) < 400 else "undo"
        place = self.shown
        getattr(self, name)()
        step = self.model.history.current
        if name not in ("undo", "redo"):
            self.made_in.setdefault(step, place)
        self.states[step] = self._copied()
        return name

    def compare(self, name: str) -> None:
        model, page = self.model, self.kit.view.document()
        assert (model.current, set(model.tree.branches)) == (self.shown, set(self.branches)), name
        for branch, characters in self.branches.items():
            passages = model.passages(branch=branch)
            found = [(character, passage.origin.kind) for passage in passages for character in passage.text]
            assert found == characters, (name, branch)
            self.compared += len(found)
        assert self.kit.text == "".join(character for character, _ in self.list), name
        assert problems(model) == [], name
        can_do = [self.kit.window.actions_by_name[step].isEnabled() for step in ("undo", "redo")]
        assert can_do == [model.history.can_undo, model.history.can_redo], name
        assert page.isModified() == ((model.history.current, self.shown) != self.saved), name
