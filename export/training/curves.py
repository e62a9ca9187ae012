"""Curves as an SVG file: panels one above the other, each with a legend beside it that stays readable.

For: a run's curve.svg and whoever compares runs. Knows: enough SVG for lines. Must not know: what the numbers mean.

    +--------------------------+  -- name
    |  panel: title, y values  |  -- name        one colour or dash pattern a name
    +--------------------------+
      x values
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

Points = Sequence[tuple[float, float]]

_LEFT, _PLOT, _LEGEND, _HEIGHT, _TOP, _BOTTOM = 64, 600, 260, 240, 40, 40
_TICKS, _LINE = 4, 16
# Eight colours that most colour-blind eyes tell apart (Okabe & Ito 2008, the yellow darkened for a white ground).
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#b8860b", "#000000", "#7f7f7f")
_DASHES = ("", "7 3", "2 2", "9 3 2 3")


@dataclass(frozen=True)
class Curve:
    """A named line; a wide one stands out, a pale one lies behind and has no line in the legend."""

    name: str
    points: Points
    wide: bool = False
    pale: bool = False


@dataclass(frozen=True)
class Panel:
    """Curves over one scale."""

    title: str
    curves: Sequence[Curve]


def smoothed(points: Points, span: float) -> list[tuple[float, float]]:
    """An exponential moving average over about `span` points, without its start's bias to the first one."""
    share, total, weight, result = 1 / max(1.0, span), 0.0, 0.0, []
    for x, y in points:
        total, weight = total * (1 - share) + share * y, weight * (1 - share) + share
        result.append((x, total / weight))
    return result


def draw_panels(panels: Sequence[Panel], across: str) -> str:
    """The SVG; `across` names what is counted from left to right. Points that are not finite are left out."""
    kept = [Panel(p.title, [_finite(curve) for curve in p.curves]) for p in panels]
    kept = [panel for panel in kept if any(curve.points for curve in panel.curves)]
    heights = [max(_HEIGHT, _LINE * len(_named(panel)) + 20) for panel in kept]
    width, height = _LEFT + _PLOT + _LEGEND, sum(h + _TOP + _BOTTOM for h in heights)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{max(1, height)}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
    ]
    top = _TOP
    for panel, inside in zip(kept, heights, strict=True):
        parts += _panel(panel, top, inside, across)
        top += inside + _TOP + _BOTTOM
    return "\n".join([*parts, "</svg>\n"])


def _panel(panel: Panel, top: int, height: int, across: str) -> list[str]:
    points = [point for curve in panel.curves for point in curve.points]
    left, right = min(x for x, _ in points), max(x for x, _ in points)
    low, high = min(y for _, y in points), max(y for _, y in points)

    def place(x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + (x - left) / (right - left or 1) * _PLOT,
            top + height - (y - low) / (high - low or 1) * height,
        )

    parts = [f'<text x="{_LEFT}" y="{top - 12}" font-size="15">{html.escape(panel.title)}</text>']
    for tick in range(_TICKS + 1):
        value = low + (high - low) * tick / _TICKS
        _, row = place(left, value)
        parts.append(f'<line x1="{_LEFT}" x2="{_LEFT + _PLOT}" y1="{row:.1f}" y2="{row:.1f}" stroke="#e4e4e4"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{row + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    words = f"{html.escape(across)}: {left:,.0f} to {right:,.0f}"
    parts.append(f'<text x="{_LEFT}" y="{top + height + 20}">{words}</text>')
    named = _named(panel)
    for curve in sorted(panel.curves, key=lambda curve: not curve.pale):  # the pale ones first, behind the others
        entry = None if curve.pale else named.index(curve)
        parts += _curve(curve, [place(x, y) for x, y in curve.points], top, entry)
    return parts


def _curve(curve: Curve, places: Points, top: int, entry: int | None) -> list[str]:
    colour, dash = ("#c8d8e4", "") if entry is None else (_COLOURS[entry % 8], _DASHES[entry // 8 % 4])
    style = f'fill="none" stroke="{colour}" stroke-width="{2.5 if curve.wide else 1.3}"'
    style += f' stroke-dasharray="{dash}"' if dash else ""
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    parts = [f'<polyline points="{line}" {style}/>']
    if len(places) == 1:  # a line needs two points to be seen
        parts.append(f'<circle cx="{places[0][0]:.1f}" cy="{places[0][1]:.1f}" r="3" fill="{colour}"/>')
    if entry is not None:
        start, level = _LEFT + _PLOT + 16, top + 8 + _LINE * entry
        parts.append(f'<polyline points="{start},{level} {start + 28},{level}" {style}/>')
        last = f" {curve.points[-1][1]:.3f}" if curve.points else ""
        parts.append(f'<text x="{start + 34}" y="{level + 4}">{html.escape(curve.name)}{last}</text>')
    return parts


def _named(panel: Panel) -> list[Curve]:
    return [curve for curve in panel.curves if not curve.pale]


def _finite(curve: Curve) -> Curve:
    points = [(x, y) for x, y in curve.points if math.isfinite(x) and math.isfinite(y)]
    return Curve(curve.name, points, curve.wide, curve.pale)
