"""SIGINT and SIGTERM as a wish that a loop reads when it is ready.

For: the trainer. Knows: signal handlers. Must not know: what is stopped.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType


@contextlib.contextmanager
def stop_signals(ask: Callable[[], None]) -> Iterator[None]:
    """Call `ask` at either signal while the block runs; outside the main thread, where no handler may be set, never."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        ask()

    try:
        previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:
        previous = {}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
