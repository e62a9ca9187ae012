"""How busy the machine was with something else, so that a reader can judge a round.

Knows psutil; must not know what is measured.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence

import psutil


class OtherWork:
    """Counts from its making: processor time of the whole machine, less that of some processes and our own."""

    def __init__(self, processes: Sequence[int]) -> None:
        self._processes = [psutil.Process(number) for number in (os.getpid(), *processes)]
        self._began, self._machine, self._own = time.perf_counter(), _busy(), self._used()

    def share(self) -> float:
        """Of all processors' time since then, what others took: 0 to 1."""
        seconds = (time.perf_counter() - self._began) * (os.cpu_count() or 1)
        others = (_busy() - self._machine) - (self._used() - self._own)
        return min(max(others / seconds, 0.0), 1.0)

    def _used(self) -> float:
        times = [process.cpu_times() for process in self._processes]
        return float(sum(one.user + one.system for one in times))


def _busy() -> float:
    """Seconds that all processors together have worked since the machine started."""
    times = psutil.cpu_times()
    waiting = times.idle + getattr(times, "iowait", 0.0)
    # On Linux a guest's time is counted in user and nice already.
    return float(sum(times) - waiting - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0))
