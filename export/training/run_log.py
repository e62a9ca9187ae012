"""The plain local log of a run: one JSON object a line.

For: the run's report, and whoever looks at a run while it goes on.
Knows: JSON lines, and how a log is cut back when a run goes on from a checkpoint.
Must not know: what the numbers mean to a model.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.contracts.errors import file_error
from export.training.files import write_atomically


class RunLog:
    """Appends to RUN/log.jsonl; a resumed run drops lines that lie after its checkpoint. Silent: no line."""

    def __init__(self, path: Path, step: int, silent: bool = False) -> None:
        self.path, self._silent = path, silent
        if silent:
            return
        kept = [line for line in read_log(path) if line.get("step", 0) <= step] if step else []
        write_atomically(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept).encode())

    def write(self, event: str, **values: Any) -> None:
        """Add one line."""
        if self._silent:
            return
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"event": event, **values}, ensure_ascii=False) + "\n")
        except OSError as error:
            raise file_error(error, f"write {self.path}") from error


def read_log(path: Path) -> list[dict[str, Any]]:
    """All whole lines; one that a power cut left half-written, or that is none of a run's, is skipped."""
    lines = []
    try:
        texts = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    except OSError as error:
        raise file_error(error, f"read {path}") from error
    for text in texts:
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and "event" in line:
            lines.append(line)
    return lines
