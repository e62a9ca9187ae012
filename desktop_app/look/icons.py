"""The program's own line icons and its seal, drawn from `resources/icons/*.svg` in the colours of the theme.

Knows: SVG files whose strokes say "currentColor". Must not know: where an icon stands.
"""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from desktop_app.look.resource_files import resource_file

_SCALES = (1, 2, 3)  # device pixels a pixel
SEAL_SIZES = (16, 24, 32, 48, 64, 128, 256)


def line_icon(name: str, colour: str, disabled_colour: str = "", size: int = 18) -> QIcon:
    """The icon `name` in `colour`, sharp on dense screens too."""
    icon = QIcon()
    source = resource_file("icons", f"{name}.svg").read_text(encoding="utf-8")
    for mode, ink in ((QIcon.Mode.Normal, colour), (QIcon.Mode.Disabled, disabled_colour or colour)):
        for scale in _SCALES:
            icon.addPixmap(_render(source.replace("currentColor", ink), size, scale), mode)
    return icon


def line_pixmap(name: str, colour: str, size: int, scale: float) -> QPixmap:
    """One picture of an icon for a label on a screen of that density."""
    source = resource_file("icons", f"{name}.svg").read_text(encoding="utf-8")
    return _render(source.replace("currentColor", colour), size, scale)


def seal_icon() -> QIcon:
    """The program's own icon."""
    source = resource_file("icons", "nextstroke.svg").read_text(encoding="utf-8")
    icon = QIcon()
    for size in SEAL_SIZES:
        icon.addPixmap(_render(source, size, 1))
    return icon


def seal_pixmap(size: int, scale: float) -> QPixmap:
    """The seal as a picture."""
    return _render(resource_file("icons", "nextstroke.svg").read_text(encoding="utf-8"), size, scale)


def _render(source: str, size: int, scale: float) -> QPixmap:
    pixels = round(size * scale)
    pixmap = QPixmap(QSize(pixels, pixels))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(QByteArray(source.encode("utf-8"))).render(painter, QRectF(0, 0, pixels, pixels))
    painter.end()
    pixmap.setDevicePixelRatio(scale)
    return pixmap
