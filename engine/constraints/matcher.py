"""Which tokens may come next so that the text can still become what a constraint asks for.

For: the stage of the sampling chain. Knows: llguidance, and is the one file that does. Must not know: sampling, models.

    allowed()      by token id; the end of the text where the constraint accepts one
    accept(token)  it stands in the text now
    fork()         an independent copy
    is_complete    the text is what was asked for, and nothing may follow

A token is its bytes: characters spelt in several tokens, and tokens that hold several parts of a grammar, need no care.
The library computes its automaton as it is needed, so the size of a constraint hardly matters, only the way taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.constraints.patterns import grammar
from engine.contracts.constraint import Constraint
from engine.contracts.errors import EmptyDistributionError, GenerationError, UsageError

if TYPE_CHECKING:  # the real import takes a tenth of a second, for which only a constraint may ask
    from llguidance import LLMatcher

Mask = NDArray[np.bool_]

_END = b"\xff<end>"  # a token of our own, behind the model's: the library wants one for the end
_SHOWN = 120  # letters of the library's reason
_NO_WAY_ON = "NoExtension"  # how its reason begins where no token may follow


class Vocabulary:
    """The tokens of one model, as a tree of bytes."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        """`pieces`: the bytes of every token, by id; none for a control token, which no constraint allows."""
        from llguidance import LLTokenizer, TokenizerWrapper

        self.size = len(pieces)
        self._tokenizer = LLTokenizer(TokenizerWrapper(_Tokens(pieces)))
        self._by_bytes = {piece: token for token, piece in enumerate(pieces) if piece}
        self._longest = max(map(len, pieces), default=0)

    def matcher(self, constraint: Constraint, end_of_text: int) -> Matcher:
        """`end_of_text`: the token that ends a text, or -1 where none does. Raises `UsageError`."""
        from llguidance import LLMatcher

        text = grammar(constraint)
        found = LLMatcher(self._tokenizer, text, log_level=0)
        if found.is_error():
            raise UsageError(f"the constraint cannot be used: {_reason(found)}; correct it")
        matcher = Matcher(self, found, end_of_text)
        matcher.demand_a_text()
        return matcher

    def spell(self, text: bytes) -> list[int] | None:
        """Some tokens that make up these bytes; None where there are none."""
        ids: list[int] = []
        while text:
            lengths = range(min(self._longest, len(text)), 0, -1)
            length = next((length for length in lengths if text[:length] in self._by_bytes), 0)
            if not length:
                return None
            ids.append(self._by_bytes[text[:length]])
            text = text[length:]
        return ids


class Matcher:
    """One text on its way; see the module."""

    def __init__(self, vocabulary: Vocabulary, matcher: LLMatcher, end_of_text: int) -> None:
        self._vocabulary, self._matcher, self._end_of_text = vocabulary, matcher, end_of_text
        self._allowed: Mask | None = None  # of the text as it stands
        self._has_more = self._may_end = False  # the same

    def allowed(self) -> Mask:
        """(tokens,) of True and False. Raises `GenerationError` where the library gives up."""
        if self._allowed is None:
            self._allowed = self._compute()
        return self._allowed

    def accept(self, token: int) -> None:
        """The token, one of the allowed ones, stands in the text now; one without bytes changes nothing."""
        self._accept([token])

    def accept_bytes(self, text: bytes) -> None:
        """The same for a part of a token, which must be one that `can_accept`."""
        self._accept(self._vocabulary.spell(text) or [])

    def can_accept(self, text: bytes) -> bool:
        """Whether the text may go on with these bytes."""
        ids = self._vocabulary.spell(text)
        return ids is not None and self._matcher.validate_tokens(ids) == len(ids)

    def fork(self) -> Matcher:
        """An independent copy."""
        copy = Matcher(self._vocabulary, self._matcher.deep_copy(), self._end_of_text)
        copy._allowed, copy._has_more, copy._may_end = self._allowed, self._has_more, self._may_end
        return copy

    @property
    def is_complete(self) -> bool:
        """Whether nothing may follow."""
        self.allowed()
        return self._may_end and not self._has_more

    def demand_a_text(self) -> None:
        """Raises `UsageError` where the constraint allows nothing, or nothing but the empty text."""
        try:
            self.allowed()
        except EmptyDistributionError as error:
            raise UsageError("no text can fulfil the constraint; loosen it") from error
        if not self._has_more:
            raise UsageError("the constraint allows the empty text alone, so there is nothing to write; loosen it")

    def _accept(self, ids: list[int]) -> None:
        self._allowed = None
        if not self._matcher.consume_tokens(ids):
            raise GenerationError(
                f"the constraint cannot be followed any further: {_reason(self._matcher)}; simplify it"
            )

    def _compute(self) -> Mask:
        size = self._vocabulary.size
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        mask = np.unpackbits(bits, count=size + 1, bitorder="little").view(np.bool_)
        # Where there is no way on at all, the library allows its end too.
        self._may_end, allowed = bool(mask[size]) and self._matcher.is_accepting(), mask[:size]
        self._has_more = bool(allowed.any())
        if not self._has_more and not self._may_end:
            self._explain_the_end()
        if 0 <= self._end_of_text < size:
            allowed[self._end_of_text] = self._may_end
        return allowed

    def _explain_the_end(self) -> None:
        reason = _reason(self._matcher)
        if not self._matcher.is_error() or reason.startswith(_NO_WAY_ON):
            raise EmptyDistributionError("no token of this model can go on within the constraint; loosen it")
        raise GenerationError(f"the constraint cannot be followed any further: {reason}; simplify it")


class _Tokens:
    """What the library wants to know of a tokenizer."""

    bos_token_id = None

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.tokens = [*pieces, _END]
        self.eos_token_id = len(pieces)
        self.special_token_ids = [len(pieces)]

    def __call__(self, text: bytes) -> list[int]:
        """Never needed, since nothing is forced."""
        return []


def _reason(matcher: LLMatcher) -> str:
    """The library's words on one line, without places in a grammar that nobody has seen."""
    lines = matcher.get_error().splitlines() or [""]
    of_regex = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    reason = of_regex[0] if of_regex else lines[0].rpartition("): ")[2].partition("; consider")[0]
    return reason if len(reason) <= _SHOWN else f"{reason[:_SHOWN]}…"
