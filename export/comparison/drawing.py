"""A small SVG drawing that can be read on a light page and on a dark one.

For: the figures of the manual.
Knows: SVG's shapes, and two palettes by role. Must not know: what is drawn.

Light colours stand in the elements; a style sheet replaces them where the reader's system is dark, so that a viewer
without style sheets still shows a whole, light figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

FONT = "system-ui, 'Noto Sans', 'Noto Sans CJK SC', 'PingFang SC', 'Microsoft YaHei', sans-serif"
LIGHT = {
    "paper": "#fbf8f2",
    "ink": "#2b2926",
    "quiet": "#6b665e",
    "grid": "#e3ddd1",
    "first": "#0b6a8f",
    "second": "#b5451f",
}
DARK = {
    "paper": "#1c1b1a",
    "ink": "#e8e4dc",
    "quiet": "#a39d93",
    "grid": "#3a3734",
    "first": "#63bfe6",
    "second": "#f0925f",
}


class Drawing:
    """Shapes in the order they are drawn; units are pixels, y grows downwards, colours are roles of the palettes."""

    def __init__(self, width: float, height: float, description: str) -> None:
        self.width, self.height = width, height
        self._description = description
        self._parts: list[str] = []
        self.rectangle(0, 0, width, height, "paper")

    def text(
        self,
        x: float,
        y: float,
        words: str,
        size: float = 13,
        colour: str = "ink",
        anchor: str = "start",
        turn: float = 0,
    ) -> None:
        """Words whose base line starts, ends or is centred (`anchor` start, end, middle) at x; turned by degrees."""
        turned = f' transform="rotate({turn:g} {x:.1f} {y:.1f})"' if turn else ""
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}"{_fill(colour)}{turned}>'
            f"{escape(words)}</text>"
        )

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: float = 1, dashes: str = "") -> None:
        """A line through the points."""
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self._parts.append(
            f'<polyline points="{places}" fill="none" stroke="{LIGHT[colour]}" class="s-{colour}"'
            f' stroke-width="{width:g}" stroke-linejoin="round"{dashed}/>'
        )

    def rectangle(self, x: float, y: float, width: float, height: float, colour: str, strength: float = 1) -> None:
        """A filled rectangle; `strength` 0 to 1 lets the paper through."""
        opacity = "" if strength == 1 else f' fill-opacity="{strength:.3f}"'
        self._parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"{_fill(colour)}{opacity}/>'
        )

    def to_svg(self) -> str:
        """The file's text."""
        size = f'width="{self.width:g}" height="{self.height:g}" viewBox="0 0 {self.width:g} {self.height:g}"'
        rules = "".join(f".f-{role}{{fill:{value}}}.s-{role}{{stroke:{value}}}" for role, value in DARK.items())
        head = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{FONT}">',
            f"<title>{escape(self._description)}</title>",
            f"<style>@media (prefers-color-scheme: dark) {{{rules}}}</style>",
        ]
        return "\n".join([*head, *self._parts, "</svg>"]) + "\n"


def text_width(words: str, size: float) -> float:
    """About how wide words are: Chinese characters are square, others a little over half as wide."""
    return sum(size if ord(character) > 0x2E7F else 0.56 * size for character in words)


def _fill(colour: str) -> str:
    return f' fill="{LIGHT[colour]}" class="f-{colour}"'
