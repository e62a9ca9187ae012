"""`nextstroke train RECIPE --processes N`: the same as torchrun on one machine, with one line where that ends in many.

For: the train command.
Knows: what a process of a run finds in its environment, and how several end as one command.
Must not know: torch (it only starts processes), what they do.

They meet at a file, and their transfers stay on the loopback interface: one machine has nothing to open to others.

    ended by itself, 0 or 130           that status, when all have ended
    one failed, was killed              the others get ENDING_SECONDS to notice and to print why, then they are killed
    Ctrl-C, SIGTERM                     handed on: all stop after the same step
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

INTERRUPTED = 130
MEETING_FILE = "NEXTSTROKE_MEETING_FILE"  # where the processes of one machine find each other, in place of an address
ENDING_SECONDS = 30.0


def is_launched() -> bool:
    """Whether this process is one of several that somebody started together."""
    return "WORLD_SIZE" in os.environ


def worker_environment(rank: int, count: int, meeting: Path) -> dict[str, str]:
    """The environment of process `rank` of `count` on this machine, as torchrun would make it, but for the meeting."""
    threads = str(max(1, (os.cpu_count() or 1) // count))  # more would stand in each other's way
    place = {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "GROUP_RANK": "0",
        MEETING_FILE: str(meeting),
    }
    loopback = {"linux": "lo", "darwin": "lo0"}.get(sys.platform)
    ways = {"GLOO_SOCKET_IFNAME": loopback, "NCCL_SOCKET_IFNAME": loopback} if loopback else {}
    return {"OMP_NUM_THREADS": threads, **ways, **os.environ, **place}


def worker_command(arguments: Sequence[str]) -> list[str]:
    """The command line of one process."""
    return [sys.executable, "-m", "export", *arguments]


def launch(count: int, arguments: Sequence[str]) -> int:
    """Run `python -m export ARGUMENTS` in `count` processes that are one team; one exit status for all."""
    command = worker_command(arguments)
    with tempfile.TemporaryDirectory(prefix="nextstroke-") as folder:
        meeting = Path(folder) / "meeting"
        return _run([(command, worker_environment(rank, count, meeting)) for rank in range(count)])


def _run(commands: Sequence[tuple[list[str], dict[str, str]]]) -> int:
    processes = [subprocess.Popen(command, env=environment) for command, environment in commands]

    def hand_on(_number: int, _frame: FrameType | None) -> None:
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)

    previous = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        return _status(_wait(processes))
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _wait(processes: Sequence[subprocess.Popen[bytes]]) -> list[int]:
    """Exit statuses in the order of the processes; negative for a signal."""
    ended: queue.Queue[int] = queue.Queue()

    def watch(process: subprocess.Popen[bytes]) -> None:
        ended.put(process.wait())

    for process in processes:
        threading.Thread(target=watch, args=(process,), daemon=True).start()
    statuses: list[int] = []
    try:
        while len(statuses) < len(processes):
            failed = any(status not in (0, INTERRUPTED) for status in statuses)
            statuses.append(ended.get(timeout=ENDING_SECONDS if failed else None))
    except queue.Empty:
        for process in processes:
            process.kill()
    return [process.wait() for process in processes]


def _status(statuses: Sequence[int]) -> int:
    failures = [status for status in statuses if status not in (0, INTERRUPTED)]
    if not failures:
        return max(statuses)
    killed = [(rank, -status) for rank, status in enumerate(statuses) if status < 0]
    if len(killed) == len(statuses):  # else a process that was left has said what happened
        names = ", ".join(f"{rank} by {signal.Signals(number).name}" for rank, number in killed)
        print(f"error: all processes were killed ({names}); go on with --resume", file=sys.stderr)
    return max(1, max(failures))
