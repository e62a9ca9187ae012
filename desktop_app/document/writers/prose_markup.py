"""The writer's Markdown-like text as a block stream, every character with its origin.

    # heading    > quote    - item    1. item    *** (or ⁂, ＊＊＊, #)    *emphasis*    **strong**    \\*

What is understood is what prose needs, read by markdown-it-py with these rules alone. Links, pictures, HTML, tables,
code and entities stay as they are written: nothing that a writer typed disappears. A line of --- is a change of scene,
never the underline of a heading; four spaces are an indent, never code. Two things differ from CommonMark:

- A line is a paragraph, as the page shows it, unless `joins_lines`. So each line end counts as a paragraph's end.
- Stars beside Chinese open and close where full-width punctuation stands between: **“好。”**他说. CommonMark refuses
  them (commonmark-spec issue 650); this is the rule of the `markdown-cjk-friendly` specification.

For: writers of files. Knows markdown-it-py's tokens; must not know formats, Qt or files.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace

from markdown_it import MarkdownIt
from markdown_it.common.utils import isMdAsciiPunct, isPunctChar, isWhiteSpace
from markdown_it.rules_inline.state_inline import Delimiter, StateInline
from markdown_it.token import Token

from desktop_app.document.writers.blocks import (
    Block,
    Heading,
    Listing,
    Paragraph,
    Piece,
    Quote,
    SceneBreak,
    plain,
)
from desktop_app.document.writers.manuscript import Manuscript

_RULES = ["blockquote", "heading", "hr", "list", "escape", "emphasis", "newline"]
_MOST_NESTING = 100
_SCENE = re.compile(r"⁂|(?:[＊*◇◆☆★※○●～~#][\s]*){3,}")
# Letters and punctuation of Chinese, Japanese and full-width forms.
CHINESE_CHARACTER = re.compile(
    "[\u2e80-\u303f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U000323af]"
)


def read_blocks(manuscript: Manuscript) -> tuple[Block, ...]:
    """The blocks of a manuscript; linear in its length."""
    source = _Source(manuscript)
    builder = _Builder(source)
    for token in _parser().parse(source.parsed):
        builder.take(token)
    return builder.blocks


def is_scene_break(text: str) -> bool:
    """Whether a line is a mark between scenes and nothing else."""
    return _SCENE.fullmatch(text.strip()) is not None


def _parser() -> MarkdownIt:
    parser = MarkdownIt("zero", {"maxNesting": _MOST_NESTING}).enable(_RULES).disable(["text_join"])
    parser.inline.ruler.at("emphasis", _emphasis)
    return parser


def _emphasis(state: StateInline, silent: bool) -> bool:
    """markdown-it-py's own rule, but that Chinese beside a star is no obstacle."""
    marker = state.src[state.pos]
    if silent or marker not in "*_":
        return False
    scanned = state.scanDelims(state.pos, marker == "*")
    before = state.src[state.pos - 1] if state.pos else " "
    end = state.pos + scanned.length
    after = state.src[end] if end < state.posMax else " "
    opens, closes = scanned.can_open, scanned.can_close
    if marker == "*":
        opens = opens or (_is_punctuation(after) and CHINESE_CHARACTER.match(before) is not None)
        closes = closes or (_is_punctuation(before) and CHINESE_CHARACTER.match(after) is not None)
    for _ in range(scanned.length):
        state.push("text", "", 0).content = marker
        place = len(state.tokens) - 1
        state.delimiters.append(Delimiter(ord(marker), scanned.length, place, -1, opens, closes))
    state.pos = end
    return True


def _is_punctuation(character: str) -> bool:
    return not isWhiteSpace(ord(character)) and (isMdAsciiPunct(ord(character)) or isPunctChar(character))


class _Source:
    """The text as it is parsed, and where in the manuscript each parsed character stands."""

    def __init__(self, manuscript: Manuscript) -> None:
        # One character each, as the parser does it or, of a pair, would not.
        text = manuscript.text.replace("\r", " ").replace("\0", "\ufffd")
        self._lines = text.split("\n")
        self._starts: list[int] = []
        start = 0
        for line in self._lines:
            self._starts.append(start)
            start += len(line) + 1
        self._lines_apart = 1 if manuscript.joins_lines else 2
        self.parsed = ("\n" * self._lines_apart).join(self._lines)
        self._run_ends = manuscript.run_ends()

    def line_of(self, parsed_line: int) -> int:
        """The manuscript's line of a parsed one."""
        return parsed_line // self._lines_apart

    def positions(self, content: str, first_line: int, behind: int) -> list[int]:
        """Where in the manuscript each character of a token's content stands; the token has these parsed lines.

        The content may begin below the first one: the parser takes white space off, and a line of wide spaces is no
        empty line to it.
        """
        found: list[int] = []
        parts = content.split("\n")
        candidates = range(first_line, max(behind - len(parts) + 1, first_line + 1))
        begin = next((line for line in candidates if parts[0] in self._lines[self.line_of(line)]), first_line)
        for offset, part in enumerate(parts):
            number = self.line_of(begin + offset)
            first = self._starts[number] + max(0, self._lines[number].rfind(part))
            found.extend(range(first, first + len(part) + 1))  # and its line end
        return found

    def origins(self, text: str, first: int) -> Iterator[tuple[str, int]]:
        """(part, run) of a text that begins at `first` in the manuscript."""
        if not self._run_ends:
            yield text, -1
            return
        done = 0
        while done < len(text):
            run = min(bisect_right(self._run_ends, first + done), len(self._run_ends) - 1)
            last = len(text) if run == len(self._run_ends) - 1 else min(len(text), self._run_ends[run] - first)
            yield text[done:last], run
            done = last


