"""The text of the first start: the beginning of a story with the caret at its end, and below it what to press.

The story stands above so that the model reads nothing but the story. Knows: words. Must not know: Qt.
"""

from __future__ import annotations

from dataclasses import dataclass

_CHINESE_START = "从前有一个小女孩，她住在海边的一座小房子里。有一天，"
_CHINESE_HELP = (
    "欢迎使用 Nextstroke · 下一笔。\n"
    "光标就在上面那句话的末尾：按下 Ctrl+Enter，故事会接着写下去；按 Esc 停笔。不合心意，Ctrl+Z 一次撤销整段，"
    "Ctrl+R 换一种写法。一切都在这台电脑上完成，您的文字不会离开这里。这几行随时可以删去。"
)
_ENGLISH_START = "Once upon a time, a little girl lived in a small house by the sea. One day,"
_ENGLISH_HELP = (
    "Welcome to Nextstroke · 下一笔.\n"
    "The caret stands at the end of the line above: press Ctrl+Enter and the story goes on; Esc stops it. Not to your "
    "taste? Ctrl+Z takes the whole passage back, Ctrl+R tries another. Everything happens on this computer; your words "
    "never leave it. Delete these lines whenever you like."
)


@dataclass(frozen=True)
class Welcome:
    """The text, and where the caret goes (in characters of the Basic Multilingual Plane, so in Qt's count too)."""

    text: str
    caret: int


def welcome(language: str) -> Welcome:
    """The welcome in both languages, the window's own first."""
    if language == "zh":
        start, parts = _CHINESE_START, (_CHINESE_HELP, _ENGLISH_HELP)
    else:
        start, parts = _ENGLISH_START, (_ENGLISH_HELP, _CHINESE_HELP)
    return Welcome("\n\n".join((start, *parts)), len(start))
