"""From the page to the Statistics tab: counts, the session's clock, days and goals, kept a while after they change.

    page counts ──> tally ──> Session ──> History ──> Disk (at most every ten seconds, and at the end)
    caret, keys ──> touch ──> Session

Knows: the parts by their face. Must not know: how a figure is shown or counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from desktop_app.document.errors import DocumentError
from desktop_app.document.statistics import Day, History, Session, Tally
from desktop_app.document.statistics_store import StatisticsStore, document_key
from desktop_app.open_texts.tab import Tab
from desktop_app.open_texts.tabs import Tabs
from desktop_app.panels.statistics_panel import DAY, DOCUMENT, SESSION, Figures, StatisticsPanel
from desktop_app.services.error_words import words_for
from desktop_app.settings_in_use import SettingsInUse

if TYPE_CHECKING:
    from desktop_app.document.counting import Counts

SAVE_AFTER_MS = 10_000
SHOWN_DAYS = 14


class StatisticsControl(QObject):
    """Shows the text in front and counts what is written in any. `store` None: nothing is kept beyond this session."""

    told = Signal(str)

    def __init__(
        self,
        panel: StatisticsPanel,
        tabs: Tabs,
        settings: SettingsInUse,
        store: StatisticsStore | None,
        parent: QObject | None = None,
        clock: Callable[[], float] = time.monotonic,
        today: Callable[[], date] = date.today,
    ) -> None:
        super().__init__(parent)
        self._panel, self._tabs, self._settings, self._store = panel, tabs, settings, store
        self._clock, self._today = clock, today
        self._session = Session()
        self._history = store.load() if store is not None else History()
        self._counts: Counts | None = None
        self._tally = Tally()
        self._has_failed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SAVE_AFTER_MS)
        self._timer.timeout.connect(self.save)
        tabs.shown_anew.connect(self._start_text)
        tabs.closed.connect(lambda tab: self._session.start_text(text=tab.document.key))
        tabs.touched.connect(lambda _tab: self.touch())
        tabs.current_changed.connect(self._show_tab)
        tabs.made.connect(self._follow)
        for tab in tabs.all:
            self._follow(tab)
        panel.goal_chosen.connect(self._choose_goal)

    def touch(self) -> None:
        """The text was worked on."""
        self._add(self._session.touch(self._clock()))

    def take(self, tab: Tab, counts: Counts, model: Counts) -> None:
        """A page holds so much now, and so much of it the model wrote."""
        self._add(self._session.look(_tally_of(counts, model), tab.document.key))
        self._show_tab(self._tabs.current)

    def save(self) -> None:
        """Write what is not written yet; a failure is said once and stops nothing."""
        self._timer.stop()
        if self._store is None:
            return
        try:
            self._store.save(self._history)
        except DocumentError as error:
            if not self._has_failed:
                self._has_failed = True
                self.told.emit(words_for(error))

    # ---- inside -----------------------------------------------------------------------------------------------

    def _follow(self, tab: Tab) -> None:
        tab.counts.changed.connect(lambda counts, model: self.take(tab, counts, model))

    def _start_text(self, tab: Tab) -> None:
        """An empty page has no words yet; of another the first count says what was there before."""
        before = Tally() if tab.view.document().isEmpty() else None
        self._session.start_text(before, tab.document.key)

    def _show_tab(self, tab: Tab) -> None:
        if tab.counts.latest is not None:
            counts, model = tab.counts.latest
            self._counts, self._tally = counts, _tally_of(counts, model)
            self._show()

    def _add(self, added: Day) -> None:
        if added != Day():
            self._history = self._history.with_added(self._today().isoformat(), added)
            if not self._timer.isActive():
                self._timer.start()

    def _choose_goal(self, goal: str, words: int) -> None:
        if goal == SESSION:
            self._settings.change(goal_session=words)
        elif goal == DAY:
            self._settings.change(goal_day=words)
        else:
            self._history = self._history.with_goal(document_key(self._tabs.current.document.path), words)
            self._timer.start()
        self._show()

    def _show(self) -> None:
        if self._counts is None:
            return
        values, days, today = self._settings.values, self._history.days, self._today()
        shown = [today - timedelta(days=back) for back in range(SHOWN_DAYS - 1, -1, -1)]
        now = days.get(today.isoformat(), Day())
        self._panel.show_figures(
            Figures(
                counts=self._counts,
                text=self._tally,
                session=self._session.words,
                session_seconds=self._session.seconds,
                today=now.words,
                today_seconds=now.seconds,
                days=[days.get(day.isoformat(), Day()).words for day in shown],
                goals={
                    SESSION: values.goal_session,
                    DAY: values.goal_day,
                    DOCUMENT: self._history.document_goals.get(document_key(self._tabs.current.document.path), 0),
                },
            )
        )


def _tally_of(counts: Counts, model: Counts) -> Tally:
    return Tally(max(0, counts.words - model.words), model.words)
