"""R1: killed at any moment, and hurt again while the next start recovers: nothing lost, torn or left over."""

import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop_app.faults.faults import KINDS, WATCHED, Point, Tally, points_of
from tests.desktop_app.faults.figures import note
from tests.desktop_app.faults.operations import NEW, OLD, OPERATIONS, OTHER, kept_texts, store_stray, text_of
from tests.desktop_app.faults.tracing import Tracer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="faults are injected with Linux's strace"),
]


@pytest.fixture(scope="module")
def tracer() -> Iterator[Tracer]:
    with Tracer() as one:
        yield one


def kill_at_random(tracer: Tracer, count: int, seed: int) -> Tally:
    """`count` kills, shared out among the operations, each at a moment within the time that its operation takes."""
    chance, tally = random.Random(seed), Tally()
    seconds = {name: measured(tracer, name) for name in OPERATIONS}
    for number in range(count):
        name = list(OPERATIONS)[number % len(OPERATIONS)]
        with tempfile.TemporaryDirectory() as home:
            folder = Path(home).resolve()
            OPERATIONS[name].prepare(folder)
            how = tracer.run_for(name, folder, chance.uniform(0.0, seconds[name]))
            tally.add(f"{name}, kill {number}", how, OPERATIONS[name].problems(folder, how == "exit 0"))
    return tally


def measured(tracer: Tracer, name: str) -> float:
    """Seconds that an operation takes when nobody hurts it: the shortest of three times."""
    times = []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as home:
            OPERATIONS[name].prepare(Path(home).resolve())
            times.append(tracer.seconds_of(name, Path(home).resolve()))
    return min(times)


def hurt_recovery(tracer: Tracer, points: list[Point], count: int, seed: int) -> Tally:
    """Autosaves that were killed, starts that were hurt while they recovered, and then a start that was not."""
    chance, tally = random.Random(seed), Tally()
    for number in range(count):
        autosave = OPERATIONS[("autosave", "autosave of changes")[number % 2]]
        with tempfile.TemporaryDirectory() as home:
            folder = Path(home).resolve()
            autosave.prepare(folder)
            tracer.run_for(autosave.name, folder, chance.uniform(0.0, 0.05))
            point = chance.choice(points)
            injected = f"inject={point.call.name}:{KINDS[point.kind].format(number=point.call.number)}"
            ended = tracer.run("recover", folder, ["-e", WATCHED, "-e", injected])
            broke = [] if ended.how in ("exit 0", "exit 3", "signal 9") else [f"the start broke: {ended.words[-300:]}"]
            left = autosave.problems(folder, False) if number % 2 else recovered_problems(folder)
            tally.add(f"{point}, start {number}", ended.how, broke + left)
    return tally


def recovered_problems(folder: Path) -> list[str]:
    """Both texts are in the store or among the copies, whole."""
    kept = kept_texts(folder)
    copies = sorted((folder / "recovered").glob("*.txt"))
    texts = {text_of(path) for path in copies} | set(kept.values())
    found = [] if texts & {OLD, NEW} else ["novel: lost"]
    found += [] if OTHER in texts else ["other: lost"]
    found += [f"torn: {len(text or '')} characters" for text in texts - {OLD, NEW, OTHER}]
    return found + store_stray(folder, *(f"recovered/{path.name}" for path in copies))


def test_some_kills(tracer: Tracer):
    tally = kill_at_random(tracer, 64, seed=3)
    print(f"{tally.points} kills, ended: {tally.ended}")
    assert tally.problems == []
    assert tally.ended["signal 9"] >= 16


def test_some_faults_while_recovering(tracer: Tracer):
    tally = hurt_recovery(tracer, points_of(tracer, "recover"), 16, seed=4)
    print(f"{tally.points} hurt starts, ended: {tally.ended}")
    assert tally.problems == []


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_thousand_kills(tracer: Tracer):
    tally = kill_at_random(tracer, 1_000, seed=5)
    note("R1 random kills", {"kills": tally.points, "problems": len(tally.problems), **tally.ended})
    assert tally.problems == []


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_hundred_and_fifty_faults_while_recovering(tracer: Tracer):
    tally = hurt_recovery(tracer, points_of(tracer, "recover"), 150, seed=6)
    note("R1 faults while recovering", {"starts": tally.points, "problems": len(tally.problems), **tally.ended})
    assert tally.problems == []
