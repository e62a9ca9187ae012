"""Several sessions of one model, so that changing between documents and branches does not run their texts again.

For: the host. Knows: which session shares how much with a prompt, how much memory each takes, when each was used.
Must not know: documents, requests, sampling.

    prompt ── longest common prefix with each session ──> the one that shares most
        what it would lose is short                           that session itself
        it would lose much (another branch, another text)     a copy of the shared part, or an empty session
    beyond the budget the session that was used longest ago goes, to the disk; the one in use never does
    a session on the disk that shares clearly more comes back
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.session import Session, common_prefix
from engine.spilled_sessions import SpilledSessions

BUDGET_BYTES = 256 * 1024 * 1024
MOST_SESSIONS = 16  # each prompt is compared with all of them
WORTH_READING = 64  # tokens more than any session in memory shares: a file is read whole, which takes 6 to 165 times
WORTH_A_READING = 4  # less than running as many tokens (tests/bench/LOG.md); so a quarter of them must be wanted
WORTH_KEEPING = 64  # tokens; fewer are run again sooner than a copy is worth its memory


class SessionPool:
    """Hands out the session that a prompt should run in; at least one is kept, whatever it takes."""

    def __init__(
        self,
        new_session: Callable[[], Session],
        budget_bytes: int = BUDGET_BYTES,
        spilled: SpilledSessions | None = None,
    ) -> None:
        self._new_session, self._budget, self.spilled = new_session, budget_bytes, spilled
        self._sessions: list[Session] = []  # the one used last stands last

    @property
    def sessions(self) -> Sequence[Session]:
        """All that are kept, the one used longest ago first."""
        return tuple(self._sessions)

    @property
    def bytes_used(self) -> int:
        """Memory of all keys and values."""
        return sum(session.cache.bytes_used for session in self._sessions)

    def for_prompt(self, ids: Sequence[int]) -> Session:
        """A session that may be aligned with `ids` without losing more than a little of another text."""
        shared = self._shared(ids)
        # Of equals the one that loses least, then the one used last.
        best = max(range(len(shared)), key=lambda i: (shared[i], -self._sessions[i].length, i), default=None)
        if best is None:
            session = self._new_session()
        elif self._sessions[best].length - shared[best] < WORTH_KEEPING:
            session = self._sessions.pop(best)
        else:
            session = self._another(self._sessions[best], shared[best])
        self._sessions.append(session)
        self._trim()
        return session

    def _shared(self, ids: Sequence[int]) -> list[int]:
        """How many leading tokens each session shares with `ids`, after one of the disk came back where that pays."""
        shared = [common_prefix(session.tokens, ids) for session in self._sessions]
        if self.spilled is None:
            return shared
        here = max(shared, default=0)
        on_disk = [common_prefix(tokens, ids) for tokens in self.spilled.tokens]
        worth = [max(WORTH_READING, len(tokens) // WORTH_A_READING) for tokens in self.spilled.tokens]
        paying = [number for number, count in enumerate(on_disk) if count - here >= worth[number]]
        if not paying:
            return shared
        session = self.spilled.take(max(paying, key=on_disk.__getitem__))
        if session is None:
            return self._shared(ids)  # it was damaged; another one may do
        self._sessions.append(session)
        return [*shared, common_prefix(session.tokens, ids)]

    def _another(self, nearest: Session, shared: int) -> Session:
        if shared < WORTH_KEEPING:
            return self._new_session()
        copy = nearest.fork()
        copy.rewind(shared)
        return copy

    def _trim(self) -> None:
        while len(self._sessions) > 1 and (self.bytes_used > self._budget or len(self._sessions) > MOST_SESSIONS):
            gone = self._sessions.pop(0)
            if self.spilled is not None and gone.length >= WORTH_READING:
                self.spilled.keep(gone)
