"""The one stream that every writer reads: a manuscript as blocks, and pieces of text in them.

    Heading · Paragraph · Quote(blocks) · Listing(items of blocks) · SceneBreak          Piece: text, emphasis, origin

For: writers of files. Knows no syntax and no format; must not know Qt or files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """Text of one look and one origin. "\\n" in it is a line break. `origin`: index of the run, -1 where unknown."""

    text: str
    is_emphasis: bool = False
    is_strong: bool = False
    origin: int = -1


Pieces = tuple[Piece, ...]


@dataclass(frozen=True)
class Heading:
    """`level` 1 to 6."""

    level: int
    pieces: Pieces


@dataclass(frozen=True)
class Paragraph:
    """A paragraph of prose."""

    pieces: Pieces


@dataclass(frozen=True)
class Quote:
    """A block quote."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Listing:
    """A list. `start`: the first number of an ordered one."""

    is_ordered: bool
    start: int
    items: tuple[tuple[Block, ...], ...]


@dataclass(frozen=True)
class SceneBreak:
    """A change of scene: an empty line with a mark in the middle."""


Block = Heading | Paragraph | Quote | Listing | SceneBreak


def plain(pieces: Iterable[Piece]) -> str:
    """The text of pieces without their look."""
    return "".join(piece.text for piece in pieces)


def all_pieces(blocks: Iterable[Block]) -> Iterator[Piece]:
    """Every piece in order, from the depths of quotes and lists too."""
    for block in blocks:
        if isinstance(block, (Heading, Paragraph)):
            yield from block.pieces
        elif isinstance(block, Quote):
            yield from all_pieces(block.blocks)
        elif isinstance(block, Listing):
            for item in block.items:
                yield from all_pieces(item)
