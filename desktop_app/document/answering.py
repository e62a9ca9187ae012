"""Which files' disks do not answer: asked at the start, all at once: a dead network costs it two seconds.

Knows jobs; must not know what the files are for.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

from desktop_app.document.job import Job

PATIENCE_S = 2.0


def silent_ones(paths: Iterable[Path], seconds: float = PATIENCE_S) -> frozenset[Path]:
    """Those of which not even `stat` comes back in this time, for all of them together."""
    looks = {path: _look(path) for path in paths}
    end = time.monotonic() + seconds
    return frozenset(path for path, look in looks.items() if not look.wait(max(0.0, end - time.monotonic())))


def _look(path: Path) -> Job[bool]:
    return Job(lambda _job: os.path.exists(path))
