"""What each token attends to, drawn: one square a pair of tokens, the darker the more is taken.

For: the manual's page on the two networks.
Knows: rows, columns and labels. Must not know: networks, tokenizers, nor the language of its words.

            start  我  喜欢吃          columns: the tokens that can be looked at
    start     1                       rows: the token that looks; each row sums to one
    我       .02  .98                 nothing above the diagonal: no token sees what comes later
    喜欢吃     0   .99  .01   → 苹 99 %
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from export.comparison.drawing import Drawing, text_width

_MARGIN, _GAP = 16, 20
STRONGEST = 0.45  # of a colour: numbers must be readable on it in both palettes
_LEAST_SHOWN = 0.005  # what rounds to less than .01 is left blank


@dataclass(frozen=True)
class Attended:
    """One text: its tokens as labels of rows and columns, a titled map for each head, and what each row predicts."""

    labels: tuple[str, ...]
    columns: tuple[str, ...]
    maps: tuple[tuple[str, tuple[tuple[float, ...], ...]], ...]
    predicted: tuple[str, ...]


def draw_attention(title: str, explained: Sequence[str], texts: Sequence[Attended], colour: str, cell: float) -> str:
    """An SVG: the maps of a text side by side, texts below each other; `cell` is a square's side in pixels."""
    labels = 14 + max(text_width(label, 13) for text in texts for label in text.labels)
    predicted = 10 + max(text_width(words, 13) for text in texts for words in text.predicted)
    head = 14 + 0.75 * max(text_width(label, 12) for text in texts for label in text.columns)  # labels turned by 45°
    widths = [sum(cell * len(text.labels) + _GAP for _ in text.maps) for text in texts]
    width = max(2 * _MARGIN + labels + max(widths) + predicted, 2 * _MARGIN + max(map(_wide, [title, *explained])))
    heights = [head + 22 + cell * len(text.labels) for text in texts]
    top = 40.0 + 18 * len(explained)
    drawing = Drawing(round(width), round(top + sum(heights) + 26), title)
    drawing.text(_MARGIN, 26, title, 16)
    for index, words in enumerate(explained):
        drawing.text(_MARGIN, 46 + 18 * index, words, 12, "quiet")
    for text, height in zip(texts, heights, strict=True):
        _draw_text(drawing, text, (_MARGIN + labels, top + head + 22), colour, cell)
        top += height
    return drawing.to_svg()


def _wide(words: str) -> float:
    return text_width(words, 13)


def _draw_text(drawing: Drawing, text: Attended, corner: tuple[float, float], colour: str, cell: float) -> None:
    left, top = corner  # of the first map's first square
    middle = cell / 2 + 4.5
    for row, label in enumerate(text.labels):
        drawing.text(left - 8, top + row * cell + middle, label, 13, "ink", "end")
    for title, weights in text.maps:
        drawing.text(left, top + cell * len(text.labels) + 15, title, 12, "quiet")
        for column, label in enumerate(text.columns):
            drawing.text(left + column * cell + cell / 2, top - 7, label, 12, "ink", "start", -45)
        for row, line in enumerate(weights):
            for column, weight in enumerate(line[: row + 1]):
                _draw_cell(drawing, left + column * cell, top + row * cell, cell, weight, colour)
        left += cell * len(text.labels) + _GAP
    for row, words in enumerate(text.predicted):
        drawing.text(left - _GAP + 10, top + row * cell + middle, words, 13, "quiet")


def _draw_cell(drawing: Drawing, x: float, y: float, cell: float, weight: float, colour: str) -> None:
    drawing.rectangle(x, y, cell - 1, cell - 1, "grid", 0.35)
    if weight >= _LEAST_SHOWN:
        drawing.rectangle(x, y, cell - 1, cell - 1, colour, STRONGEST * weight)
        shown = "1" if weight > 0.995 else f"{weight:.2f}".removeprefix("0")
        drawing.text(x + (cell - 1) / 2, y + cell / 2 + 3.5, shown, 11, "ink", "middle")
