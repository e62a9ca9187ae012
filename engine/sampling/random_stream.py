"""Random numbers that depend on (seed, candidate, index) and nothing else.

For: the choice of a token. Knows: Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
Must not know: distributions or tokens.

There is no state to save or to advance: token 57 of candidate 3 has its number, whether or not the others were drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_WORD = 0xFFFFFFFF


@dataclass(frozen=True)
class RandomStream:
    """The numbers of one candidate under one seed (64 bits)."""

    seed: int
    candidate: int = 0

    def uniform(self, index: int) -> float:
        """Number `index` of the stream, in [0, 1) with 53 random bits."""
        return self.pair(index)[0]

    def pair(self, index: int) -> tuple[float, float]:
        """Number `index`, and another that is independent of it."""
        counter = (index & _WORD, index >> 32 & _WORD, self.candidate, 0)
        one, two, three, four = philox(counter, (self.seed & _WORD, self.seed >> 32 & _WORD))
        return ((two << 32 | one) >> 11) * 2.0**-53, ((four << 32 | three) >> 11) * 2.0**-53


def philox(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Philox 4x32-10: four 32-bit words from a 128-bit counter and a 64-bit key."""
    a, b, c, d = counter
    first, second = key
    for _ in range(_ROUNDS):
        left, right = a * _MULTIPLIERS[0], c * _MULTIPLIERS[1]
        a, b, c, d = (right >> 32) ^ b ^ first, right & _WORD, (left >> 32) ^ d ^ second, left & _WORD
        first, second = (first + _KEY_STEPS[0]) & _WORD, (second + _KEY_STEPS[1]) & _WORD
    return a, b, c, d
