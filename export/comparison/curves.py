"""Learning curves: panels of two lines over the tokens learned, with numbers on both axes.

For: the manual's page on the two networks.
Knows: scales and ticks. Must not know: what was trained, nor the language of its words, which come from outside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from export.comparison.drawing import Drawing, text_width

Curve = Sequence[tuple[float, float]]

STROKES = {"first": "", "second": "6 3"}  # told apart without colour, too
_WIDTH, _MARGIN, _GAP = 760, 16, 40
_AXIS_ROOM, _TITLE_ROOM, _FOOT_ROOM = 44, 30, 24


@dataclass(frozen=True)
class Panel:
    """One set of axes: its title and a curve for each colour of the palette."""

    title: str
    curves: Mapping[str, Curve]


def draw_curves(
    title: str, names: Mapping[str, str], rows: Sequence[Sequence[Panel]], across: str, count: Callable[[float], str]
) -> str:
    """An SVG with rows of panels below a legend; `names` by colour, `across` the x axis, `count` its numbers."""
    height_of_row = 232
    drawing = Drawing(_WIDTH, 64 + height_of_row * len(rows) + 26, title)
    _legend(drawing, title, names)
    for index, panels in enumerate(rows):
        width = (_WIDTH - 2 * _MARGIN - _GAP * (len(panels) - 1)) / len(panels)
        for column, panel in enumerate(panels):
            left = _MARGIN + column * (width + _GAP)
            _panel(drawing, panel, (left, 64 + index * height_of_row, width, height_of_row - 12), count)
    drawing.text(_WIDTH - _MARGIN, drawing.height - 12, across, 12, "quiet", "end")
    return drawing.to_svg()


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """About so many round numbers, from at most `low` to at least `high`."""
    if high <= low:
        high = low + 1
    rough = (high - low) / about
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def _legend(drawing: Drawing, title: str, names: Mapping[str, str]) -> None:
    drawing.text(_MARGIN, 26, title, 16)
    left = float(_MARGIN)
    for colour, name in names.items():
        drawing.line([(left, 44), (left + 30, 44)], colour, 2.5, STROKES[colour])
        drawing.text(left + 38, 48, name, 13)
        left += 38 + text_width(name, 13) + 28


def _panel(
    drawing: Drawing, panel: Panel, box: tuple[float, float, float, float], count: Callable[[float], str]
) -> None:
    left, top, width, height = box
    points = [point for curve in panel.curves.values() for point in curve]
    across = ticks(0, max(x for x, _ in points), 4 if width < 400 else 8)
    up = ticks(min(y for _, y in points), max(y for _, y in points))
    inner_left, inner_top = left + _AXIS_ROOM, top + _TITLE_ROOM
    inner_right, inner_bottom = left + width, top + height - _FOOT_ROOM
    end = max(x for x, _ in points)

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            inner_left + x / end * (inner_right - inner_left),
            inner_bottom - (y - up[0]) / (up[-1] - up[0]) * (inner_bottom - inner_top),
        )

    drawing.text(left, top + 16, panel.title, 13)
    for value in up:
        _, y = place(0, value)
        drawing.line([(inner_left, y), (inner_right, y)], "grid")
        drawing.text(inner_left - 8, y + 4, f"{value:g}", 12, "quiet", "end")
    for value in across:
        if value <= end:
            x, _ = place(value, up[0])
            drawing.line([(x, inner_bottom), (x, inner_bottom + 4)], "quiet")
            drawing.text(x, inner_bottom + 18, count(value), 12, "quiet", "middle")
    drawing.line([(inner_left, inner_bottom), (inner_right, inner_bottom)], "quiet")
    for colour, curve in panel.curves.items():
        drawing.line([place(x, y) for x, y in curve], colour, 2.2, STROKES[colour])
