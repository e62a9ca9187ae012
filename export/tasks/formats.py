"""The tasks of this project, read from `formats.toml`.

For: the maker of task text, recipes that name tasks, and scoring.
Knows: the file's layout. Must not know: corpora, models.
"""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path

from engine.contracts.tasks import TaskFormat, read_tasks

_FILE = Path(__file__).with_name("formats.toml")


@functools.cache
def known_tasks() -> tuple[TaskFormat, ...]:
    """All tasks, in the file's order."""
    return read_tasks(tomllib.loads(_FILE.read_text(encoding="utf-8"))["task"])


def group_name(task: TaskFormat) -> str:
    """What a task's training text is called in a corpus folder."""
    return task.name.replace("-", "_")
