"""Which typefaces the page and the window use, out of what the system has.

Knows: names of good faces, best first. Must not know: sizes that the person chose, widgets.
"""

from __future__ import annotations

from PySide6.QtGui import QFont, QFontDatabase, QGuiApplication

from desktop_app.qt_writers.faces import Faces

LEAST_SIZE_PT, MOST_SIZE_PT = 12, 28

_LATIN_SERIF = ("Source Serif 4", "Source Serif Pro", "Noto Serif", "Charter", "Iowan Old Style", "Georgia", "Cambria")
_CHINESE_SERIF = (
    "Noto Serif CJK SC",
    "Source Han Serif SC",
    "Noto Serif SC",
    "Songti SC",
    "STSong",
    "SimSun",
    "AR PL UMing CN",
)
_LAST_SERIF = ("Liberation Serif", "DejaVu Serif", "Times New Roman")
_CHINESE_SANS = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Noto Sans SC",
    "PingFang SC",
    "Microsoft YaHei UI",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
)
_CHINESE_KAI = ("LXGW WenKai", "KaiTi", "STKaiti", "Kaiti SC", "AR PL UKai CN")
_LATIN_SANS = ("Inter", "Noto Sans", "Segoe UI", "Cantarell", "Ubuntu", "Helvetica Neue")


def page_font(family: str, size_pt: int) -> QFont:
    """The face of the page: the chosen one, or the best serif, with Chinese faces to fall back to."""
    font = QFont()
    chosen = (family,) if family else ()
    font.setFamilies([*chosen, *_present((*_LATIN_SERIF, *_CHINESE_SERIF, *_LAST_SERIF, *_CHINESE_SANS))] or ["serif"])
    font.setStyleHint(QFont.StyleHint.Serif)
    font.setPointSize(max(LEAST_SIZE_PT, min(size_pt, MOST_SIZE_PT)))
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return font


def book_faces() -> Faces:
    """The faces of exported books: serifs of both scripts, and 楷体 for emphasis where the system has one."""
    serif = _present((*_LATIN_SERIF, *_CHINESE_SERIF, *_LAST_SERIF, *_CHINESE_SANS)) or ["serif"]
    return Faces(tuple(serif), tuple(_present(_CHINESE_KAI)))


def window_font() -> QFont:
    """The face of menus and panels: a plain sans serif that has both scripts."""
    font = QFont(QGuiApplication.font())
    font.setFamilies(_present((*_LATIN_SANS, *_CHINESE_SANS)) or font.families())
    font.setStyleHint(QFont.StyleHint.SansSerif)
    font.setPointSizeF(10.0)
    return font


def _present(wanted: tuple[str, ...]) -> list[str]:
    installed = set(QFontDatabase.families())
    return [family for family in wanted if family in installed]
