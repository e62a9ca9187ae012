"""Where text came from, drawn under it: a pattern and a colour for each origin, never a colour alone.

    generated   dots, green            pasted   dashes, blue            imported   a thin line, grey
    typed       nothing: it is the writer's own, and most of a page

Knows: origins as values, the page's geometry, colours. Must not know: how text came to have an origin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

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


@dataclass(frozen=True)
class _Stroke:
    """A pattern: lengths of marks and gaps in units of the width; none is an unbroken line."""

    role: str  # of the colour
    width: float
    pattern: tuple[float, ...] = ()


_STROKES = {
    GENERATED: _Stroke("generated", 1.4, (0.1, 2.4)),
    PASTED: _Stroke("pasted", 1.2, (4.0, 3.0)),
    IMPORTED: _Stroke("imported", 0.8),
}


def paint_origins(
    painter: QPainter,
    layout: PageLayout,
    blocks: Sequence[PlacedBlock],
    pieces: Sequence[Piece],
    tokens: Tokens,
    marks: str,
) -> None:
    """The marks under the blocks; `pieces` are in order and cover them."""
    shown = [piece for piece in pieces if piece.origin.kind in MARKS[marks]]
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for placed in blocks:
        first, last = placed.block.position(), placed.block.position() + placed.block.length() - 1
        for piece in shown:
            if piece.start < last and piece.end > first:
                painter.setPen(_pen(piece.origin.kind, tokens))
                _underline(painter, layout, placed, max(piece.start, first) - first, min(piece.end, last) - first)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


def _underline(painter: QPainter, layout: PageLayout, placed: PlacedBlock, start: int, end: int) -> None:
    depth = _DEPTH_EM * layout.page.em
    for line, left, right in line_parts(placed.block, start, end):
        y = round(placed.top + line.y() + line.ascent() + depth) + 0.5
        painter.drawLine(QPointF(left, y), QPointF(right, y))


def _pen(kind: str, tokens: Tokens) -> QPen:
    stroke = _STROKES[kind]
    pen = QPen(QColor(getattr(tokens, stroke.role)), stroke.width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
    if stroke.pattern:
        pen.setDashPattern(list(stroke.pattern))
    return pen
