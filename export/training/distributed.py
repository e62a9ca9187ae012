"""The processes of one run: who they are, what they tell each other, and how they end together.

For: the trainer, which asks its `Team` and need not know how many processes there are.
Knows: the environment that torchrun and `--processes` give, the meeting place (torch's store), the process group.
Must not know: models, optimizers, what is sent.

    RANK WORLD_SIZE            which process of how many      LOCAL_RANK   which one of this machine, and so which GPU
    MASTER_ADDR MASTER_PORT    the meeting place, or a file   GROUP_RANK   which machine

Two ways of talking: the meeting place holds small keys for as long as it takes (a first process that packs a corpus for
an hour); the process group is for tensors, and a transfer that takes longer than TIMEOUT is an error. That a process is
gone is noticed by `Liveness` long before.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import TypeVar

import torch
import torch.distributed as dist
from torch.distributed import FileStore, TCPStore  # type: ignore[attr-defined]
from torch.distributed.distributed_c10d import PrefixStore

from engine.contracts.errors import DistributedError, NextstrokeError, RecipeError
from export.training.distributed_launch import MEETING_FILE
from export.training.distributed_liveness import Liveness, Store

T = TypeVar("T")
MEETING_TIMEOUT = timedelta(minutes=5)  # until the last process must have been started
TIMEOUT = timedelta(minutes=30)  # for one transfer; the first process alone writes samples while the others wait
FOREVER = timedelta(days=30)  # for the first process to train a tokenizer and pack a corpus
LEAVING_SECONDS = 15.0  # longer than it takes to name a lost process, shorter than torchrun's patience of 30
SAME_WORDS_SECONDS = 3.0  # for the process that speaks for its machine to fail in the same way


@dataclass(frozen=True)
class Place:
    """Which process this is; machines are numbered from 0 and have `here` processes each."""

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    here: int = 1
    machine: int = 0

    @classmethod
    def from_environment(cls) -> Place:
        """What torchrun or `--processes` wrote there; one process alone where nobody did."""

        def number(name: str, default: int) -> int:
            return int(os.environ.get(name, default))

        count = number("WORLD_SIZE", 1)
        return cls(
            number("RANK", 0),
            count,
            number("LOCAL_RANK", 0),
            number("LOCAL_WORLD_SIZE", count),
            number("GROUP_RANK", 0),
        )

    def neighbours(self) -> list[int]:
        """The ranks of this machine."""
        first = self.rank - self.local_rank
        return list(range(first, first + self.here))


class Team:
    """One process alone: nobody to ask, nobody to wait for."""

    place = Place()
    folder: Path | None = None  # of the run, for the words about a lost process

    @property
    def leads(self) -> bool:
        """Whether this process writes the files and the log."""
        return self.place.rank == 0

    def share(self, items: Sequence[T]) -> Sequence[T]:
        """What this process takes of what all of them list in the same order."""
        return items[self.place.rank :: self.place.count]

    def in_turn(self, work: Callable[[], T]) -> T:
        """Do `work` first in the first process, then in the first of each machine, then in all: files are made once."""
        return work()

    def from_leader(self, make: Callable[[], bytes]) -> bytes:
        """What `make` gives in the first process."""
        return make()

    def require_same(self, value: str) -> None:
        """Refuse a process whose `value`, all that its steps depend on, is not the first one's."""
        digest = hashlib.sha256(value.encode()).digest()
        if self.from_leader(lambda: digest) != digest:
            raise RecipeError(
                f"process {self.place.rank} has another recipe or other training text than the first one; give all "
                "machines the same files, --set values and version of the program"
            )

    def connect(self, device: torch.device) -> None:
        """Open the ways for tensors."""

    def sum(self, values: Sequence[float]) -> list[float]:
        """Sum over the processes, the same bits in each."""
        return list(values)

    def any(self, *flags: bool) -> list[bool]:
        """For each flag, whether it is set in any process."""
        return [value > 0 for value in self.sum([float(flag) for flag in flags])]

    def wait(self) -> None:
        """Until all processes are here."""


