"""Where text came from, drawn under it: a pattern and a colour for each origin, never a colour alone.

    generated   dots, green            pasted   dashes, blue            imported   a thin line, grey
    typed       nothing: it is the writer's own, and most of a page

A pattern is a small tile that is drawn once and laid side by side: a dashed pen took 20 ms a page, a tile takes one.

Knows: origins as values, the page's geometry, colours. Must not know: how text came to have an origin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPixmap

from desktop_app.document.origins import GENERATED, IMPORTED, PASTED
from desktop_app.editor.document_link import Piece
from desktop_app.editor.page_layout import PageLayout
from desktop_app.editor.painting import PlacedBlock, line_parts
from desktop_app.look.tokens import Tokens

NO_MARKS, DEFAULT_MARKS, ALL_MARKS = "none", "generated", "all"
# Which origins each choice shows.
MARKS: dict[str, tuple[str, ...]] = {
    NO_MARKS: (),
    DEFAULT_MARKS: (GENERATED,),
    ALL_MARKS: (GENERATED, PASTED, IMPORTED),
}
_DEPTH_EM = 0.2  # below the baseline, the same in all fonts
_TILE_HEIGHT = 3


@dataclass(frozen=True)
class _Stroke:
    """A pattern: `marks` (from, to) along a tile of `tile_width`, with round ends of `width` pixels."""

    role: str  # of the colour
    width: float
    tile_width: int
    marks: tuple[tuple[float, float], ...]


_STROKES = {
    GENERATED: _Stroke("generated", 1.5, 7, ((1.75, 1.76), (5.25, 5.26))),
    PASTED: _Stroke("pasted", 1.2, 8, ((1.5, 5.5),)),
    IMPORTED: _Stroke("imported", 0.8, 8, ((-2.0, 10.0),)),
}


class OriginMarks:
    """Draws the marks of one page; keeps its tiles."""

    def __init__(self) -> None:
        self._tiles: dict[tuple[str, str, float], QPixmap] = {}

    def paint(
        self,
        painter: QPainter,
        layout: PageLayout,
        blocks: Sequence[PlacedBlock],
        pieces: Sequence[Piece],
        tokens: Tokens,
        marks: str,
    ) -> None:
        """The marks under the blocks; `pieces` are in order and cover them. `marks`: a name of MARKS."""
        shown = [piece for piece in pieces if piece.origin.kind in MARKS[marks]]
        for placed in blocks:
            first, last = placed.block.position(), placed.block.position() + placed.block.length() - 1
            for piece in shown:
                if piece.start < last and piece.end > first:
                    tile = self._tile(piece.origin.kind, tokens, painter.device().devicePixelRatioF())
                    part = max(piece.start, first) - first, min(piece.end, last) - first
                    _underline(painter, layout, placed, part, tile)

    def _tile(self, kind: str, tokens: Tokens, ratio: float) -> QPixmap:
        stroke = _STROKES[kind]
        colour = getattr(tokens, stroke.role)
        known = self._tiles.get((kind, colour, ratio))
        if known is None:
            known = self._tiles[kind, colour, ratio] = _draw_tile(stroke, QColor(colour), ratio)
        return known


def _underline(
    painter: QPainter, layout: PageLayout, placed: PlacedBlock, part: tuple[int, int], tile: QPixmap
) -> None:
    depth = _DEPTH_EM * layout.page.em
    for line, left, right in line_parts(placed.block, *part):
        y = round(placed.top + line.y() + line.ascent() + depth)
        # One grid for the whole page, so that neighbouring pieces do not meet out of step.
        area = QRectF(round(left), y - 1, max(1, round(right) - round(left)), _TILE_HEIGHT)
        painter.drawTiledPixmap(area, tile, QPointF(area.left() % (tile.width() / tile.devicePixelRatio()), 0))


def _draw_tile(stroke: _Stroke, colour: QColor, ratio: float) -> QPixmap:
    tile = QPixmap(round(stroke.tile_width * ratio), round(_TILE_HEIGHT * ratio))
    tile.setDevicePixelRatio(ratio)
    tile.fill(Qt.GlobalColor.transparent)
    painter = QPainter(tile)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, stroke.width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    for start, end in stroke.marks:
        painter.drawLine(QPointF(start, _TILE_HEIGHT / 2), QPointF(end, _TILE_HEIGHT / 2))
    painter.end()
    return tile
