"""Continue and Stop as a person means them: in the tab in front, as soon as there is a model, one key for what goes on.

Knows: tabs, the model's state, what else Esc may end. Must not know: how a text is continued.
"""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from desktop_app.controls.model_control import OPENING, STARTING, ModelControl
from desktop_app.editor.continuation import Choices
from desktop_app.editor.find_bar import FindBar
from desktop_app.open_texts.tab import Tab
from desktop_app.open_texts.tabs import Tabs
from desktop_app.panels.model_panel import ModelPanel
from desktop_app.panels.status_line import StatusLine
from desktop_app.services.settings import Settings
from engine.contracts.sampling_settings import SamplingSettings


class WritingControl(QObject):
    """A Continue that came before the model is done when it is open, unless the text has changed since."""

    def __init__(
        self,
        tabs: Tabs,
        models: ModelControl,
        model_panel: ModelPanel,
        find_bar: FindBar,
        status_line: StatusLine,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._tabs, self._models, self._model_panel = tabs, models, model_panel
        self._find_bar, self._status_line = find_bar, status_line
        self._asked_at: tuple[Tab, int] | None = None  # tab and revision of its text
        models.became_ready.connect(self._continue_if_asked)

    def continue_text(self) -> None:
        """Write on, or as soon as the model is open."""
        if self._models.state in (STARTING, OPENING):
            self._asked_at = self._present()
        self._tabs.current.continuation.continue_text()

    def retry(self) -> None:
        """Write the last passage of this text anew."""
        self._tabs.current.continuation.retry()

    def stop(self) -> None:
        """End what goes on, the writing first; Esc in the find bar closes that."""
        continuation, focused = self._tabs.current.continuation, QApplication.focusWidget()
        if continuation.is_busy:
            continuation.stop()
        elif focused is not None and self._find_bar.isAncestorOf(focused):
            self._find_bar.close_bar()
        elif self._model_panel.can_cancel:
            self._model_panel.cancel_asked.emit()

    def _present(self) -> tuple[Tab, int]:
        tab = self._tabs.current
        return tab, tab.view.document().revision()

    def _continue_if_asked(self) -> None:
        asked_at, self._asked_at = self._asked_at, None
        if asked_at == self._present():
            self._status_line.clear_message()
            self._tabs.current.continuation.continue_text()


def choices_of(settings: Settings, seed: int | None) -> Choices:
    """What the person chose for the next passage."""
    sampling = SamplingSettings(
        temperature=settings.temperature,
        top_k=settings.top_k,
        top_p=settings.top_p,
        min_p=settings.min_p,
        repetition_penalty=settings.repetition_penalty,
    )
    shows_motion = QApplication.styleHints().cursorFlashTime() > 0  # who turned blinking off wants calm
    return Choices(settings.max_tokens, sampling, seed, shows_motion)
