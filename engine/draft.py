"""Guesses of the next tokens by a small model with the same tokens, for a large one to verify in one run.

For: the loop, which keeps the guesses that are what it chooses anyway, so that the text stays the same. Knows: the
small model's sessions, and how a candidate would choose. Must not know: the large model, requests, events.

    text … t    small model: t -> a -> b -> c       three short runs, each choosing as the text will: by the same
                large model: t a b c together       stages and the same random number for that place
                a and b are chosen, c is not       t a b stay; both sessions go back to them

Sources: speculative decoding (Leviathan et al. 2023, Chen et al. 2023). Their rule of acceptance keeps the
distribution; here a guess counts only where it IS the token that plain decoding chooses, so every token stays.
Choosing with the same random number makes that likely under sampling too (a maximal coupling it is not).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.contracts.errors import EmptyDistributionError
from engine.runtime import Graph, Logits
from engine.sampling.candidates import Candidates
from engine.sampling.chain import Chain
from engine.sampling.random_stream import RandomStream
from engine.session import RunPlan, Session
from engine.session_pool import SessionPool

_PATIENCE = 4  # wrong beginnings in a row before guessing pauses
_LONGEST_PAUSE = 32  # tokens

IsCancelled = Callable[[], bool]


@dataclass
class Foresight:
    """How a candidate will choose its next tokens, as far as logits alike its own allow; nothing of it is changed."""

    chain: Chain  # a copy that is its own
    stream: RandomStream
    place: int  # of the first token to foresee
    tokens: int  # ids from here on stand for no text

    def choose(self, pool: Candidates, logits: Logits) -> int | None:
        """The token that these logits (vocabulary,) would make it choose; None where the rules leave none."""
        pool.fill(logits)
        pool.forbid_from(self.tokens)
        number, chance = self.stream.pair(self.place)
        with contextlib.suppress(EmptyDistributionError):
            self.chain.apply(pool, chance)
            token = pool.choose(number)
            self.chain.accept(token)
            self.place += 1
            return token
        return None


@dataclass
class DraftModel:
    """The small model beside a large one. `longest`: tokens guessed ahead unless a request says otherwise; 0: none."""

    name: str
    graph: Graph
    context_length: int
    longest: int = 0
    note: str = ""  # what was measured, in a sentence
    sessions: SessionPool = field(init=False)

    def __post_init__(self) -> None:
        """Its sessions stay between requests, as the large model's do."""
        self.sessions = SessionPool(self._new_session)

    def _new_session(self) -> Session:
        # Guesses may round as they like: whatever they are, the large model decides.
        return Session(self.graph, self.graph.new_cache(self.context_length), RunPlan())


class DraftGuesses:
    """The guesses for one text; at most `longest` tokens each, 0 for none at all."""

    def __init__(self, draft: DraftModel | None, longest: int, vocabulary_size: int, is_cancelled: IsCancelled) -> None:
        """`vocabulary_size`: of the large model; matrices of either may be padded."""
        self._draft, self._longest, self._is_cancelled = draft, longest, is_cancelled
        self._next = longest
        self._wrong = self._waiting = 0
        self._pause = 1
        self._session: Session | None = None  # follows the text from the first guess on
        self._pool = Candidates(vocabulary_size)
        self._row: Logits = np.full(vocabulary_size, -np.inf, np.float32)

    @property
    def is_on(self) -> bool:
        """Whether there are guesses at all."""
        return self._draft is not None and self._longest > 0

    def guess(self, tokens: Sequence[int], room: int, foresee: Callable[[], Foresight]) -> list[int]:
        """Up to `room` tokens that may follow `tokens`; none when cancelled or where the small model's context ends."""
        if self._draft is None or not self.is_on:
            return []
        count = min(self._next, room, self._draft.context_length - len(tokens))
        if self._waiting > 0 or count < 1:
            self._waiting = max(self._waiting - 1, 0)
            return []
        self._session = self._session or self._draft.sessions.for_prompt(tokens)
        return self._chosen(self._session, tokens, count, foresee())

    def learn(self, guessed: int, right: int) -> None:
        """How many of the guessed tokens were right."""
        self._next = min(guessed + 1, self._longest) if right == guessed else max(right + 1, 1)
        self._wrong = 0 if right else self._wrong + 1
        if right:
            self._pause = 1
        elif self._wrong % _PATIENCE == 0:
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            self._waiting = self._pause

    def _chosen(self, session: Session, tokens: Sequence[int], count: int, foresight: Foresight) -> list[int]:
        logits = session.prefill(tokens[session.align(tokens) :], self._is_cancelled)
        found: list[int] = []
        while logits is not None and len(found) < count:
            shared = min(logits.shape[-1], len(self._row))
            self._row[:shared] = logits[-1][:shared]
            token = foresight.choose(self._pool, self._row)
            if token is None:
                break
            found.append(token)
            logits = session.step(token) if len(found) < count else None
        return found
