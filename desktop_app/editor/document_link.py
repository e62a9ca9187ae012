"""Keeps the page's QTextDocument and the document model the same text, whoever changes it, and origins right.

    a key that Qt handles → contentsChange → model        (typed, or taken out)
    paste, drop, input method, replace, generation, undo, another branch → model → QTextDocument

The model owns undo: Qt's is switched off, since Qt knows one text and no origins. What a person does through Qt arrives
as one exact change. Everything whose text Qt would report blurred (several changes in one edit block, a composition,
which counts as a change of its whole paragraph) goes to the model first and from there to the page.

Positions here are Qt's, UTF-16 code units. Knows: one QTextDocument, the model. Must not know: widgets, the engine,
files, how an origin is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QTextCursor, QTextDocument

from desktop_app.document.change_log import JOINED, RECORD
from desktop_app.document.history import BEGINNING, DELETING, TYPING
from desktop_app.document.model import Document, TextEdit
from desktop_app.document.origins import GENERATED, TYPED, Origin, Passage, Record
from desktop_app.document.text_as_document import (
    AS_FOUND,
    document_of_text,
    state_with_text,
    take_text,
    without_common_ends,
)
from desktop_app.editor.text_units import for_qt, lines_of, units_of_text

BY_HAND = Origin(TYPED)
_HALF = re.compile("[\ud800-\udfff]")  # of a character
State = tuple[int, int]  # the step that was done last, and the branch that is shown
_NOWHERE = (-1, -1)  # no state is the saved one any more


class Piece(NamedTuple):
    """A part of the page's text that has one origin."""

    start: int
    end: int
    origin: Origin


