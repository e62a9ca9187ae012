"""The plain local log of a run: one JSON object a line, and a curve drawn from it.

For: the trainer, and whoever looks at a run while it goes on.
Knows: JSON lines and enough SVG for two curves.
Must not know: what the numbers mean to a model.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.contracts.errors import file_error
from export.training.files import write_atomically

_WIDTH, _HEIGHT, _MARGIN = 720, 360, 48
_COLOURS = ("#1f6f8b", "#c0562f", "#5a8f3c", "#7a5195")


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
    """All whole lines; a line that a power cut left half-written is skipped."""
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            lines.append(json.loads(text))
        except ValueError:
            continue
    return lines


def draw_curves(curves: dict[str, Sequence[tuple[float, float]]], title: str, across: str) -> str:
    """An SVG with one line a name; points are (x, y)."""
    points = [point for curve in curves.values() for point in curve]
    if not points:
        return '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>\n'
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    low, high = min(y for _, y in points), max(y for _, y in points)

    def place(x: float, y: float) -> str:
        across_share = (x - left) / (right - left or 1)
        up_share = (y - low) / (high - low or 1)
        column = _MARGIN + across_share * (_WIDTH - 2 * _MARGIN)
        row = _HEIGHT - _MARGIN - up_share * (_HEIGHT - 2 * _MARGIN)
        return f"{column:.1f},{row:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}"',
        ' font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="{_MARGIN}" y="24" font-size="15">{title}</text>',
        f'<text x="{_MARGIN}" y="{_HEIGHT - 12}">{across}: {left:,.0f} to {right:,.0f}</text>',
        f'<text x="4" y="{_MARGIN}">{high:.3f}</text><text x="4" y="{_HEIGHT - _MARGIN}">{low:.3f}</text>',
    ]
    for index, (name, curve) in enumerate(curves.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        line = " ".join(place(x, y) for x, y in curve)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(f'<text x="{_WIDTH - 160}" y="{24 + 16 * index}" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>\n"])
