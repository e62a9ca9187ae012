"""Whether the other processes of a run are still alive, and the one line when one is not.

For: `JoinedTeam`.
Knows: a heartbeat each second at the meeting place, last words, and who speaks when several survive.
Must not know: tensors, the process group, what the run is doing.

A thread does it, because the main thread may stand in a transfer that never ends: gloo notices a peer that was killed
at once, NCCL does not, and nobody notices a machine whose cable was pulled.

    every process:  beat/RANK = 1, 2, 3, …          or, before it fails,  beat/RANK = "ended: the line it prints"
    silent for LOST_SECONDS, or for SUSPECTED_SECONDS after a transfer failed  ->  it is gone, and so the run ends
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from export.training.distributed import Place

Store = Any  # torch.distributed.Store, of which torch exports no type
TICK_SECONDS = 1.0
LOST_SECONDS = 20.0  # less than the 30 that torchrun leaves the others before it kills them
SUSPECTED_SECONDS = 4.0
FIRST_SECONDS = 300.0  # until a process that never came is missed
GRACE_SECONDS = 5.0  # for the main thread to end by itself: it may close files
_ENDED = "ended: "


@dataclass(frozen=True)
class Loss:
    """That the run has lost a process; `line` is None where another process prints it."""

    line: str | None


class Liveness:
    """Beats, listens, and ends this process when the run cannot go on and the main thread does not see it."""

    def __init__(self, store: Store, place: Place, words: Callable[[Sequence[int]], str]) -> None:
        self._store, self._place, self._words = store, place, words
        self._others = [rank for rank in range(place.count) if rank != place.rank]
        now = time.monotonic()
        self._seen = dict.fromkeys(self._others, now)  # when each last beat was heard
        self._heard: dict[int, str] = {}  # what it was
        self._suspicious = self._leaving = False
        self._loss: Loss | None = None
        self._known, self._closing = threading.Event(), threading.Event()
        self._beat(0)
        self._thread = threading.Thread(target=self._watch, name="liveness", daemon=True)
        self._thread.start()

    def explain(self) -> Loss | None:
        """After a transfer failed: the loss that explains it, or None where all are alive; ends the watch."""
        self._suspicious, self._leaving = True, False
        self._known.wait(SUSPECTED_SECONDS + 4 * TICK_SECONDS)
        self._closing.set()
        return self._loss

    def tell(self, message: str) -> None:
        """Leave last words, and stay until the others had time to hear them: the meeting place may end with us."""
        self._closing.set()
        self._thread.join(GRACE_SECONDS)
        try:
            self._store.set(f"beat/{self._place.rank}", _ENDED + message)
            self._store.set(f"words/{self._place.rank}", message)
            self._store.wait([f"heard/{rank}" for rank in self._others], timedelta(seconds=2.5 * TICK_SECONDS))
        except RuntimeError:  # those who did not hear it find out by the silence
            pass

    def last_words(self, rank: int, seconds: float) -> str | None:
        """What `rank` said at its end, if it ends within that time."""
        try:
            self._store.wait([f"words/{rank}"], timedelta(seconds=seconds))
            return self._store.get(f"words/{rank}").decode()
        except RuntimeError:
            return None

    def leave(self) -> None:
        """The run is done: go on beating for those who are not, and blame nobody for being gone."""
        self._leaving = True

    def close(self) -> None:
        """End the watch."""
        self._closing.set()
        self._thread.join(GRACE_SECONDS)

    def _watch(self) -> None:
        number = 0
        while not self._closing.wait(TICK_SECONDS):
            number += 1
            try:
                self._beat(number)
                loss = self._look()
            except RuntimeError:  # the meeting place is gone, and with it the process or the machine that held it
                loss = self._lost([0])
            if loss is not None and not self._leaving:
                self._loss = loss
                self._known.set()
                if not self._closing.wait(GRACE_SECONDS):
                    _end_at_once(loss)
                return

    def _beat(self, number: int) -> None:
        self._store.set(f"beat/{self._place.rank}", str(number))

    def _look(self) -> Loss | None:
        now = time.monotonic()
        for rank in self._others:
            if rank not in self._heard and not self._store.check([f"beat/{rank}"]):
                continue  # not started yet; to ask for its beat would wait for it
            said = self._store.get(f"beat/{rank}").decode()
            if said.startswith(_ENDED):
                return self._ended(rank, said.removeprefix(_ENDED))
            if said != self._heard.get(rank):
                self._heard[rank], self._seen[rank] = said, now
        patience = SUSPECTED_SECONDS if self._suspicious else LOST_SECONDS
        silent = [r for r in self._others if now - self._seen[r] > (patience if r in self._heard else FIRST_SECONDS)]
        return self._lost(silent) if silent else None

    def _ended(self, rank: int, said: str) -> Loss:
        self._store.set(f"heard/{self._place.rank}", "yes")
        elsewhere = rank not in self._place.neighbours() and self._speaks([rank])
        return Loss(f"process {rank}, on another machine, ended: {said}" if elsewhere else None)

    def _lost(self, gone: Sequence[int]) -> Loss:
        return Loss(self._words(gone) if self._speaks(gone) else None)

    def _speaks(self, gone: Sequence[int]) -> bool:
        """One process of each machine prints the line: the first that is still there."""
        return self._place.rank == min(rank for rank in self._place.neighbours() if rank not in gone)


def _end_at_once(loss: Loss) -> None:
    """The main thread stands in a call that will not come back, so no ordinary end is possible."""
    if loss.line is not None:
        print(f"error: {loss.line}", file=sys.stderr, flush=True)
    os._exit(1)