class JoinedTeam(Team):
    """Several processes."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._store = _meet(place)
        self.liveness = Liveness(_meet(place, again=True), place, self._words)
        self._turns = 0

    def in_turn(self, work: Callable[[], T]) -> T:
        self._turns += 1
        before = None if self.leads else 0 if self.place.local_rank == 0 else self.place.machine
        if before is not None:
            self._store.wait([f"turn/{self._turns}/{before}"], FOREVER)
        result = work()
        if self.place.local_rank == 0:
            self._store.set(f"turn/{self._turns}/{self.place.machine}", "done")
        return result

    def from_leader(self, make: Callable[[], bytes]) -> bytes:
        self._turns += 1
        key = f"bytes/{self._turns}"
        if self.leads:
            value = make()
            self._store.set(key, value.hex())
            return value
        self._store.wait([key], FOREVER)
        return bytes.fromhex(self._store.get(key).decode())

    def connect(self, device: torch.device) -> None:
        if dist.is_initialized():  # by an earlier run of the same processes
            return
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(
            backend, store=self._store, rank=self.place.rank, world_size=self.place.count, timeout=TIMEOUT
        )

    def sum(self, values: Sequence[float]) -> list[float]:
        numbers = torch.tensor(values, dtype=torch.float64)
        dist.all_reduce(numbers)
        return [float(number) for number in numbers]

    def wait(self) -> None:
        self.sum([0.0])  # not a barrier, which would take a GPU's ways and ask which GPU

    def finish(self) -> None:
        """The orderly end: nobody leaves before all are done."""
        if dist.is_initialized():
            self.liveness.leave()
            self.wait()
            self.liveness.close()
            dist.destroy_process_group()

    def speaks_for(self, error: BaseException) -> bool:
        """Tell the others that this one fails; whether it prints its line, or another process prints the same one."""
        self.liveness.tell(str(error))
        first = self.place.neighbours()[0]
        return self.place.rank == first or self.liveness.last_words(first, SAME_WORDS_SECONDS) != str(error)

    def _words(self, gone: Sequence[int]) -> str:
        from export.training.checkpoint import list_checkpoints

        saved = list_checkpoints(self.folder) if self.folder else []
        way = f"go on from {saved[-1].name} with --resume" if saved else "there is no checkpoint yet; start again"
        names = ", ".join(str(rank) for rank in gone)
        which = (
            f"process {names} of {self.place.count}" if len(gone) == 1 else f"of {self.place.count} processes, {names}"
        )
        return f"{which} (counted from 0) is gone: killed, out of memory, or its machine is out of reach; {way}"


def alone() -> Team:
    """The team of a command that trains in one process only."""
    if Place.from_environment().count > 1:
        raise RecipeError("this command trains in one process; start it without torchrun")
    return Team()


def as_team(work: Callable[[Team], int]) -> int:
    """Run `work` in this process as one of its team; the exit status. One process alone prints what all would print."""
    place = Place.from_environment()
    if place.count == 1:
        return work(Team())
    if torch.cuda.is_available():
        torch.cuda.set_device(place.local_rank)
    team = JoinedTeam(place)
    try:
        _leave_slowly_on_sigterm()
        status = work(team)
        team.finish()
        return status
    except NextstrokeError as error:
        if team.speaks_for(error):
            raise
        return error.exit_status
    except RuntimeError as error:  # also what gloo, NCCL and the store raise
        loss = team.liveness.explain()
        if loss is None:
            team.speaks_for(error)
            raise
        if loss.line is None:
            return DistributedError.exit_status
        raise DistributedError(loss.line) from error
    except BaseException as error:
        team.speaks_for(error)
        raise


def _leave_slowly_on_sigterm() -> None:
    """Outside of the trainer's steps: torchrun sends it when a process was lost, while the others find out which."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        timer = threading.Timer(LEAVING_SECONDS, os._exit, (128 + signal.SIGTERM,))
        timer.daemon = True
        timer.start()

    with contextlib.suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGTERM, leave)


def _meet(place: Place, again: bool = False) -> Store:
    """A line to the meeting place; the first one of the first process opens it."""
    if file := os.environ.get(MEETING_FILE):
        return PrefixStore("nextstroke", FileStore(file, -1))
    host, port = os.environ.get("MASTER_ADDR", "127.0.0.1"), int(os.environ.get("MASTER_PORT", "29500"))
    # torchrun holds the meeting place itself; without it the first process does.
    hosts = place.rank == 0 and not again and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    try:
        line = TCPStore(host, port, None, hosts, MEETING_TIMEOUT, wait_for_workers=False)
        # torchrun may start the processes again at the same meeting place, where the first ones' keys still are.
        return PrefixStore(f"nextstroke-{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", line)
    except RuntimeError as error:
        raise DistributedError(
            f"process {place.rank} finds no meeting place at {host}:{port}; start all processes within "
            f"{MEETING_TIMEOUT.seconds // 60} minutes, and see that no firewall closes that port"
        ) from error
