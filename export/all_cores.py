"""The same work on many parts, on every core: one pool of threads for the whole process.

For: rounding and comparing, which call numpy for every part; numpy lets other threads run while it computes. A pool a
call started tens of thousands of threads in one conversion, a tenth of its time. Knows nothing of what is done.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

Part = TypeVar("Part")
Answer = TypeVar("Answer")


def on_all_cores(work: Callable[[Part], Answer], parts: Sequence[Part]) -> list[Answer]:
    """The answers in the order of the parts. `work` must not call this itself: it would wait for its own thread."""
    return [work(part) for part in parts] if len(parts) < 2 else list(_pool().map(work, parts))


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="export")
