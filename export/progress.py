"""How far a long command is, for people on a terminal and for the window that started it.

    terminal          [#######             ] comparing: english
    --json            {"progress": 0.35, "doing": "comparing: english"}      one object a line, on standard error
    anything else     nothing

Knows standard error. Must not know what is being done.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

Report = Callable[[float, str], None]  # fraction done, what is being done

_BAR = 24
_PAUSE_SECONDS = 0.1


def reporter(as_json: bool) -> Report:
    """The right reporter for this run."""
    if as_json:
        return _Lines()
    return _Bar() if sys.stderr.isatty() else lambda fraction, doing: None


def part(report: Report, start: float, end: float) -> Report:
    """A reporter for the part of the work between two fractions."""
    return lambda fraction, doing: report(start + (end - start) * min(max(fraction, 0.0), 1.0), doing)


class _Lines:
    def __init__(self) -> None:
        self._last = ("", -1.0)

    def __call__(self, fraction: float, doing: str) -> None:
        rounded = round(fraction, 3)
        if (doing, rounded) == self._last:
            return
        self._last = (doing, rounded)
        print(json.dumps({"progress": rounded, "doing": doing}, ensure_ascii=False), file=sys.stderr, flush=True)


class _Bar:
    def __init__(self) -> None:
        self._shown = 0.0

    def __call__(self, fraction: float, doing: str) -> None:
        now = time.monotonic()
        if fraction < 1.0 and now - self._shown < _PAUSE_SECONDS:
            return
        self._shown = now
        full = round(_BAR * fraction)
        line = f"\r[{'#' * full}{' ' * (_BAR - full)}] {doing}"
        end = "\r\033[K" if fraction >= 1.0 else ""
        print(f"{line}\033[K{end}", end="", file=sys.stderr, flush=True)
