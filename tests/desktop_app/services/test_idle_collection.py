"""Cyclic garbage goes in a pause, not while one writes, and goes at last in any case."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from desktop_app.services import idle_collection
from desktop_app.services.idle_collection import LONG_REST_SECONDS, REST_SECONDS, IdleCollection
from tests.desktop_app.services.qt import application, wait_until


class Clock:
    """Seconds that the test moves on."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Knot:
    """An object that holds itself: only a search finds that nobody else does."""

    def __init__(self) -> None:
        self.me = self


def litter(count: int) -> weakref.ref[Knot]:
    knots = [Knot() for _ in range(count)]
    return weakref.ref(knots[0])


@pytest.fixture
def clock() -> Clock:
    application()
    gc.collect()
    return Clock()


@pytest.fixture
def collection(clock: Clock) -> Iterator[IdleCollection]:
    made = IdleCollection(clock=clock)
    made._timer.stop()  # the tests look by themselves
    yield made
    made.close()
    assert gc.isenabled()


def test_nothing_is_searched_while_one_writes_and_all_in_the_pause(collection: IdleCollection, clock: Clock):
    assert not gc.isenabled()
    first = litter(3_000)
    for _ in range(20):
        clock.now += REST_SECONDS / 2
        collection.look()
        collection.touched()
    assert first() is not None
    clock.now += REST_SECONDS
    collection.look()
    assert first() is None


def test_a_little_is_left_for_later(collection: IdleCollection, clock: Clock):
    first = litter(100)
    clock.now += REST_SECONDS
    collection.look()
    assert first() is not None


def test_too_much_is_searched_also_while_one_writes(collection: IdleCollection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(idle_collection, "TOO_MANY", 5_000)
    first = litter(6_000)
    collection.touched()
    collection.look()
    assert first() is None


def test_what_has_grown_old_is_searched_in_a_long_rest(collection: IdleCollection, clock: Clock):
    held = [Knot() for _ in range(30_000)]
    clock.now += REST_SECONDS
    collection.look()  # they are old now
    first = weakref.ref(held[0])
    held.clear()
    clock.now += REST_SECONDS
    collection.look()
    assert first() is not None
    collection.touched()
    clock.now += LONG_REST_SECONDS
    collection.look()
    assert first() is None


def test_it_looks_by_itself(clock: Clock):
    made = IdleCollection(clock=clock)
    try:
        first = litter(3_000)
        clock.now += REST_SECONDS
        assert wait_until(lambda: first() is None, 10)
    finally:
        made.close()