class _Builder:
    """Takes tokens one by one; `blocks` is what they made."""

    def __init__(self, source: _Source) -> None:
        self._source = source
        self._open: list[list[Block]] = [[]]  # the blocks of every quote and item that is open
        self._items: list[list[tuple[Block, ...]]] = []  # the items of every list that is open
        self._lists: list[Token] = []
        self._quotes: list[Token] = []
        self._quote_ends: dict[int, int] = {}  # by depth: the line behind the last quote there
        self._level = 0  # of the heading that is open; 0: a paragraph

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Everything so far."""
        return tuple(self._open[0])

    def take(self, token: Token) -> None:
        """One token of the parser."""
        step = getattr(self, f"_take_{token.type}", None)
        if step is not None:
            step(token)

    def _take_heading_open(self, token: Token) -> None:
        self._level = int(token.tag[1])

    def _take_heading_close(self, _token: Token) -> None:
        self._level = 0

    def _take_hr(self, _token: Token) -> None:
        self._open[-1].append(SceneBreak())

    def _take_inline(self, token: Token) -> None:
        pieces = tuple(_merged(_pieces(token, self._source)))
        text = plain(pieces).strip()
        if is_scene_break(text) or (self._level and not text):
            self._open[-1].append(SceneBreak())
        elif self._level:
            self._open[-1].append(Heading(self._level, pieces))
        elif text:
            self._open[-1].append(Paragraph(pieces))

    def _take_blockquote_open(self, token: Token) -> None:
        self._quotes.append(token)
        self._open.append([])

    def _take_blockquote_close(self, _token: Token) -> None:
        """Lines were parsed one by one, so a quote of several lines comes as several quotes: they are one."""
        blocks, outer = self._open.pop(), self._open[-1]
        first, behind = (self._quotes.pop().map or [0, 0])[:2]
        start, depth = self._source.line_of(first), len(self._open)
        if outer and isinstance(outer[-1], Quote) and self._quote_ends.get(depth) == start:
            blocks = _joined([*outer[-1].blocks], blocks)
            outer.pop()
        outer.append(Quote(tuple(blocks)))
        self._quote_ends[depth] = self._source.line_of(behind - 1) + 1

    def _take_bullet_list_open(self, token: Token) -> None:
        self._lists.append(token)
        self._items.append([])

    _take_ordered_list_open = _take_bullet_list_open

    def _take_list_item_open(self, _token: Token) -> None:
        self._open.append([])

    def _take_list_item_close(self, _token: Token) -> None:
        self._items[-1].append(tuple(self._open.pop()))

    def _take_bullet_list_close(self, _token: Token) -> None:
        opened, items = self._lists.pop(), tuple(self._items.pop())
        is_ordered = opened.type == "ordered_list_open"
        start = opened.attrGet("start")  # absent where it is 1
        self._open[-1].append(Listing(is_ordered, 1 if start is None else int(start), items))

    _take_ordered_list_close = _take_bullet_list_close


def _joined(first: list[Block], second: list[Block]) -> list[Block]:
    """The blocks of two quotes as those of one; a list that goes on is one list."""
    if first and second and isinstance(first[-1], Listing) and isinstance(second[0], Listing):
        upper, lower = first[-1], second[0]
        if upper.is_ordered == lower.is_ordered:
            return [*first[:-1], replace(upper, items=upper.items + lower.items), *second[1:]]
    return [*first, *second]


def _pieces(inline: Token, source: _Source) -> Iterator[Piece]:
    """Walk along a token's content: marks are as long as they say, text is as it stands."""
    content = inline.content
    positions = source.positions(content, *(inline.map or (0, 1)))
    place = emphasis = strong = 0
    for token in inline.children or ():
        if token.type in ("softbreak", "hardbreak"):
            end = _behind_break(content, place)
            text = "\n" if token.type == "hardbreak" else _joint(content[:place], content[end:])
            start, place = place, end
        elif token.type == "text":
            text, start, place = token.content, place, place + len(token.content)
        elif token.type == "text_special":  # "\\*": the mark is what was written
            text, start, place = (
                token.content,
                place + len(token.markup) - len(token.content),
                place + len(token.markup),
            )
        else:
            text, start, place = "", place, place + len(token.markup)
            emphasis += token.nesting if token.type.startswith("em_") else 0
            strong += token.nesting if token.type.startswith("strong_") else 0
        if text:
            for part, origin in source.origins(text, positions[start]):
                yield Piece(part, emphasis > 0, strong > 0, origin)


def _behind_break(content: str, place: int) -> int:
    """Behind a line end with the spaces around it and the backslash that may stand before."""
    end = content.index("\n", place) + 1
    return end + len(content[end:]) - len(content[end:].lstrip(" \t"))


def _joint(before: str, after: str) -> str:
    """What a line end within a paragraph stands for: a space, but nothing between Chinese."""
    pair = before.rstrip()[-1:] + after[:1]
    return "" if len(pair) == 2 and all(CHINESE_CHARACTER.match(character) for character in pair) else " "


def _merged(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Neighbours of one look and one origin as one piece."""
    waiting: Piece | None = None
    for piece in pieces:
        if waiting is not None and replace(piece, text="") == replace(waiting, text=""):
            waiting = replace(waiting, text=waiting.text + piece.text)
            continue
        if waiting is not None:
            yield waiting
        waiting = piece
    if waiting is not None:
        yield waiting
