"""The Statistics tab: counts in three ways, who wrote how much, this session, the goals, the last days.

Knows: figures handed to it. Must not know: the text, clocks, files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QProgressBar,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from desktop_app.document.statistics import IDLE_S, Tally
from desktop_app.look.theme import Theme
from desktop_app.panels.figures_drawn import DayBars, ShareBar

if TYPE_CHECKING:  # its tables of characters can wait for the first picture
    from desktop_app.document.counting import Counts

SESSION, DAY, DOCUMENT = "session", "day", "document"
GOALS = (SESSION, DAY, DOCUMENT)
_MOST_WORDS = 1_000_000
_STEP = 100


@dataclass(frozen=True)
class Figures:
    """All that the tab shows. `seconds` of writing; `days`: words of the last days, today the last."""

    counts: Counts
    text: Tally
    session: Tally
    session_seconds: float
    today: Tally
    today_seconds: float
    days: Sequence[Tally]
    goals: Mapping[str, int]


class StatisticsPanel(QWidget):
    """`show_figures` fills it; `goal_chosen` says which goal became how many words (0: none)."""

    goal_chosen = Signal(str, int)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._figures: Figures | None = None
        self._headings = [self._label("heading") for _ in range(5)]
        self._names: list[QLabel] = []
        self._values: list[QLabel] = []
        self._share, self._days = ShareBar(theme, self), DayBars(theme, self)
        self._share_words, self._session_words, self._days_words = (self._label("soft") for _ in range(3))
        self._goal_names = {goal: QLabel(self) for goal in GOALS}
        self._spins = {goal: self._spin(goal) for goal in GOALS}
        self._bars = {goal: self._bar() for goal in GOALS}
        self._bar_words = {goal: self._label("soft") for goal in GOALS}
        self._lay_out()
        self.retranslate_ui()

    def show_figures(self, figures: Figures) -> None:
        """These are so now."""
        self._figures = figures
        for goal in GOALS:
            self._spins[goal].blockSignals(True)
            if not self._spins[goal].hasFocus():
                self._spins[goal].setValue(figures.goals.get(goal, 0))
            self._spins[goal].blockSignals(False)
        self._share.show_tally(figures.text)
        self._days.show_days(figures.days)
        self._show_words()

    # ---- words ------------------------------------------------------------------------------------------------

    def retranslate_ui(self) -> None:
        """Take the words of the present language."""
        words = (self.tr("This text"), self.tr("Who wrote it"), self.tr("This session"), self.tr("Goals in words"))
        for heading, title in zip(self._headings, (*words, self.tr("The last 14 days")), strict=True):
            heading.setText(title)
        names = (
            self.tr("Chinese characters"),
            self.tr("with punctuation"),
            self.tr("Words of other scripts"),
            self.tr("Both together"),
            self.tr("All characters but spaces"),
        )
        for label, name in zip(self._names, names, strict=True):
            label.setText(name)
        goals = {SESSION: self.tr("Session"), DAY: self.tr("Day"), DOCUMENT: self.tr("This text")}
        for goal, name in goals.items():
            self._goal_names[goal].setText(name)
            self._spins[goal].setSpecialValueText(self.tr("none"))
            self._spins[goal].setAccessibleName(self.tr("Goal: {name}").format(name=name))
        self._session_words.setToolTip(
            self.tr("A pause of more than {seconds} seconds is not counted.").format(seconds=round(IDLE_S))
        )
        self._show_words()

    def _show_words(self) -> None:
        figures = self._figures
        if figures is None:
            return
        counts = figures.counts
        shown = (counts.chinese, counts.chinese_with_punctuation, counts.latin_words, counts.words, counts.characters)
        for label, value in zip(self._values, shown, strict=True):
            label.setText(f"{value:,}")
        self._share_words.setText(self._by_whom(figures.text))
        minutes = self._time(figures.session_seconds)
        self._session_words.setText(minutes + "\n" + self._by_whom(figures.session))
        self._days_words.setText(
            self.tr("Today: {time}").format(time=self._time(figures.today_seconds))
            + "\n"
            + self._by_whom(figures.today)
        )
        self._share.setAccessibleName(self._share_words.text())
        self._days.setAccessibleName(self._days_words.text())
        done = {SESSION: figures.session.human, DAY: figures.today.human, DOCUMENT: figures.text.total}
        for goal in GOALS:
            self._show_goal(goal, max(0, done[goal]), figures.goals.get(goal, 0))

    def _show_goal(self, goal: str, done: int, wanted: int) -> None:
        bar, words = self._bars[goal], self._bar_words[goal]
        bar.setVisible(wanted > 0)
        words.setVisible(wanted > 0)
        bar.setRange(0, max(1, wanted))
        bar.setValue(min(done, wanted))
        reached = self.tr("reached: {done} of {wanted}") if done >= wanted else self.tr("{done} of {wanted}")
        words.setText(reached.format(done=f"{done:,}", wanted=f"{wanted:,}"))

    def _by_whom(self, tally: Tally) -> str:
        human = self.tr("{count} words by you").format(count=f"{tally.human:,}")
        return human + " · " + self.tr("{count} by the model").format(count=f"{tally.model:,}")

    def _time(self, seconds: float) -> str:
        hours, minutes = divmod(int(seconds) // 60, 60)
        if hours:
            return self.tr("{hours} h {minutes} min of writing").format(hours=hours, minutes=minutes)
        return self.tr("{minutes} min of writing").format(minutes=minutes)

    def changeEvent(self, event: QEvent) -> None:
        """Follow the language."""
        if event.type() == QEvent.Type.LanguageChange:
            self.retranslate_ui()
        super().changeEvent(event)

    # ---- widgets ----------------------------------------------------------------------------------------------

    def _label(self, kind: str = "") -> QLabel:
        label = QLabel(self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        if kind:
            label.setProperty(kind, True)
        return label

    def _spin(self, goal: str) -> QSpinBox:
        spin = QSpinBox(self)
        spin.setRange(0, _MOST_WORDS)
        spin.setSingleStep(_STEP)
        spin.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        spin.setGroupSeparatorShown(True)
        spin.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        spin.setKeyboardTracking(False)
        spin.valueChanged.connect(lambda words: self.goal_chosen.emit(goal, words))
        return spin

    def _bar(self) -> QProgressBar:
        bar = QProgressBar(self)
        bar.setTextVisible(False)
        bar.hide()
        return bar

    def _lay_out(self) -> None:
        inside = QWidget(self)
        column = QVBoxLayout(inside)
        column.setContentsMargins(18, 14, 18, 18)
        column.setSpacing(8)
        sections: tuple[tuple[QWidget | QLayout, ...], ...] = (
            (self._counts_grid(),),
            (self._share, self._share_words),
            (self._session_words,),
            (self._goals_grid(),),
            (self._days, self._days_words),
        )
        for heading, parts in zip(self._headings, sections, strict=True):
            if heading is not self._headings[0]:
                column.addSpacing(12)
            column.addWidget(heading)
            for part in parts:
                if isinstance(part, QWidget):
                    column.addWidget(part)
                else:
                    column.addLayout(part)
        column.addStretch(1)
        area = QScrollArea(self)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(area)

    def _counts_grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(0, 1)
        for row in range(5):
            name, value = self._label(), self._label()
            value.setWordWrap(False)
            value.setAlignment(Qt.AlignmentFlag.AlignRight)
            self._names.append(name)
            self._values.append(value)
            grid.addWidget(name, row, 0)
            grid.addWidget(value, row, 1)
        return grid

    def _goals_grid(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(0, 1)
        for index, goal in enumerate(GOALS):
            grid.addWidget(self._goal_names[goal], 3 * index, 0)
            grid.addWidget(self._spins[goal], 3 * index, 1)
            grid.addWidget(self._bars[goal], 3 * index + 1, 0, 1, 2)
            grid.addWidget(self._bar_words[goal], 3 * index + 2, 0, 1, 2)
        return grid
