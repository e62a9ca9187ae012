"""Keys and values of sessions that no longer fit the memory, on the disk, and back into a session.

For: the pool of sessions. Knows: one file without a name, and a digest of each part. Must not know: which session goes
or returns.

    keep(session)    its committed keys and values into a free place of the file; its tokens stay in memory
    take(number)     the session again, bit for bit, and its place is free; None where it is not what was written

    file   | session 2 | free | session 5      | session 3 |     never longer than the budget

Keys and values derive from what somebody writes, so the file has no name (O_TMPFILE, or unlinked at once; on Windows,
deleted on close): nobody else can open it, and the system removes it with the process, however that ends. What the file
alone does not tell, the tokens and the digests, never leaves the memory.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import shutil
import tempfile
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.kv_cache import KVCache
from engine.session import Session

BUDGET_BYTES = 512 * 1024 * 1024
MOST_SPILLED = 64  # each prompt is compared with all of them
FREE_BYTES = 1024 * 1024 * 1024  # of the disk stay free, for what somebody saves


@dataclass
class Spills:
    """What became of sessions that were to go to the disk or to come back."""

    kept: int = 0
    read_back: int = 0
    refused: int = 0  # the disk is full, or cannot be written
    damaged: int = 0  # not what was written: their texts are run again


@dataclass(frozen=True)
class _Spilled:
    offset: int  # in the file, in bytes
    size: int
    sha256: bytes
    tokens: tuple[int, ...]
    canonical_length: int
    prompt_length: int

    @property
    def end(self) -> int:
        return self.offset + self.size


class SpilledSessions:
    """The sessions on the disk, the one kept longest ago first."""

    def __init__(self, folder: Path, new_session: Callable[[], Session], budget_bytes: int = BUDGET_BYTES) -> None:
        """`folder` is made when the first session comes; nothing in it can be seen."""
        self.spills = Spills()
        self._folder, self._new_session, self._budget = folder, new_session, budget_bytes
        self._kept: list[_Spilled] = []
        self._file: io.FileIO | None = None

    @property
    def tokens(self) -> Sequence[Sequence[int]]:
        """Of each session, by its number."""
        return [spilled.tokens for spilled in self._kept]

    @property
    def bytes_used(self) -> int:
        """Of the disk."""
        return sum(spilled.size for spilled in self._kept)

    def keep(self, session: Session) -> None:
        """Write it; where that cannot be done, it is only counted: its text is run again one day."""
        cache = session.cache
        # A cache that grows by joining belongs to another program's graph: its text is run again.
        if not isinstance(cache, KVCache) or not cache.is_in_memory or cache.committed_bytes > self._budget:
            return
        size = cache.committed_bytes
        while (offset := self._free_place(size)) is None:
            self._kept.pop(0)
        try:
            self._kept.append(self._written(session, cache, size, offset))
            self.spills.kept += 1
        except OSError:
            self.spills.refused += 1

    def take(self, number: int) -> Session | None:
        """The session of that number, which is on the disk no more; None where the file is damaged."""
        spilled, session, digest = self._kept.pop(number), self._new_session(), hashlib.sha256()
        cache = session.cache
        assert self._file is not None  # it was written there
        assert isinstance(cache, KVCache)  # the model's sessions have caches of one kind
        with contextlib.suppress(OSError):
            self._file.seek(spilled.offset)
            for part in cache.parts(len(spilled.tokens)):
                self._file.readinto(part)
                digest.update(part)
        if digest.digest() != spilled.sha256:
            self.spills.damaged += 1
            return None  # what was read lies behind the session's end, where nothing counts
        session.resume(spilled.tokens, spilled.canonical_length, spilled.prompt_length)
        self.spills.read_back += 1
        return session

    def _free_place(self, size: int) -> int | None:
        """Where so many bytes fit between the sessions, or behind the last one; None where nowhere."""
        if len(self._kept) >= MOST_SPILLED:
            return None
        end = 0
        for spilled in sorted(self._kept, key=lambda spilled: spilled.offset):
            if spilled.offset - end >= size:
                return end
            end = spilled.end
        return end if end + size <= self._budget else None

    def _written(self, session: Session, cache: KVCache, size: int, offset: int) -> _Spilled:
        file, digest = self._open_file(), hashlib.sha256()
        if shutil.disk_usage(self._folder).free < size + FREE_BYTES:
            raise OSError(errno.ENOSPC, "little space is left")
        file.seek(offset)
        for part in cache.parts(session.length):
            if file.write(part) != len(part):
                raise OSError(errno.ENOSPC, "the disk is full")
            digest.update(part)
        return _Spilled(
            offset, size, digest.digest(), tuple(session.tokens), session.canonical_length, session.prompt_length
        )

    def _open_file(self) -> io.FileIO:
        if self._file is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = tempfile.TemporaryFile(dir=self._folder, buffering=0)  # noqa: SIM115  kept
            weakref.finalize(self, self._file.close)
        return self._file
