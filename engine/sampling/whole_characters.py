"""Only whole characters are written: no token that would make the text invalid UTF-8.

For: generation. A tokenizer that spells rare characters in bytes lets a model write bytes that no character has; what a
reader would see then is U+FFFD. Knows: UTF-8 and the bytes of tokens. Must not know: tokenizers, models.

    text so far ends in e4 b8 (two thirds of a character)   allowed: those that begin with one of 80 … bf and go on well
    text so far ends with a character                       allowed: all but those that begin in the middle of one
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.sampling.candidates import Candidates, Ids

_SECOND_BYTES = {0xE0: (0xA0, 0xBF), 0xED: (0x80, 0x9F), 0xF0: (0x90, 0xBF), 0xF4: (0x80, 0x8F)}  # Unicode, table 3-7
_MASKS_KEPT = 256  # a mask is as long as the vocabulary


class Characters:
    """Which tokens may come next, by the bytes of an unfinished character."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = pieces
        # Most tokens are whole characters, and never right inside one; only the others need a look.
        self.odd = frozenset(token for token, piece in enumerate(pieces) if piece and unfinished(piece) != b"")
        self.never_first: Ids = np.array(
            [token for token in sorted(self.odd) if unfinished(pieces[token]) is None], np.int64
        )
        self.those_never_first = frozenset(self.never_first.tolist())
        self.behind = lru_cache(maxsize=_MASKS_KEPT)(self._behind)

    def _behind(self, begun: bytes) -> NDArray[np.bool_] | None:
        """By id, the tokens that go on with `begun` bytes of a character; None where the vocabulary has none."""
        allowed = np.zeros(len(self.pieces), np.bool_)
        allowed[[token for token in self.odd if unfinished(begun + self.pieces[token]) is not None]] = True
        return allowed if allowed.any() else None


class WholeCharacters:
    """The stage; it reads the prompt too, which may end within a character."""

    def __init__(self, characters: Characters) -> None:
        self._characters = characters
        self._begun = b""

    @property
    def begun(self) -> bytes:
        """The bytes of a character that the text now ends within."""
        return self._begun

    def apply(self, candidates: Candidates, chance: float) -> None:
        if not self._begun:
            if len(self._characters.never_first):
                candidates.forbid(self._characters.never_first, self._characters.those_never_first)
            return
        allowed = self._characters.behind(self._begun)
        if allowed is not None:
            candidates.allow(allowed)

    def accept(self, token: int) -> None:
        """The bytes of a character that the text now ends with; none behind bytes that are no UTF-8."""
        if not self._begun and token not in self._characters.odd:
            return  # a prompt has hundreds of them, and each decoder takes its time
        pieces = self._characters.pieces
        piece = pieces[token] if token < len(pieces) else b""
        self._begun = unfinished(self._begun + piece) or b""

    def reset(self) -> None:
        self._begun = b""

    def clone(self) -> WholeCharacters:
        copy = WholeCharacters(self._characters)
        copy._begun = self._begun
        return copy


def unfinished(data: bytes) -> bytes | None:
    """The bytes of an unfinished character at the end of `data`; None where no text begins so."""
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        decoder.decode(data)
    except UnicodeDecodeError:
        return None
    begun = decoder.getstate()[0]
    lowest, highest = _SECOND_BYTES.get(begun[0], (0x80, 0xBF)) if begun else (0, 0)
    # The decoder notices surrogates with their last byte only.
    return None if len(begun) > 1 and not lowest <= begun[1] <= highest else begun
