"""The quiet line below the page: what is going on, device, speed, context, counts.

Knows: how to put figures in words. Must not know: where they come from.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

HEIGHT = 30
SPACING = 20
SIDE = 14
MESSAGE_MS = 12_000


class _ElidedLabel(QLabel):
    """One line that ends in … where there is no room; a long message never widens the window."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the words, cut at the end."""
        painter = QPainter(self)
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), shown)


class StatusLine(QWidget):
    """`say` shows a message for a while; the `set_` methods fill the figures."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("statusLine")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEIGHT)
        self._state = ""
        self._message = ""
        self._words = _ElidedLabel(self)
        self._device, self._speed, self._context, self._counts = (self._label() for _ in range(4))
        self._counts_shown: tuple[int, int] = (0, 0)
        self._speed_shown: float | None = None
        self._context_shown: tuple[int, int] | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(SIDE, 0, SIDE, 1)
        row.setSpacing(SPACING)
        row.addWidget(self._words, 1)
        for label in (self._device, self._speed, self._context, self._counts):
            row.addWidget(label)
        self._until = QTimer(self)
        self._until.setSingleShot(True)
        self._until.timeout.connect(self.clear_message)
        self.retranslate_ui()

    @property
    def message(self) -> str:
        """What is said at the moment."""
        return self._words.text()

    @property
    def figures_text(self) -> str:
        """The figures that are shown beside it."""
        labels = (self._device, self._speed, self._context, self._counts)
        return "  ".join(label.text() for label in labels if not label.isHidden())

    def say(self, message: str, stays: bool = False) -> None:
        """Show one message; it goes after a while unless it `stays`."""
        self._message = message
        self._show()
        self._until.stop()
        if not stays:
            self._until.start(MESSAGE_MS)

    def clear_message(self) -> None:
        """Go back to the state."""
        self._message = ""
        self._until.stop()
        self._show()

    def set_state(self, words: str) -> None:
        """What goes on when there is nothing to say."""
        self._state = words
        self._show()

    def set_device(self, words: str) -> None:
        """Where the model runs."""
        self._device.setText(words)
        self._make_room()

    def set_speed(self, tokens_per_second: float | None) -> None:
        """How fast the last generation was; None: not known."""
        self._speed_shown = tokens_per_second
        self._speed.setText(
            "" if not tokens_per_second else self.tr("{speed} tokens/s").format(speed=f"{tokens_per_second:.0f}")
        )
        self._make_room()

    def set_context(self, used: int, total: int) -> None:
        """How much of the model's context the last request filled."""
        self._context_shown = (used, total)
        self._context.setText(self.tr("context {used} / {total}").format(used=f"{used:,}", total=f"{total:,}"))
        self._make_room()

    def clear_context(self) -> None:
        """Nothing is known of a context: no model is open, or it has not read anything yet."""
        self._context_shown = None
        self._context.setText("")
        self._make_room()

    def set_counts(self, chinese: int, words: int) -> None:
        """Chinese characters and words of the text."""
        self._counts_shown = (chinese, words)
        parts = []
        if chinese:
            parts.append(self.tr("{count} Chinese characters").format(count=f"{chinese:,}"))
        if words or not chinese:
            one = self.tr("{count} word") if words == 1 else self.tr("{count} words")
            parts.append(one.format(count=f"{words:,}"))
        self._counts.setText(" · ".join(parts))
        self._make_room()

    def retranslate_ui(self) -> None:
        """Take the words of the present language; a message was said in the old one and goes."""
        self.set_counts(*self._counts_shown)
        self.set_speed(self._speed_shown)
        if self._context_shown is not None:
            self.set_context(*self._context_shown)
        self._words.setAccessibleName(self.tr("Status"))
        self._counts.setToolTip(self.tr("Chinese characters without punctuation, and words of other scripts"))

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate_ui()
        super().changeEvent(event)

    def _show(self) -> None:
        text = self._message or self._state
        self._words.setText(text)
        self._words.setToolTip(text)
        self._words.setProperty("attention", bool(self._message))
        self._words.style().unpolish(self._words)
        self._words.style().polish(self._words)
        self._make_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A narrower line has less room for figures."""
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """Figures step back, the least needed first, where they or a message would be cut."""
        room = self.width() - 2 * SIDE
        needed = self._words.fontMetrics().horizontalAdvance(self._words.text()) + 1 if self._message else 0
        for label in (self._counts, self._context, self._speed, self._device):
            needed += label.sizeHint().width() + SPACING
            label.setVisible(bool(label.text()) and needed <= room)

    def _label(self) -> QLabel:
        label = QLabel(self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        return label
