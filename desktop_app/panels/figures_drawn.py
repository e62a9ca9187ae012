"""Small drawings of figures: who wrote how much, a goal, the last days. Pattern as well as colour tells them apart.

Knows: numbers and the theme's colours. Must not know: where the numbers come from.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop_app.document.statistics import Tally
from desktop_app.look.theme import Theme

_SHARE_HEIGHT, _DAYS_HEIGHT = 10, 72
_GAP = 3.0


class _Drawing(QWidget):
    def __init__(self, theme: Theme, height: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._height = theme, height
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self._renew)

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(120, self._height)

    def _renew(self) -> None:  # a method of ours: the theme outlives the window and must not hold it
        self.update()

    def _human(self) -> QBrush:
        return QBrush(QColor(self._theme.tokens.control))

    def _model(self, painter: QPainter, area: QRectF) -> None:
        """The model's share: its green, and hatched."""
        painter.fillRect(area, QColor(self._theme.tokens.desk))
        painter.fillRect(area, QBrush(QColor(self._theme.tokens.generated), Qt.BrushStyle.Dense3Pattern))


class ShareBar(_Drawing):
    """One bar: the person's words from the left, the model's behind them."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, _SHARE_HEIGHT, parent)
        self._tally = Tally()

    def show_tally(self, tally: Tally) -> None:
        """Draw these."""
        self._tally = tally
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """An empty text is a line."""
        painter = QPainter(self)
        width, height = float(self.width()), float(self.height())
        total = max(0, self._tally.human) + max(0, self._tally.model)
        painter.fillRect(QRectF(0, height / 2 - 1, width, 2), QColor(self._theme.tokens.line))
        if total:
            human = width * max(0, self._tally.human) / total
            painter.fillRect(QRectF(0, 0, human, height), self._human())
            if human < width:
                self._model(painter, QRectF(human, 0, width - human, height))
        painter.end()


class DayBars(_Drawing):
    """One column a day, the latest on the right."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, _DAYS_HEIGHT, parent)
        self._days: Sequence[Tally] = ()

    def show_days(self, days: Sequence[Tally]) -> None:
        """Draw these."""
        self._days = days
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Days below zero are drawn as nothing: more was deleted than written."""
        painter = QPainter(self)
        width, height = float(self.width()), float(self.height() - 2)
        painter.fillRect(QRectF(0, height, width, 1), QColor(self._theme.tokens.line))
        most = max((max(0, day.human) + max(0, day.model) for day in self._days), default=0)
        step = width / max(1, len(self._days))
        for index, day in enumerate(self._days):
            human = height * max(0, day.human) / most if most else 0.0
            model = height * max(0, day.model) / most if most else 0.0
            left = index * step + _GAP / 2
            painter.fillRect(QRectF(left, height - human, step - _GAP, human), self._human())
            if model:
                self._model(painter, QRectF(left, height - human - model, step - _GAP, model))
        painter.end()