class DocumentLink(QObject):
    """`model` is the document behind the page. The page's text is changed by Qt itself or by this class alone."""

    steps_changed = Signal()  # what can be undone and redone
    caret_wanted = Signal(int)  # the place of an undo, a redo or another branch

    def __init__(self, page: QTextDocument) -> None:
        super().__init__(page)
        self._page = page
        self.model = Document()
        self._applying_depth = 0  # above 0, what the page reports is our own doing
        self._block: QTextCursor | None = None  # open while the page changes by our hand
        self._is_page_ahead = False  # what the model reports came from the page
        self._is_exact = False
        self._saved: State = (BEGINNING, self.model.current)
        self._kept_records: frozenset[str] = frozenset()  # those that the file written last tells something of
        self._last_edit_end: int | None = None
        page.setUndoRedoEnabled(False)
        page.contentsChange.connect(self._on_change)
        page.modificationChanged.connect(self._on_modification)
        self._listen()

    # ---- another document -------------------------------------------------------------------------------------

    def start_anew(self, text: str, generated: Sequence[tuple[int, int]] = ()) -> None:
        """Show a text without a past. `generated`: (start, end) of what the model wrote, by records that are lost."""
        with self._applying():
            self._page.setPlainText(for_qt(text))
        self._take(document_of_text(text_of_page(self._page), generated))

    def show(self, model: Document) -> None:
        """Show a document with its branches and its past, as a store gave it back."""
        text = model.text()
        with self._applying():
            self._page.setPlainText(for_qt(text))
        found = text_of_page(self._page)
        if found != text and found != _HALF.sub("", text):  # the page holds halves; the binding hands none over
            self._show_as_can_be(model, text, found)
        self._take(model)

    def _show_as_can_be(self, model: Document, text: str, found: str) -> None:
        """The text holds characters that a page has no place for, of another program: the page's text is the text.

        The steps go, since undoing them would put those characters onto the page again.
        """
        with self._applying():
            self._page.setPlainText(for_qt(found))
        first, last, shown = without_common_ends(text, found)
        model.replace(first, last, (Passage(shown, AS_FOUND),), "opening")
        model.forget_past()

    def _take(self, model: Document) -> None:
        self.model.on_edit.clear()
        self.model.on_switch.clear()
        self.model = model
        self._listen()
        self._page.setModified(False)
        self._saved, self._kept_records = self._state, frozenset()
        model.close_step()
        self.steps_changed.emit()

    def _listen(self) -> None:
        self.model.on_edit.append(self._show_edit)
        self.model.on_switch.append(self._show_branch)

    # ---- reading ----------------------------------------------------------------------------------------------

    @property
    def _state(self) -> State:
        return self.model.history.current, self.model.current

    def pieces(self, start: int, end: int) -> list[Piece]:
        """The origins of a part of the page."""
        found: list[Piece] = []
        first = self.model.position_at(start)
        at = self.model.unit_at(first)
        for span in self.model.spans(first, self._end_position(end)):
            origin = self.model.origins[span.origin]
            if found and found[-1].origin == origin:
                found[-1] = found[-1]._replace(end=at + span.units)
            else:
                found.append(Piece(at, at + span.units, origin))
            at += span.units
        return found

    def passages(self, start: int, end: int) -> tuple[Passage, ...]:
        """A part of the page with its origins, for the clipboard."""
        return self.model.passages(self.model.position_at(start), self._end_position(end))

    def generated_spans(self) -> tuple[tuple[int, int], ...]:
        """(start, end) of what the model wrote, none over the end of a paragraph: what a plain store can keep."""
        model, found = self.model, list[tuple[int, int]]()
        by_model = {at for at in range(len(model.origins)) if model.origins[at].kind == GENERATED}
        at = 0
        for start, length, origin, units in model.spans():
            if origin in by_model:
                text = model.buffer.read(start, length)
                for first, last in lines_of(at, text) if "\n" in text else ((at, at + units),):
                    if found and found[-1][1] == first:
                        first = found.pop()[0]
                    found.append((first, last))
            at += units
        return tuple(found)

    # ---- changing ---------------------------------------------------------------------------------------------

    def replace(self, start: int, end: int, passages: Sequence[Passage], kind: str, joins: int = 0) -> int:
        """Replace a part of the page; returns the step. `joins`: a step that this goes on with, if it is the last."""
        first, last = self.model.position_at(start), self._end_position(end)
        with self._applying():
            step = self.model.replace(first, last, passages, kind, joins=joins)
        self.steps_changed.emit()
        return step

    def type_over(self, start: int, end: int, text: str) -> int:
        """What a person types in place of a part of the page; returns where it ends."""
        if "\n" in text:
            self.model.close_step()
        self.replace(start, end, (Passage(text, BY_HAND),) if text else (), TYPING if text else DELETING)
        return start + units_of_text(text)

    @contextmanager
    def step(self, kind: str) -> Iterator[None]:
        """All changes inside are one step of undo, and one change for who listens to the page."""
        before = self._state
        with self._applying(), self.model.step(kind):
            yield
        if self._state != before:
            self.tell_whether_saved()  # Qt hears of no fork, and of no cut
        self.steps_changed.emit()

    def declare_unsaved(self) -> None:
        """Something is not in the file that no undo takes back: the text came from elsewhere, or has another title."""
        self._saved = _NOWHERE
        self.tell_whether_saved()

    def saved_at(self, step: int) -> None:
        """The page shows what is not saved, and `step` is the last one that is: undo may lead back there."""
        self._saved = (step, self.model.current)
        self.tell_whether_saved()

    def is_written(self, copy: Document, keeps_records: bool, is_whole: bool = True) -> None:
        """The file holds the document as it was in `copy`. The page may have gone on while it was written.

        Saved is that state, wherever undo and redo lead to it, with the same branch on the page; no state is, where its
        step has grown since, or something beside the text has changed (`is_whole` is false).
        """
        step = copy.history.current
        since = self.model.log.since(copy.log.revision) if self.model.lineage is copy.lineage else None
        is_there = is_whole and since is not None
        self._kept_records = copy.origins.known_records() if keeps_records else frozenset()
        for entry in since or ():
            has_grown = entry.kind == JOINED and entry.step == step
            is_told_anew = entry.kind == RECORD and entry.record in self._kept_records
            is_there = is_there and not has_grown and not is_told_anew
        self._saved = (step, copy.current) if is_there else _NOWHERE
        self.tell_whether_saved()

    def tell_whether_saved(self) -> None:
        """Qt takes some things for a change that are none, as a composition that is on the page alone."""
        self._page.setModified(self._state != self._saved)

    def become(self, text: str, kind: str, was_here: bool = False) -> None:
        """The page's text becomes another one, as one step; what both have in common keeps its origins.

        `was_here`: it is an earlier text of this document, and where a step still knows it, all of it has its origins.
        """
        text = text_on_page(text)
        earlier = state_with_text(self.model, text) if was_here else None
        with self._applying():
            if earlier is not None:
                take_text(self.model, earlier, kind)
            else:
                take_text(self.model, document_of_text(text), kind, is_origin_known=False)
        self.steps_changed.emit()

    def set_record(self, record: str, says: Record) -> None:
        """What the record of a generation says. It may be known after its words, which are in the file by then."""
        self.model.set_record(record, says)
        if record in self._kept_records:
            self.declare_unsaved()

    def undo(self) -> None:
        """Take the last step back."""
        self._walk(self.model.undo)

    def redo(self) -> None:
        """Do the step again that was undone last."""
        self._walk(self.model.redo)

    def _walk(self, go: Callable[[], object]) -> None:
        self._last_edit_end = None
        with self._applying():
            go()
        self.tell_whether_saved()
        self.steps_changed.emit()
        self._tell_caret()

    def _tell_caret(self) -> None:
        if self._last_edit_end is not None:
            self.caret_wanted.emit(self._last_edit_end)

    @contextmanager
    def exactly(self) -> Iterator[None]:
        """What Qt reports meanwhile is one change and no blur: all of it was done by the person now."""
        self._is_exact = True
        try:
            yield
        finally:
            self._is_exact = False

    # ---- from Qt to the model ---------------------------------------------------------------------------------

    def _on_change(self, start: int, removed: int, added: int) -> None:
        if self._applying_depth:
            return
        before, now = self.model.units(), self._page.characterCount() - 1  # Qt counts the end of the last paragraph
        removed, added = min(removed, before - start), min(added, now - start)
        if before - removed + added != now:
            start, removed, added = 0, before, now
        first, last, end = self.model.position_at(start), self._end_position(start + removed), start + added
        # A change inside a character is one of the whole character.
        end += self.model.unit_at(last) - (start + removed)
        start = self.model.unit_at(first)
        text = self._read(start, end)
        if not self._is_exact and first < last and text:
            start, end, text = without_common_ends(self.model.text(first, last), text)
            first, last = first + start, first + end
        elif self._is_exact and first < last and text == self.model.text(first, last):
            return
        if first == last and not text:
            return
        if "\n" in text:
            self.model.close_step()
        self._is_page_ahead = True
        try:
            self.model.replace(first, last, (Passage(text, BY_HAND),), TYPING if text else DELETING)
        finally:
            self._is_page_ahead = False
        self.steps_changed.emit()

    def _read(self, start: int, end: int) -> str:
        cursor = QTextCursor(self._page)
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        text = cursor.selectedText().replace("\u2029", "\n")
        if units_of_text(text) == end - start:
            return text
        # Half a character stands there, which the binding cannot hand over: the page gets a sign for it.
        text = "".join(self._unit(cursor, at) for at in range(start, end))
        with self._applying():
            cursor.setPosition(start)
            cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
            cursor.insertText(for_qt(text))
        return text

    def _unit(self, cursor: QTextCursor, at: int) -> str:
        cursor.setPosition(at)
        cursor.setPosition(at + 1, QTextCursor.MoveMode.KeepAnchor)
        return cursor.selectedText().replace("\u2029", "\n") or "\ufffd"

    # ---- from the model to Qt ---------------------------------------------------------------------------------

    def _show_edit(self, edit: TextEdit) -> None:
        if edit.branch != self.model.current:
            return
        self._last_edit_end = edit.position_units + units_of_text(edit.text)
        if self._is_page_ahead:
            return
        cursor = self._cursor()
        cursor.setPosition(edit.position_units)
        cursor.setPosition(edit.position_units + edit.removed_units, QTextCursor.MoveMode.KeepAnchor)
        if edit.text:
            cursor.insertText(for_qt(edit.text))
        else:
            cursor.removeSelectedText()

    def _show_branch(self, _branch: int) -> None:
        before, after = text_of_page(self._page), self.model.text()
        first, last, text = without_common_ends(before, after)
        with self._applying():
            cursor = self._cursor()
            cursor.setPosition(units_of_text(before[:first]))
            cursor.setPosition(units_of_text(before[:last]), QTextCursor.MoveMode.KeepAnchor)
            cursor.insertText(for_qt(text))
        self._last_edit_end = cursor.position()
        if not self._applying_depth:
            self.tell_whether_saved()

    @contextmanager
    def _applying(self) -> Iterator[None]:
        """Changes of the page inside are ours; who listens to the page hears of them at the end, as of one."""
        self._applying_depth += 1
        try:
            yield
        finally:
            if self._applying_depth == 1 and self._block is not None:
                self._block.endEditBlock()
                self._block = None
            self._applying_depth -= 1

    def _cursor(self) -> QTextCursor:
        """To change the page with. The first one opens the block: to Qt, an empty block is a change of the page too."""
        if self._block is None:
            self._block = QTextCursor(self._page)
            self._block.beginEditBlock()
        return QTextCursor(self._page)

    def _on_modification(self, is_modified: bool) -> None:
        """The page was saved: undo may lead back to its present state."""
        if not is_modified:
            self._saved = self._state
            self.model.close_step()

    def _end_position(self, end: int) -> int:
        """The position of `end`; behind the character that it cuts."""
        position = self.model.position_at(end)
        return position + (self.model.unit_at(position) < end)


def text_on_page(text: str) -> str:
    """The text as a page would hold it: it has no place for some characters of other programs."""
    page = QTextDocument()
    page.setPlainText(for_qt(text))
    return text_of_page(page)


def text_of_page(page: QTextDocument) -> str:
    """The text that a page holds, lines ending in LF. (`toPlainText` would turn no-break spaces into spaces.)"""
    return page.toRawText().replace("\u2029", "\n")
