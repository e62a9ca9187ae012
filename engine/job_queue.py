"""Which job the engine's worker does next: explicit actions in order, then the newest suggestion.

    actions      o o o o    first in, first out, at most ACTIONS_BOUND waiting, refused beyond
    suggestion   o          a slot of one: a new one pushes out the waiting one and cancels the running one

An action also cancels a running suggestion: nobody waits for it any more. Knows threads and jobs; must not know what a
job does.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.contracts.errors import EngineBusyError

ACTIONS_BOUND = 8  # each takes seconds: nobody waits for a ninth, who asks for it pressed a key by mistake


@dataclass(eq=False)
class Job:
    """Something to do on the worker. `give_up` is called instead of `run` when it never begins."""

    id: str
    run: Callable[[Job], None]
    give_up: Callable[[], None]
    is_suggestion: bool = False
    _cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody asked for an end; the running job looks at it between tokens."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Ask for an end."""
        self._cancelled.set()


class JobQueue:
    """The queue between the thread that reads messages and the worker. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._actions: deque[Job] = deque()
        self._suggestion: Job | None = None
        self._running: Job | None = None
        self._is_closed = False

    def put(self, job: Job) -> None:
        """Accept a job. Raises `EngineBusyError` when too many actions wait."""
        with self._changed:
            pushed_out = self._place(job)
            self._changed.notify_all()
        if pushed_out is not None:
            pushed_out.give_up()

    def take(self) -> Job | None:
        """Wait for the next job; None after `close`."""
        with self._changed:
            self._running = None
            self._changed.notify_all()
            while not (self._is_closed or self._actions or self._suggestion):
                self._changed.wait()
            if self._is_closed:
                return None
            if self._actions:
                self._running = self._actions.popleft()
            else:
                self._running, self._suggestion = self._suggestion, None
            return self._running

    def cancel(self, job_id: str) -> None:
        """End every job of that id: a waiting one gives up, the running one is asked to stop."""
        with self._changed:
            waiting = [job for job in self._actions if job.id == job_id]
            for job in waiting:
                self._actions.remove(job)
            if self._suggestion is not None and self._suggestion.id == job_id:
                waiting.append(self._suggestion)
                self._suggestion = None
            if self._running is not None and self._running.id == job_id:
                self._running.cancel()
        for job in waiting:
            job.give_up()

    def close(self) -> None:
        """Forget what waits, ask the running job to stop, and send the worker home."""
        with self._changed:
            self._is_closed = True
            self._actions.clear()
            self._suggestion = None
            if self._running is not None:
                self._running.cancel()
            self._changed.notify_all()

    def wait_until_idle(self, seconds: float) -> bool:
        """Wait until no job runs; False when one still does."""
        with self._changed:
            return self._changed.wait_for(lambda: self._running is None, seconds)

    def _place(self, job: Job) -> Job | None:
        if self._running is not None and self._running.is_suggestion:
            self._running.cancel()
        if job.is_suggestion:
            pushed_out, self._suggestion = self._suggestion, job
            return pushed_out
        if len(self._actions) >= ACTIONS_BOUND:
            raise EngineBusyError(f"{ACTIONS_BOUND} jobs wait already; wait for one to end or stop it, then ask again")
        self._actions.append(job)
        return None
