"""Misspelt words, marked on the page: a red wave that lies lower than every mark of an origin.

    recieve
    .......     where it came from (dots, dashes or a line), 0.2 em below the baseline
    ~~~~~~~     misspelt, below that: both are seen where both hold

Between two checks the marks go along with the text: a change moves those behind it and takes away those that it meets.

Knows ranges, the page's geometry, colours. Must not know: words, dictionaries, widgets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPixmap

from desktop_app.editor.page_layout import PageLayout
from desktop_app.editor.painting import PlacedBlock, line_parts
from desktop_app.look.tokens import Tokens

Range = tuple[int, int]
_DEPTH_EM = 0.31  # below the baseline: the marks of origins end at 0.2 em and two pixels
_TILE_WIDTH, _TILE_HEIGHT = 6, 4
_STROKE = 1.1


class SpellingMarks:
    """The marks of one page, as (start, end) of its text in order. `renew` draws the page again."""

    def __init__(self, renew: Callable[[], None]) -> None:
        self._renew = renew
        self._ranges: tuple[Range, ...] = ()
        self._tiles: dict[tuple[str, float], QPixmap] = {}

    @property
    def ranges(self) -> tuple[Range, ...]:
        """Where they are now."""
        return self._ranges

    def show(self, ranges: Sequence[Range]) -> None:
        """Mark these and no others."""
        if tuple(ranges) != self._ranges:
            self._ranges = tuple(ranges)
            self._renew()

    def follow(self, position: int, removed: int, added: int) -> None:
        """The text changed there. Qt draws what moved anew."""
        if self._ranges:
            self._ranges = moved(self._ranges, position, removed, added)

    def at(self, position: int) -> Range | None:
        """The mark of the word that holds a position, or ends there."""
        return next((each for each in self._ranges if each[0] <= position <= each[1]), None)

    def paint(self, painter: QPainter, layout: PageLayout, blocks: Sequence[PlacedBlock], tokens: Tokens) -> None:
        """Draw those of these paragraphs."""
        if not self._ranges or not blocks:
            return
        tile = self._tile(tokens.misspelt, painter.device().devicePixelRatioF())
        for placed in blocks:
            first, last = placed.block.position(), placed.block.position() + placed.block.length() - 1
            for start, end in self._ranges:
                if start < last and end > first:
                    _wave(painter, layout, placed, (max(start, first) - first, min(end, last) - first), tile)

    def _tile(self, colour: str, ratio: float) -> QPixmap:
        if (colour, ratio) not in self._tiles:
            self._tiles[colour, ratio] = _draw_tile(QColor(colour), ratio)
        return self._tiles[colour, ratio]


def moved(ranges: Sequence[Range], position: int, removed: int, added: int) -> tuple[Range, ...]:
    """Where ranges are after a change. One that was changed, or that letters were put to, is not known any more."""
    behind, by = position + removed, added - removed
    return tuple(
        each if each[1] < position else (each[0] + by, each[1] + by)
        for each in ranges
        if each[1] < position or each[0] > behind
    )


def _wave(painter: QPainter, layout: PageLayout, placed: PlacedBlock, part: Range, tile: QPixmap) -> None:
    for line, left, right in line_parts(placed.block, *part):
        y = round(placed.top + line.y() + line.ascent() + _DEPTH_EM * layout.page.em)
        area = QRectF(round(left), y, max(_TILE_WIDTH / 2, round(right) - round(left)), _TILE_HEIGHT)
        painter.drawTiledPixmap(area, tile, QPointF(0, 0))


def _draw_tile(colour: QColor, ratio: float) -> QPixmap:
    tile = QPixmap(round(_TILE_WIDTH * ratio), round(_TILE_HEIGHT * ratio))
    tile.setDevicePixelRatio(ratio)
    tile.fill(Qt.GlobalColor.transparent)
    painter = QPainter(tile)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, _STROKE, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    top, bottom, half = _STROKE / 2 + 0.2, _TILE_HEIGHT - _STROKE / 2 - 0.2, _TILE_WIDTH / 2
    wave = QPainterPath(QPointF(-half, top))
    for x in (0.0, half, 2 * half, 3 * half):  # from crest to trough and back, over both edges of the tile
        goes_down = round(x / half) % 2 == 0
        before, after = (top, bottom) if goes_down else (bottom, top)
        wave.cubicTo(QPointF(x - half / 2, before), QPointF(x - half / 2, after), QPointF(x, after))
    painter.drawPath(wave)
    painter.end()
    return tile
