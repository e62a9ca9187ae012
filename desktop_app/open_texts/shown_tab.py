"""What bars, line and panels say about the text in front, and that they say it of the next one that comes there.

    tab in front → name, state, counts, steps of undo      a tab behind says what it does in its title alone

Knows: tabs, and what shows something about one. Must not know: files, the engine, how a thing is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject

from desktop_app.actions import Actions
from desktop_app.editor.continuation import IDLE, WAITING
from desktop_app.editor.find_bar import FindBar
from desktop_app.open_texts.tab import Tab
from desktop_app.open_texts.tabs import Tabs
from desktop_app.panels.model_panel import ModelPanel
from desktop_app.panels.status_line import StatusLine
from desktop_app.panels.top_bar import TopBar
from engine.contracts.generation import Finished, Started

if TYPE_CHECKING:
    from desktop_app.document.counting import Counts


@dataclass(frozen=True)
class Showing:
    """What shows something about a text. `announce` lets a screen reader say words; `set_title` names the window."""

    top_bar: TopBar
    status_line: StatusLine
    find_bar: FindBar
    model_panel: ModelPanel
    actions: Actions
    announce: Callable[[str], None]
    set_title: Callable[[str], None]


class ShownTab(QObject):
    """`show_all` says everything again, as after a change of language."""

    def __init__(self, tabs: Tabs, showing: Showing, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tabs, self._to = tabs, showing
        tabs.made.connect(self._follow)
        tabs.changed.connect(lambda tab: self._show_document() if tab is tabs.current else None)
        tabs.current_changed.connect(self._on_current)
        showing.model_panel.progress_changed.connect(self.show_operation)
        for tab in tabs.all:
            self._follow(tab)

    def show_all(self) -> None:
        """Name, state, counts and steps of the text in front."""
        self._show_document()
        self._show_state()
        self._show_steps()
        counts = self._tabs.current.counts.latest
        if counts is None:
            self._to.status_line.set_counts(0, 0)  # it is being counted
        else:
            self._show_counts(*counts)

    def show_operation(self) -> None:
        """A model comes into the library: said where it is seen without the side panel too, and Esc ends it."""
        panel, is_idle = self._to.model_panel, self._tabs.current.continuation.state == IDLE
        self._to.actions["stop"].setEnabled(not is_idle or panel.can_cancel)
        if is_idle:
            going_on = panel.progress_text
            if panel.can_cancel:
                going_on = self.tr("{words} Esc cancels").format(words=going_on)
            self._to.status_line.set_state(going_on)

    # ---- inside -----------------------------------------------------------------------------------------------

    def _follow(self, tab: Tab) -> None:
        def in_front(show: Callable[..., None]) -> Callable[..., None]:
            def slot(*news: Any) -> None:
                if tab is self._tabs.current:
                    show(*news)

            return slot

        tab.view.steps_changed.connect(in_front(lambda _undo, _redo: self._show_steps()))
        tab.counts.changed.connect(in_front(self._show_counts))
        tab.continuation.state_changed.connect(in_front(lambda _state: self._announce_state()))
        tab.continuation.started.connect(in_front(self._show_reading))
        tab.continuation.finished.connect(in_front(self._show_figures))
        tab.continuation.finished.connect(lambda _event: self._tell_finished(tab))

    def _on_current(self, tab: Tab) -> None:
        self._to.find_bar.set_view(tab.view)
        self._to.status_line.clear_context()  # of the text that was left
        self.show_all()
        tab.counts.ask()

    def _show_document(self) -> None:
        document = self._tabs.current.document
        self._to.top_bar.set_document(document.name, document.is_modified)
        mark = "● " if document.is_modified else ""
        self._to.set_title(f"{mark}{document.name} – Nextstroke · 下一笔")

    def _show_state(self) -> str:
        state = self._tabs.current.continuation.state
        self._to.top_bar.set_busy(state != IDLE)
        self._to.actions["continue"].setEnabled(state == IDLE)
        self.show_operation()
        words = {IDLE: "", WAITING: self.tr("The model is reading…")}.get(state, self.tr("Writing… Esc stops"))
        if words:
            self._to.status_line.set_state(words)
        return words

    def _announce_state(self) -> None:
        self._to.announce(self._show_state())

    def _show_steps(self) -> None:
        history = self._tabs.current.view.link.model.history
        self._to.actions["undo"].setEnabled(history.can_undo)
        self._to.actions["redo"].setEnabled(history.can_redo)

    def _show_counts(self, counts: Counts, _model: Counts) -> None:
        self._to.status_line.set_counts(counts.chinese, counts.latin_words + counts.kana)

    def _show_reading(self, event: Started) -> None:
        self._to.status_line.set_context(event.reused + event.to_prefill, event.context_length)

    def _show_figures(self, event: Finished) -> None:
        self._to.status_line.set_speed(event.timings.decode_tokens_per_second)
        self._to.status_line.set_context(event.usage.context_used, event.usage.context_length)

    def _tell_finished(self, tab: Tab) -> None:
        if tab is self._tabs.current:
            self._to.announce(self.tr("The model has written."))
        else:
            words = self.tr("The model has written in {name}.").format(name=tab.document.name)
            self._to.status_line.say(words)
            self._to.announce(words)
