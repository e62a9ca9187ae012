"""Random edits, cut, paste, undo, redo, fork and merge against one origin per character: none misattributed or lost."""

import random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from tests.desktop_app.document.naive_document import Pair


def run(seed: int, operations: int) -> Pair:
    chance, pair = random.Random(seed), Pair()
    pair.insert(0, 0, 2)
    for number in range(operations):
        name = chance.choice(Pair.OPERATIONS)
        pair.do(name, chance.randrange(1000), chance.randrange(10_000), chance.randrange(10_000))
        if number % 5 == 0:
            pair.compare()
    pair.compare()
    return pair


@pytest.mark.parametrize("seed", range(8))
def test_no_character_is_misattributed_or_lost(seed: int, record_property):
    pair = run(seed, 300)
    pair.compare_all_steps()
    record_property("operations", pair.operations)
    record_property("characters_compared", pair.compared)
    print(f"seed {seed}: {pair.operations} operations, {pair.compared} characters with origins compared")


class DocumentMachine(RuleBasedStateMachine):
    """The same operations, chosen and made small by hypothesis."""

    def __init__(self) -> None:
        super().__init__()
        self.pair = Pair()

    @rule(
        name=st.sampled_from(sorted(set(Pair.OPERATIONS))),
        b=st.integers(0, 8),
        one=st.integers(0, 60),
        other=st.integers(0, 60),
    )
    def do(self, name: str, b: int, one: int, other: int) -> None:
        self.pair.do(name, b, one, other)

    @invariant()
    def both_are_the_same(self) -> None:
        self.pair.compare()


def test_hypothesis_finds_no_run_that_differs():
    run_state_machine_as_test(
        DocumentMachine,
        settings=settings(
            max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(1000, 1040))
def test_no_character_is_misattributed_or_lost_in_long_runs(seed: int):
    pair = run(seed, 1500)
    pair.compare_all_steps()
    print(f"seed {seed}: {pair.operations} operations, {pair.compared} characters with origins compared")
