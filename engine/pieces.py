"""Tokens by what their bytes hold.

For: stages and guards that are told texts and need tokens. Knows: bytes. Must not know: tokenizers, sampling.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence


def holding(wanted: Collection[bytes], pieces: Sequence[bytes]) -> Iterator[int]:
    """Ids of the pieces that hold one of `wanted`: a look-up for each part of a piece, however many are wanted."""
    sought = frozenset(wanted)
    lengths = sorted({len(text) for text in sought})
    for token, piece in enumerate(pieces):
        parts = (piece[at : at + length] for length in lengths for at in range(len(piece) - length + 1))
        if any(part in sought for part in parts):
            yield token
