"""The editor: a plain-text page that is typed in, streamed into, scrolled and dropped on.

Typing, selection, input methods and accessibility are `QPlainTextEdit`'s own. Added here: the page layout, the drawing
around the letters, a caret that takes the accent while the model writes, dropped files; and the document model behind
the page (`link`), which owns undo and knows where every character came from.

Knows: one document and how it looks. Must not know: the language model, files, settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QEvent, QMimeData, QPoint, QRect, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QFont,
    QInputMethodEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QTextCursor,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QApplication, QFrame, QPlainTextEdit, QWidget

from desktop_app.document.model import Document
from desktop_app.editor.document_link import DocumentLink, text_of_page
from desktop_app.editor.origin_marks import DEFAULT_MARKS, NO_MARKS, OriginMarks
from desktop_app.editor.page_edits import PageEdits
from desktop_app.editor.page_layout import PageLayout, em_of, page_geometry
from desktop_app.editor.painting import (
    PlacedBlock,
    paint_page,
    paint_ranges,
    selection_range,
)
from desktop_app.editor.scripts import is_mostly_chinese
from desktop_app.editor.spelling_marks import SpellingMarks
from desktop_app.look.tokens import Tokens

_DESK_ABOVE_PAGE = 18.0
_CARET_WIDTH = 2
_BELOW_MARKS = QPoint(0, 6)  # a menu that a key opens leaves the word's mark to be seen
_SCRIPT_DECIDED_AFTER = 200  # characters: from there on the column keeps its width while one types


class EditorView(QPlainTextEdit):
    """The page. `set_look` gives it colours and a font; `is_writing` says that the model writes at the moment."""

    zoom_asked = Signal(int)  # steps, up or down
    files_dropped = Signal(list)  # of str paths
    menu_asked = Signal(QPoint, int)  # global position, position in the text
    composition_started = Signal()
    line_refused = Signal()  # what was pasted or dropped has a line that is too long for a page
    steps_changed = Signal(bool, bool)  # whether there is something to undo, and to redo

    def __init__(self, tokens: Tokens, font: QFont, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tokens = tokens
        self._chinese_column = False
        self._is_writing = False
        self._caret_is_on = True
        self._caret_drawn = QRect()
        self._found: list[tuple[int, int]] = []
        document = self.document()
        self.link = DocumentLink(document)
        self.edits = PageEdits(self, self.link, self.line_refused.emit)
        self._marks = DEFAULT_MARKS
        self._origin_marks = OriginMarks()
        self.misspelt = SpellingMarks(lambda: self.viewport().update())
        document.setDocumentMargin(0)  # Qt clips the text at it; the page has margins of its own
        self._layout = PageLayout(document)
        document.setDocumentLayout(self._layout)
        document.setModified(False)
        self._caret_timer = QTimer(self)
        self._caret_timer.timeout.connect(self._blink)
        self._own_keys = (
            (QKeySequence.StandardKey.Undo, self.undo),
            (QKeySequence.StandardKey.Redo, self.redo),
            (QKeySequence.StandardKey.Cut, self.cut),
        )
        self._prepare_widget()
        self.set_look(tokens, font)
        self.cursorPositionChanged.connect(self._caret_moved)
        self.textChanged.connect(self._reconsider_column)
        self.link.caret_wanted.connect(self.edits.place_caret)
        self.link.steps_changed.connect(self._tell_steps)

    def _prepare_widget(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        # A viewport of our own making: to wrap Qt's, the binding would load every class of widgets there is.
        viewport = QWidget(self)
        viewport.setCursor(Qt.CursorShape.IBeamCursor)
        self.setViewport(viewport)
        self.viewport().setAutoFillBackground(False)
        # For the layout of Qt's own that the page throws away. Looking for the end of a word at every line takes the
        # square of its length, four minutes for a million letters; the page does it where the words are of some size.
        self.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setCursorWidth(0)  # Qt's caret is the inverse of the page; ours has a colour
        self.setAcceptDrops(True)
        self.viewport().setAcceptDrops(True)
        self.selectionChanged.connect(self.viewport().update)

    # ---- look -------------------------------------------------------------------------------------------------

    def set_look(self, tokens: Tokens, font: QFont) -> None:
        """Colours and font of the page, at any time."""
        self._tokens = tokens
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Text, QColor(tokens.ink))
        palette.setColor(QPalette.ColorRole.Base, QColor(tokens.paper))
        palette.setColor(QPalette.ColorRole.Highlight, QColor(0, 0, 0, 0))  # we paint the selection
        palette.setColor(QPalette.ColorRole.HighlightedText, QColor(tokens.ink))
        self.setPalette(palette)
        self.setFont(font)
        self._renew_page()

    @property
    def tokens(self) -> Tokens:
        """The present colours."""
        return self._tokens

    @property
    def page_layout(self) -> PageLayout:
        """The layout of the present document."""
        return self._layout

    def set_writing(self, is_writing: bool) -> None:
        """Show by the caret's colour that the model writes."""
        self._is_writing = is_writing
        self._caret_is_on = True
        self._update_caret()

    def set_marks(self, marks: str) -> None:
        """Which origins are shown under the text: a name of `origin_marks.MARKS`."""
        self._marks = marks
        self.viewport().update()

    def set_found(self, ranges: list[tuple[int, int]]) -> None:
        """Mark what the find bar found."""
        self._found = ranges
        self.viewport().update()

    def _renew_page(self) -> None:
        font, viewport = self.font(), self.viewport()
        em = em_of(font)
        self.setTabStopDistance(2 * em)
        # Qt is given the whole width, so a resize lays out again; the column is the layout's own affair.
        # The scroll bar's room is always kept, so that the page does not step aside when it comes.
        width = self.width() - self.verticalScrollBar().sizeHint().width()
        page = page_geometry(width, viewport.height(), em, self._chinese_column)
        top = self.verticalScrollBar().value()
        self._layout.set_page(page, font)
        self.verticalScrollBar().setValue(top)
        viewport.update()

    def _reconsider_column(self) -> None:
        if self.document().characterCount() > _SCRIPT_DECIDED_AFTER:
            return
        self.choose_column()

    def choose_column(self) -> None:
        """Set the width of the column by the script that most of the text is in."""
        chinese = is_mostly_chinese(self.text())
        if chinese != self._chinese_column:
            self._chinese_column = chinese
            self._renew_page()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A new width is a new page."""
        super().resizeEvent(event)
        self._renew_page()

    # ---- text -------------------------------------------------------------------------------------------------

    def load_text(self, text: str, generated: Sequence[tuple[int, int]] = ()) -> None:
        """Replace everything; the undo history starts anew. `generated`: what of it the model wrote, (start, end)."""
        self.link.start_anew(text, generated)
        self.moveCursor(QTextCursor.MoveOperation.Start)
        self.choose_column()

    def load_document(self, model: Document) -> None:
        """Show a document with its branches, origins and steps."""
        self.link.show(model)
        self.moveCursor(QTextCursor.MoveOperation.Start)
        self.choose_column()

    def text(self) -> str:
        """All of the text, lines ending in LF."""
        return text_of_page(self.document())

    def generated_spans(self) -> tuple[tuple[int, int], ...]:
        """(start, end) of what the model wrote, paragraph by paragraph."""
        return self.link.generated_spans()

    def text_before(self, position: int) -> str:
        """The text up to a position of the document."""
        cursor = QTextCursor(self.document())
        cursor.setPosition(position, QTextCursor.MoveMode.KeepAnchor)
        return cursor.selectedText().replace("\u2029", "\n")

    def character_at(self, position: int) -> str:
        """The character behind a position of the document (half of one beyond the first plane); "" at its end."""
        found = self.document().characterAt(position)
        return "" if position >= self.document().characterCount() - 1 else str(found)

    def leave_selection(self, position: int) -> None:
        """Select nothing and put the caret there; the page does not scroll. Without a selection nothing changes."""
        cursor = self.textCursor()
        if cursor.hasSelection():
            top = self.verticalScrollBar().value()
            cursor.setPosition(position)
            self.setTextCursor(cursor)
            self.verticalScrollBar().setValue(top)

    def is_composing(self) -> bool:
        """Whether an input method holds text that is not in the document yet."""
        return bool(self.textCursor().block().layout().preeditAreaText())

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Text, and files (which are opened, not inserted)."""
        return source.hasText() or source.hasUrls()

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Paste characters and where they came from, nothing else."""
        self.edits.put(source, *self.edits.selection)

    def createMimeDataFromSelection(self) -> QMimeData:
        """What copying, cutting and dragging take along."""
        return self.edits.selection_as_mime()

    def cut(self) -> None:
        """Take the selection onto the clipboard, as one step."""
        self.edits.cut()

    def undo(self) -> None:
        """Take the last step back."""
        self.link.undo()

    def redo(self) -> None:
        """Do again what was undone last."""
        self.link.redo()

    def _tell_steps(self) -> None:
        history = self.link.model.history
        self.steps_changed.emit(history.can_undo, history.can_redo)

    def _caret_moved(self) -> None:
        self._caret_is_on = True
        self._start_blinking()
        self._update_caret()

    # ---- keys and input methods -------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """During a composition every key belongs to the input method: no shortcut of ours may take it."""
        if event.type() == QEvent.Type.ShortcutOverride and self.is_composing():
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Undo and cut are the model's; typing over a selection is one exact change; all else is Qt's."""
        for key, act in self._own_keys:
            if event.matches(key):
                act()
                event.accept()
                return
        if self.edits.type_over_selection(event):
            event.accept()
            return
        with self.link.exactly():
            super().keyPressEvent(event)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        """Qt draws the composition. What it commits goes to the model first, which wants the exact place."""
        if event.preeditString() and not self.is_composing():
            self.composition_started.emit()
        super().inputMethodEvent(
            self.edits.compose(event, lambda: super(EditorView, self).inputMethodEvent(QInputMethodEvent()))
        )
        self.link.tell_whether_saved()  # nothing has changed where a composition only began, or was given up
        self.viewport().update()

    def inputMethodQuery(self, query: Qt.InputMethodQuery, argument: Any = None) -> Any:
        """The caret has no width for Qt; input methods place their window by a rectangle that must not be empty."""
        answer = super().inputMethodQuery(query) if argument is None else super().inputMethodQuery(query, argument)
        if query == Qt.InputMethodQuery.ImCursorRectangle and answer is not None:
            rectangle = QRectF(answer)
            rectangle.setWidth(_CARET_WIDTH)
            return rectangle
        return answer

    # ---- mouse, wheel, drops ----------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Ctrl and the wheel change the size of the text."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            steps = event.angleDelta().y()
            if steps:
                self.zoom_asked.emit(1 if steps > 0 else -1)
            event.accept()
            return
        super().wheelEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Qt moves the caret; it shows at once."""
        super().mousePressEvent(event)
        self._caret_is_on = True

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """The window shows its own menu."""
        by_keyboard = event.reason() == QContextMenuEvent.Reason.Keyboard
        cursor = self.textCursor() if by_keyboard else self.cursorForPosition(event.pos())
        place = (
            self.viewport().mapToGlobal(self.cursorRect().bottomLeft() + _BELOW_MARKS)
            if by_keyboard
            else event.globalPos()
        )
        self.menu_asked.emit(place, cursor.selectionStart() if by_keyboard else cursor.position())

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files are welcome anywhere."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()
            return
        super().dragEnterEvent(event)

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        """Files do not move the drop caret."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()
            return
        super().dragMoveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Files go to the window, text into the page."""
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.files_dropped.emit(paths)
            return
        super().dragLeaveEvent(QDragLeaveEvent())  # Qt shows no drop caret any more
        if event.mimeData().hasText():
            self.edits.drop(event, self.cursorForPosition(event.position().toPoint()).position())

    # ---- painting ---------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Desk, page and bands below Qt's letters; underline and caret above them."""
        blocks = self.visible_blocks(event.rect())
        painter = QPainter(self.viewport())
        painter.setClipRect(event.rect())
        paint_page(painter, self._tokens, self._layout, QRectF(self.viewport().rect()), self._paper_top())
        paint_ranges(painter, self._layout, blocks, self._found, QColor(self._tokens.found))
        selected = selection_range(self.textCursor())
        paint_ranges(painter, self._layout, blocks, selected, QColor(self._tokens.selection))
        painter.end()
        super().paintEvent(event)
        painter = QPainter(self.viewport())
        painter.setClipRect(event.rect())
        self._paint_origins(painter, blocks)
        self.misspelt.paint(painter, self._layout, blocks, self._tokens)
        self._paint_caret(painter)
        painter.end()

    def visible_blocks(self, area: QRect) -> list[PlacedBlock]:
        """The paragraphs that show something inside an area of the viewport."""
        found: list[PlacedBlock] = []
        block, top = self.firstVisibleBlock(), self.contentOffset().y()
        while block.isValid() and top <= area.bottom():
            below = top + self._layout.blockBoundingRect(block).height()
            if below >= area.top():
                found.append(PlacedBlock(block, top))
            top = below
            block = block.next()
        return found

    def _paint_origins(self, painter: QPainter, blocks: list[PlacedBlock]) -> None:
        if blocks and self._marks != NO_MARKS:
            end = blocks[-1].block.position() + blocks[-1].block.length()
            pieces = self.link.pieces(blocks[0].block.position(), end)
            self._origin_marks.paint(painter, self._layout, blocks, pieces, self._tokens, self._marks)

    def _paper_top(self) -> float:
        if self.firstVisibleBlock().blockNumber() > 0:
            return -_DESK_ABOVE_PAGE
        return self.contentOffset().y() + _DESK_ABOVE_PAGE

    def caret_rectangle(self) -> QRectF:
        """Where the caret is drawn, in the viewport."""
        line = QRectF(self.cursorRect())
        return QRectF(line.left() - _CARET_WIDTH / 2, line.top(), _CARET_WIDTH, line.height())

    def _paint_caret(self, painter: QPainter) -> None:
        if not self._caret_is_on or not (self.hasFocus() or self._is_writing):
            return
        colour = self._tokens.accent if self._is_writing else self._tokens.ink
        painter.fillRect(self.caret_rectangle(), QColor(colour))

    # ---- caret ------------------------------------------------------------------------------------------------

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The caret blinks while the page has the focus."""
        super().focusInEvent(event)
        self._caret_is_on = True
        self._start_blinking()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """And stands still without it."""
        super().focusOutEvent(event)
        self._caret_timer.stop()
        self._update_caret()

    def _start_blinking(self) -> None:
        flash_ms = QApplication.styleHints().cursorFlashTime()
        if flash_ms > 0 and self.hasFocus():
            self._caret_timer.start(flash_ms // 2)

    def _blink(self) -> None:
        self._caret_is_on = self._is_writing or not self._caret_is_on
        self._update_caret()

    def _update_caret(self) -> None:
        before, self._caret_drawn = self._caret_drawn, self.caret_rectangle().toAlignedRect().adjusted(-2, -2, 2, 2)
        self.viewport().update(before)
        self.viewport().update(self._caret_drawn)
