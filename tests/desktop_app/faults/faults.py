"""Every fault at every system call of an operation: killed there, or the call fails, once or from then on.

Knows: operations, the tracer. Must not know: which of the points a suite takes.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.desktop_app.faults.broken_guards import ALL
from tests.desktop_app.faults.operations import OPERATIONS
from tests.desktop_app.faults.tracing import Call, Tracer, calls_in

LOCKS_EVERY = 40
WATCHED = "trace=%file,%desc"
KINDS = {
    "kill": "signal=KILL:when={number}",
    "ENOSPC": "error=ENOSPC:when={number}",
    "ENOSPC from then on": "error=ENOSPC:when={number}+",
    "EIO": "error=EIO:when={number}",
    "EIO from then on": "error=EIO:when={number}+",
}


@dataclass(frozen=True)
class Point:
    """One fault: in which operation, at which call, of which kind."""

    operation: str
    call: Call
    kind: str

    def __str__(self) -> str:
        return f"{self.operation}: {self.kind} at {self.call.name} number {self.call.number}"


@dataclass
class Tally:
    """What a suite of faults came to."""

    points: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def add(self, point: object, how: str, problems: list[str]) -> None:
        """Count one fault."""
        self.points += 1
        self.ended[how] = self.ended.get(how, 0) + 1
        self.problems += [f"{point} ({how}): {problem}" for problem in problems]


def points_of(tracer: Tracer, name: str) -> list[Point]:
    """Every point of one operation, from a run of it that nothing hurts."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home).resolve()
        ALL[name].prepare(folder)
        ended = tracer.run(name, folder, ["-y", "-e", WATCHED])
        assert ended.how == "exit 0", f"{name}: {ended.how} {ended.words}"
        problems = ALL[name].problems(folder, True)
        assert problems == [], problems
        points = [Point(name, call, kind) for call in calls_in(ended.trace, folder) for kind in KINDS]
        return [point for point in points if not is_slow(point)]


def is_slow(point: Point) -> bool:
    """Locks refused for ever: SQLite tries for ten seconds each time, so only one of forty such points is taken."""
    call = point.call
    return call.name == "fcntl" and point.kind.endswith("from then on") and call.number % LOCKS_EVERY != 1


def hurt(tracer: Tracer, point: Point, tally: Tally) -> None:
    """Run one point and look at what the next start finds."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home).resolve()
        operation = ALL[point.operation]
        operation.prepare(folder)
        injected = f"inject={point.call.name}:{KINDS[point.kind].format(number=point.call.number)}"
        ended = tracer.run(point.operation, folder, ["-e", WATCHED, "-e", injected])
        problems = operation.problems(folder, ended.how == "exit 0")
        if ended.how not in ("exit 0", "exit 3", "signal 9"):
            problems.append(f"the child broke: {ended.words[-400:]}")
        if point.kind != "kill" and "INJECTED" not in ended.trace:
            problems.append("the fault did not happen")
        tally.add(point, ended.how, problems)


def all_points(tracer: Tracer) -> Iterator[Point]:
    """Every point of every operation."""
    for name in OPERATIONS:
        yield from points_of(tracer, name)
