"""Wait for a disk that may not answer, with the window alive.

    up to 12 ms     nothing happens: what an ordinary file takes, and less than a frame
    up to 100 ms    the window draws itself and its timers run; keys wait: no flicker of a question
    after that      `waits.wait(waiting)` shows what is waited for, with a way to give up

What was given up goes on by itself on its own thread, begins no further call (`StoppableCalls`) and does not keep the
program from ending. Knows jobs and Qt's event loop; must not know widgets or what the work is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from PySide6.QtCore import QCoreApplication, QEventLoop, QObject, Qt, QTimer, Signal

from desktop_app.document.job import Job

BLOCKED_S = 0.012
AT_ONCE_MS = 100
Result = TypeVar("Result")


@dataclass(frozen=True)
class WaitWords:
    """What is said while one waits: at once, and beside it after some seconds."""

    line: str
    slow_line: str


class Waiting(QObject):
    """One piece of work that is waited for. `ended` comes on the window's thread."""

    ended = Signal()
    _ended_on_its_thread = Signal()

    def __init__(self, words: WaitWords, late: Callable[[], None]) -> None:
        super().__init__(QCoreApplication.instance())  # it may outlive who asked
        self.words = words
        self.is_over = False
        self._late: Callable[[], None] | None = late
        self._is_given_up = False
        self._ended_on_its_thread.connect(self._end, Qt.ConnectionType.QueuedConnection)

    def tell(self) -> None:
        """The work has ended; called on its thread."""
        try:
            self._ended_on_its_thread.emit()
        except RuntimeError:
            pass  # the program is ending

    def give_up(self) -> None:
        """Nobody waits any more: this goes when the work ends after all."""
        self._is_given_up = True

    def _end(self) -> None:
        self.is_over = True
        if self._is_given_up and self._late is not None:
            self._late()
        self.ended.emit()
        self.deleteLater()


class Waits(Protocol):
    """Who shows that one waits."""

    def wait(self, waiting: Waiting) -> None:
        """Return when the work has ended, or the person gives up."""


@dataclass(frozen=True)
class GivenUp:
    """Nobody waited for it. `is_sure`: it has changed nothing and will change nothing."""

    is_sure: bool


class Begun(Generic[Result]):
    """Work that goes on by itself, and is waited for when somebody must.

    `late` takes what comes after it was given up; errors are then nobody's.
    """

    def __init__(
        self,
        waits: Waits,
        work: Callable[[Job[Any]], Result],
        words: WaitWords,
        late: Callable[[Result], None] | None = None,
    ) -> None:
        self._waits = waits
        self._waiting = Waiting(words, lambda: _hand_over(self._job, late))
        self._job: Job[Result] = Job(work, self._waiting.tell)

    @property
    def is_given_up(self) -> bool:
        """Whether nobody waits for it any more."""
        return self._job.is_given_up

    def when_ended(self, call: Callable[[], None]) -> None:
        """`call` on the window's thread when it has ended, also where it was given up."""
        self._waiting.ended.connect(call)

    def result(self) -> Result:
        """What the work gave, or raises; waits for it."""
        return self._job.result()

    def ends_at_once(self, milliseconds: int = AT_ONCE_MS) -> bool:
        """Whether it has ended before anything would be said; it goes on otherwise."""
        if not self._job.wait(BLOCKED_S):
            _draw_for_a_moment(self._waiting, milliseconds)
        return self._job.is_over

    def wait(self) -> Result | GivenUp:
        """What the work gives, or raises; the window lives on meanwhile."""
        if not self.ends_at_once():
            self._waits.wait(self._waiting)
        if self._job.is_over:
            return self._job.result()
        return self._give_up()

    def end_within(self, seconds: float) -> None:
        """The program ends and nobody may be asked: give it this long, and then up."""
        if not self._job.wait(seconds):
            self._give_up()

    def _give_up(self) -> GivenUp:
        self._waiting.give_up()
        return GivenUp(is_sure=self._job.give_up())


def wait_for(
    waits: Waits,
    work: Callable[[Job[Any]], Result],
    words: WaitWords,
    late: Callable[[Result], None] | None = None,
) -> Result | GivenUp:
    """What `work` gives, or raises. `late` takes what comes after it was given up; errors are then nobody's."""
    return Begun(waits, work, words, late).wait()


def _draw_for_a_moment(waiting: Waiting, milliseconds: int) -> None:
    loop = QEventLoop()
    waiting.ended.connect(loop.quit)
    QTimer.singleShot(milliseconds, loop, loop.quit)
    loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)


def _hand_over(job: Job[Result], late: Callable[[Result], None] | None) -> None:
    if late is None:
        return
    try:
        found = job.result()
    except Exception:  # noqa: BLE001 — it was given up, and said: whatever went wrong, nothing was changed
        return
    late(found)
