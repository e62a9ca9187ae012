"""Phrases that must not be written: found while tokens come, so that the loop can take them back.

For: generation. Knows: bytes of tokens and phrases. Must not know: models, sampling, sessions.

    written   … I  am  so  rr | y        banned: "sorry"
                       └──┴─────┴ three tokens are taken back; the first of them is forbidden in its place

A token that may still turn out to begin a phrase is held: nobody has seen it yet. After a taking back, a phrase may
begin in tokens that were let go; then everything behind those is taken back.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.pieces import holding


class PhraseGuard:
    """The tokens of one text that are held."""

    def __init__(self, phrases: Sequence[str]) -> None:
        self._phrases = tuple(phrase.encode() for phrase in phrases)
        self._pieces: list[bytes] = []  # of the held tokens
        self._before = b""  # the end of what was let go, as far as a phrase may begin in it
        self._reach = max(map(len, self._phrases), default=1) - 1

    @property
    def is_on(self) -> bool:
        """Whether any phrase is banned."""
        return bool(self._phrases)

    @property
    def held(self) -> int:
        """How many of the last tokens may still turn out to begin a phrase."""
        return len(self._pieces)

    def alike(self, token: int, pieces: Sequence[bytes]) -> list[int]:
        """Ids to forbid in the place of `token`, by the bytes of every token: itself, or all that hold a phrase whole.

        Where one such token was wanted, the next best ones often are of its kind.
        """
        if not any(phrase in pieces[token] for phrase in self._phrases):
            return [token]
        return list(holding(self._phrases, pieces))

    def push(self, piece: bytes) -> int:
        """Add a token's bytes; how many of the last tokens must be taken back, of which the first began a phrase."""
        self._pieces.append(piece)
        text = self._before + b"".join(self._pieces)
        starts = [start for phrase in self._phrases if (start := text.find(phrase)) >= 0]
        if starts:
            first = self._token_at(min(starts))
            back = len(self._pieces) - first
            del self._pieces[first:]
            return back
        kept = max((_overlap(text, phrase) for phrase in self._phrases), default=0)
        self._let_go(self._token_at(len(text) - kept) if kept else len(self._pieces))
        return 0

    def _let_go(self, count: int) -> None:
        text = self._before + b"".join(self._pieces[:count])
        self._before = text[max(len(text) - self._reach, 0) :]
        del self._pieces[:count]

    def _token_at(self, offset: int) -> int:
        """Which held token the byte at `offset` belongs to; the first one for a byte before them."""
        end = len(self._before)
        for place, piece in enumerate(self._pieces):
            end += len(piece)
            if offset < end:
                return place
        return len(self._pieces)


def _overlap(text: bytes, phrase: bytes) -> int:
    """Length of the longest end of `text` that is a beginning of `phrase`."""
    for length in range(min(len(phrase) - 1, len(text)), 0, -1):
        if text.endswith(phrase[:length]):
            return length
    return 0
