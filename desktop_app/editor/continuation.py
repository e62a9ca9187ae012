"""Continue, Stop, Retry: one generation at a time between the engine and the page.

    idle --continue/retry--> waiting --first text--> writing --all shown--> idle
              any change of the text by the person, Stop, or the end of the engine: → idle at once

Every answer carries the ticket of its request (number of the generation, revision of the document); one that is not the
present one is dropped. Received text is shown by a drip, a little each frame.

Knows: the view, the bridge's signals and methods. Must not know: menus, panels, files.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from PySide6.QtCore import QObject, Qt, QTimer, Signal, SignalInstance

from desktop_app.editor.generation_in_text import GenerationInText
from desktop_app.editor.prompt import Prompt, prompt_of, without_doubled_space
from desktop_app.editor.text_drip import TextDrip
from desktop_app.editor.view import EditorView
from desktop_app.services.error_words import words_for_engine
from engine.contracts.errors import EmptyPromptError, EngineBusyError, EngineStoppedError, PromptTooLongError
from engine.contracts.generation import (
    CONTEXT_KEEP_END,
    REASON_CONTEXT,
    REASON_END,
    Done,
    Event,
    Failed,
    Finished,
    GenerationRequest,
    Started,
    Token,
)
from engine.contracts.sampling_settings import SamplingSettings

IDLE, WAITING, WRITING = "idle", "waiting", "writing"
FRAME_MS = 16


class Generator(Protocol):
    """What is needed of the engine bridge."""

    events: SignalInstance
    engine_lost: SignalInstance

    def generate(self, request: GenerationRequest) -> None:
        """Start a generation."""

    def cancel(self, request_id: str) -> None:
        """End it early."""


@dataclass(frozen=True)
class Choices:
    """What the person chose for the next generation. `seed` None: a new one each time."""

    max_tokens: int
    sampling: SamplingSettings
    seed: int | None = None
    shows_motion: bool = True


@dataclass
class _Running:
    request_id: str
    ticket: dict[str, Any]
    prompt: Prompt
    place: GenerationInText
    drip: TextDrip
    has_text: bool = False
    is_complete: bool = False


class Continuation(QObject):
    """The state of writing on. `find_obstacle` gives words when there is no usable model, "" when there is one."""

    state_changed = Signal(str)
    told = Signal(str)  # one plain message
    started = Signal(object)  # Started
    finished = Signal(object)  # Finished

    def __init__(
        self,
        view: EditorView,
        bridge: Generator,
        choices: Callable[[], Choices],
        find_obstacle: Callable[[], str],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._view, self._bridge = view, bridge
        self._choices, self._find_obstacle = choices, find_obstacle
        self._running: _Running | None = None
        self._last: GenerationInText | None = None
        self._last_seed = 0
        self._untold: dict[str, GenerationInText] = {}  # by request, until the engine has said what it did
        self._number = 0
        self._state = IDLE
        self._frame = QTimer(self)
        self._frame.setTimerType(Qt.TimerType.PreciseTimer)
        self._frame.setInterval(FRAME_MS)
        self._frame.timeout.connect(self._show_some)
        bridge.events.connect(self._on_events)
        bridge.engine_lost.connect(self._on_engine_lost)
        view.document().contentsChange.connect(self._on_change)
        view.composition_started.connect(self._on_typing)

    @property
    def state(self) -> str:
        """IDLE, WAITING or WRITING."""
        return self._state

    @property
    def is_busy(self) -> bool:
        """Whether a generation runs."""
        return self._state != IDLE

    def can_retry(self) -> bool:
        """Whether there is a last generation whose place is known."""
        return self._last is not None and (self._last.is_intact() or self._last.is_undone())

    def forget(self) -> None:
        """Another text is on the page: end what runs, know no last generation."""
        self._end()
        self._last = None

    # ---- commands ---------------------------------------------------------------------------------------------

    def continue_text(self) -> None:
        """Write on from the caret (from the end of a selection)."""
        if self.is_busy:
            return
        end = self._view.textCursor().selectionEnd()
        self._begin(end, None, self._seed())
        if self._running is not None:
            self._view.leave_selection(end)  # what one types next must not replace the text that was continued

    def retry(self) -> None:
        """Write the last generation anew with another seed; undo brings the old one back."""
        if self.is_busy:
            self.stop()
        last = self._last = self._standing_generation()
        if last is None:
            self.continue_text()
        elif last.is_undone():
            self._begin(last.start, None, self._another_seed())
        elif last.is_intact():
            self._begin(last.start, last, self._another_seed())
        else:
            self.told.emit(self.tr("The last passage was changed by hand, so it stays. Continue writes on from here."))

    def stop(self) -> None:
        """End at once; what is on the page stays."""
        if self._running is not None:
            self._bridge.cancel(self._running.request_id)
            self._running.place.separate()
            self._end()

    # ---- a generation -----------------------------------------------------------------------------------------

    def _begin(self, position: int, replaces: GenerationInText | None, seed: int) -> None:
        obstacle = self._find_obstacle()
        if obstacle:
            self.told.emit(obstacle)
            return
        prompt = prompt_of(self._view.text_before(position))
        if not prompt.text.strip():
            self.told.emit(self.tr("There is nothing before the caret to continue. Write a few words first."))
            return
        self._number += 1
        self._last_seed = seed
        choices = self._choices()
        request = self._request(prompt, choices, seed)
        place = GenerationInText(self._view, position, replaces)
        self._running = _Running(request.id, dict(request.ticket), prompt, place, TextDrip())
        place.say(_beginning_of_record(request))
        self._untold[request.id] = place
        self._set_state(WAITING)
        self._bridge.generate(request)

    def _request(self, prompt: Prompt, choices: Choices, seed: int) -> GenerationRequest:
        sampling = choices.sampling
        values = {name: getattr(sampling, name) for name in sampling.__dataclass_fields__}
        return GenerationRequest(
            id=f"window-{secrets.token_hex(6)}",
            prompt=prompt.text,
            max_tokens=choices.max_tokens,
            sampling=SamplingSettings(**{**values, "seed": seed}),
            context_policy=CONTEXT_KEEP_END,
            ticket={"generation": self._number, "revision": self._view.document().revision()},
        )

    def _standing_generation(self) -> GenerationInText | None:
        """The last generation, or after an undo of a Retry the one that it had replaced."""
        last = self._last
        while last is not None and not last.is_intact() and last.replaces is not None and last.replaces.is_intact():
            last = last.replaces
        return last

    def _seed(self) -> int:
        chosen = self._choices().seed
        return secrets.randbits(32) if chosen is None else chosen

    def _another_seed(self) -> int:
        return secrets.randbits(32) if self._choices().seed is None else (self._last_seed + 1) % 2**64

    def _on_events(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, (Finished, Failed, Done)):
                self._tell_record(event)
            running = self._running
            if running is not None and event.request_id == running.request_id and event.ticket == running.ticket:
                self._on_event(running, event)

    def _tell_record(self, event: Finished | Failed | Done) -> None:
        """A generation that was stopped still gets its whole record, when the engine has ended it."""
        if isinstance(event, Finished) and event.request_id in self._untold:
            known = self._untold[event.request_id]
            if event.candidate == 0:
                known.say({**known.says, "reason": event.reason, "record": event.record.to_dict()})
        elif not isinstance(event, Finished):
            self._untold.pop(event.request_id, None)

    def _on_event(self, running: _Running, event: Event) -> None:
        if isinstance(event, Started):
            self.started.emit(event)
            self._tell_what_was_dropped(event, running.prompt)
        elif isinstance(event, (Token, Finished)) and event.candidate == 0:
            self._receive(running, event.text)
            if isinstance(event, Finished):
                self._on_finished(running, event)
        elif isinstance(event, Done):
            running.is_complete = True
            self._frame.start()
        elif isinstance(event, Failed):
            self._show_rest(running)
            running.place.separate()
            self._end()
            self.told.emit(self._words_for(event))

    def _receive(self, running: _Running, text: str) -> None:
        if not text:
            return
        if not running.has_text:
            text = without_doubled_space(text, running.prompt)
            running.has_text = True
        running.drip.add(text)
        if self._state == WAITING:
            self._set_state(WRITING)
        if not self._frame.isActive():
            self._show_some()
            self._frame.start()

    def _on_finished(self, running: _Running, event: Finished) -> None:
        self.finished.emit(event)
        if event.reason == REASON_END and not running.has_text:
            self.told.emit(self.tr("The model ends the text here. Write on, or try again."))
        elif event.reason == REASON_CONTEXT:
            self.told.emit(self.tr("The model's context is full. Continue reads the end of the text anew."))

    def _show_some(self) -> None:
        running = self._running
        if running is None:
            self._frame.stop()
            return
        piece = running.drip.take() if self._choices().shows_motion else running.drip.take_all()
        if piece:
            running.place.insert(piece)
        if not len(running.drip):
            self._frame.stop()
            if running.is_complete:
                running.place.separate()
                self._end()

    def _show_rest(self, running: _Running) -> None:
        """What has come stays, also what was not shown yet."""
        if len(running.drip):
            running.place.insert(running.drip.take_all())

    def _end(self) -> None:
        running, self._running = self._running, None
        self._frame.stop()
        if running is not None and running.place.text:
            self._last = running.place
        self._set_state(IDLE)

    def _set_state(self, state: str) -> None:
        if state != self._state:
            self._state = state
            self._view.set_writing(state != IDLE)
            self.state_changed.emit(state)

    # ---- what ends one from outside ---------------------------------------------------------------------------

    def _on_change(self, _position: int, _removed: int, _added: int) -> None:
        if self._running is not None and not self._running.place.is_inserting:
            self._give_up()  # nothing is added to what the person changes at this moment

    def _on_typing(self) -> None:
        self._give_up()

    def _give_up(self) -> None:
        if self._running is not None:
            self._bridge.cancel(self._running.request_id)
            self._end()

    def _on_engine_lost(self, _message: str, _restarting: bool) -> None:
        self._untold.clear()
        if self._running is not None:
            self._show_rest(self._running)
            self._running.place.separate()
        self._end()

    # ---- words ------------------------------------------------------------------------------------------------

    def _tell_what_was_dropped(self, event: Started, prompt: Prompt) -> None:
        if not event.dropped and not prompt.was_cut:
            return
        read = event.reused + event.to_prefill
        if prompt.was_cut:
            words = self.tr("The text is longer than the model can see: it reads the last {read} tokens.")
        else:
            words = self.tr("The model reads the last {read} tokens; {dropped} before them do not fit.")
        self.told.emit(words.format(read=f"{read:,}", dropped=f"{event.dropped:,}"))

    def _words_for(self, event: Failed) -> str:
        known = {
            PromptTooLongError.__name__: self.tr("The text is longer than the model can see. Choose another model."),
            EmptyPromptError.__name__: self.tr(
                "There is nothing before the caret to continue. Write a few words first."
            ),
            EngineBusyError.__name__: self.tr("The engine is busy. Wait a moment and try again."),
            EngineStoppedError.__name__: self.tr("The engine stopped; the text is untouched. Try again in a moment."),
        }
        return known.get(event.kind) or words_for_engine(event.message, event.kind)


def _beginning_of_record(request: GenerationRequest) -> dict[str, Any]:
    """What is known before the engine answers; it stays all that is known where the engine does not come to its end."""
    says = {"max_tokens": request.max_tokens, "sampling": asdict(request.sampling)}
    return {"made": datetime.now(UTC).isoformat(timespec="seconds"), "request": says}
