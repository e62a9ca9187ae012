"""Work that may never come back, since a disk or a network does not answer: on a thread of its own.

    job = Job(work)        begins at once, as work(job); the end of the program does not wait for it
    job.wait(seconds)      whether it has ended by then
    job.result()           what the work gave, or the error that it raised
    job.give_up()          nobody waits any more: what `StoppableCalls` guards begins no further call
    job.claim()            the work is about to do what cannot be taken back; no, where it was given up

Knows threads; must not know Qt, files or what the work is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Job(Generic[Result]):
    """One piece of work. `ended` is called on its thread when it has ended, in whatever way."""

    def __init__(self, work: Callable[[Job[Result]], Result], ended: Callable[[], None] | None = None) -> None:
        self._work, self._ended = work, ended
        self._is_over = threading.Event()
        self._decision = threading.Lock()  # between giving up and claiming
        self._is_given_up = self._is_claimed = False
        self._found: list[Result] = []
        self._error: BaseException | None = None
        # A daemon: a thread that hangs in a system call can be neither ended nor waited for.
        threading.Thread(target=self._run, name="job", daemon=True).start()

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self._is_over.is_set()

    @property
    def is_given_up(self) -> bool:
        """Whether nobody waits for it any more."""
        return self._is_given_up

    @property
    def may_go_on(self) -> bool:
        """Whether somebody waits for it, or it has begun what cannot be taken back and is to end that well."""
        return self._is_claimed or not self._is_given_up

    def wait(self, seconds: float) -> bool:
        """Whether it ends within this time."""
        return self._is_over.wait(seconds)

    def give_up(self) -> bool:
        """Nobody waits for it any more; whether it is sure that it changes nothing from now on."""
        with self._decision:
            self._is_given_up = True
            return not self._is_claimed

    def claim(self) -> bool:
        """Called by the work before what cannot be taken back; False where it was given up."""
        with self._decision:
            self._is_claimed = self._is_claimed or not self._is_given_up
            return self._is_claimed

    def result(self) -> Result:
        """What the work gave; waits for it. Raises what the work raised."""
        self._is_over.wait()
        if self._error is not None:
            raise self._error
        return self._found[0]

    def _run(self) -> None:
        try:
            self._found.append(self._work(self))
        except BaseException as error:  # noqa: BLE001 — a thread's outer edge: `result` raises it where it is asked for
            self._error = error
        self._is_over.set()
        if self._ended is not None:
            self._ended()
