"""R1: what a disk may hold after the power went, over the recorded writes of every operation: nothing lost or torn."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.desktop_app.faults.broken_guards import BROKEN_FOR_POWER_LOSS
from tests.desktop_app.faults.figures import note
from tests.desktop_app.faults.operations import OPERATIONS
from tests.desktop_app.faults.power_loss import problems_of, record
from tests.desktop_app.faults.tracing import Tracer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="writes are recorded with Linux's strace")
FAST_STATES = 30  # of each operation
LONG_STATES = 1_000


@pytest.fixture(scope="module")
def tracer() -> Iterator[Tracer]:
    with Tracer() as one:
        yield one


def home_of(folder: Path) -> Path:
    home = (folder / "home").resolve()
    home.mkdir()
    return home


@pytest.mark.slow
@pytest.mark.parametrize("name", OPERATIONS)
def test_some_states_of_every_operation(tracer: Tracer, tmp_path: Path, name: str):
    home = home_of(tmp_path)
    recording = record(tracer, OPERATIONS[name], home)
    assert {step.kind for step in recording.steps} >= {"create", "write", "sync"}
    assert problems_of(OPERATIONS[name], recording, home, FAST_STATES, seed=1) == []


@pytest.mark.slow
@pytest.mark.parametrize("name", BROKEN_FOR_POWER_LOSS)
def test_a_broken_guard_is_found(tracer: Tracer, tmp_path: Path, name: str):
    home = home_of(tmp_path)
    recording = record(tracer, BROKEN_FOR_POWER_LOSS[name], home)
    assert problems_of(BROKEN_FOR_POWER_LOSS[name], recording, home, FAST_STATES, seed=1) != []


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_many_states(tracer: Tracer, tmp_path: Path):
    problems: list[str] = []
    for name, operation in OPERATIONS.items():
        (tmp_path / name).mkdir()
        home = home_of(tmp_path / name)
        problems += problems_of(operation, record(tracer, operation, home), home, LONG_STATES, seed=2)
        print(f"{name}: {LONG_STATES} states, {len(problems)} problems so far", flush=True)
    note("R1 power loss", {"states": LONG_STATES * len(OPERATIONS), "problems": len(problems)})
    assert problems == []
