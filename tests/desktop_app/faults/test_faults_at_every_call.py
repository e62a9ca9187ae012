"""R1: killed, disk full or disk broken at every system call of every operation: nothing lost, torn or left over."""

import sys
from collections.abc import Iterator

import pytest

from tests.desktop_app.faults.broken_guards import BROKEN_FOR_FAULTS
from tests.desktop_app.faults.faults import Tally, all_points, hurt, points_of
from tests.desktop_app.faults.figures import note
from tests.desktop_app.faults.operations import OPERATIONS
from tests.desktop_app.faults.tracing import Tracer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="faults are injected with Linux's strace")
EVERY = 97  # of the fast set; no multiple of the number of kinds, so that all kinds come


@pytest.fixture(scope="module")
def tracer() -> Iterator[Tracer]:
    with Tracer() as one:
        yield one


@pytest.mark.slow
def test_some_points_of_every_operation(tracer: Tracer):
    tally = Tally()
    points = list(all_points(tracer))
    assert {point.operation for point in points} == set(OPERATIONS)
    chosen = points[::EVERY] + [point for point in points if point.call.name in ("rename", "fsync")][::7]
    for point in chosen:
        hurt(tracer, point, tally)
    print(f"{tally.points} of {len(points)} points, ended: {tally.ended}")
    assert tally.problems == []
    assert {"exit 0", "exit 3", "signal 9"} <= set(tally.ended)  # overcome, said, killed: all three were tried


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN_FOR_FAULTS)
def test_a_broken_guard_is_found(tracer: Tracer, name: str):
    tally = Tally()
    for point in points_of(tracer, name):
        if point.kind == "kill" and point.call.name in ("write", "pwrite64", "fdatasync", "fsync", "rename", "openat"):
            hurt(tracer, point, tally)
        if tally.problems:
            return
    pytest.fail(f"{tally.points} faults, and none was found in: {name}")


@pytest.mark.long
@pytest.mark.timeout(5400)
def test_every_point(tracer: Tracer):
    tally = Tally()
    points = list(all_points(tracer))
    for done, point in enumerate(points, 1):
        hurt(tracer, point, tally)
        if done % 200 == 0:
            print(f"{done} of {len(points)}: {tally.problems}", flush=True)
    note(
        "R1 faults at system calls",
        {"operations": len(OPERATIONS), "points": tally.points, "problems": len(tally.problems), **tally.ended},
    )
    assert tally.problems == []
