"""Copies of a document and of its tables: the same now, apart from then on, and cheap."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.document.model import Document
from desktop_app.document.origins import GENERATED, TYPED, Origin, Passage
from desktop_app.document.plain_document import to_plain
from desktop_app.document.shared_table import SharedTable
from desktop_app.document.soundness import problems
from tests.desktop_app.document.naive_document import Pair

STEPS = st.lists(st.tuples(st.sampled_from(["set", "delete", "copy"]), st.integers(0, 2_000), st.integers()))


@given(STEPS)
def test_a_shared_table_is_a_dictionary_and_so_is_every_copy(steps: list[tuple[str, int, int]]):
    tables: list[tuple[SharedTable[int], dict[int, int]]] = [(SharedTable(), {})]
    for name, number, value in steps:
        table, judge = tables[value % len(tables)]
        if name == "set":
            table[number] = judge[number] = value
        elif name == "delete" and number in judge:
            del table[number], judge[number]
        elif name == "copy" and len(tables) < 6:
            tables.append((table.copy(), dict(judge)))
    for table, judge in tables:
        assert dict(table) == judge
        assert len(table) == len(judge)
        assert all((number in table) == (number in judge) for number in range(0, 2_001, 7))
        with pytest.raises(KeyError):
            del table[-1]


@pytest.mark.parametrize("seed", range(4))
def test_a_copy_is_the_same_and_stays_so(seed: int):
    """Copies taken in the midst of random editing are compared at the end, and can go on by themselves."""
    chance, pair, taken = random.Random(seed), Pair(), []
    for number in range(150):
        pair.do(chance.choice(Pair.OPERATIONS), chance.randrange(1000), chance.randrange(999), chance.randrange(999))
        if number % 10 == 0:
            taken.append((pair.real.copy(), to_plain(pair.real)))
            assert pair.real.copy() is taken[-1][0]
    for copy, wanted in taken:
        assert to_plain(copy) == wanted
        assert problems(copy) == []
    present = to_plain(pair.real)
    for copy, _ in taken:
        copy.insert(0, "apart", Origin(TYPED))
        copy.fork(1)
        while copy.undo():
            pass
    assert to_plain(pair.real) == present


def test_a_copy_of_a_long_document_with_a_long_past_takes_less_than_a_frame():
    document, chance = Document(), random.Random(1)
    passages = [
        Passage("从前有一个小村庄 once upon a time " * 3, Origin(GENERATED, f"r{n % 50}")) for n in range(10_000)
    ]
    document.replace(0, 0, passages, "import")
    for _ in range(30_000):
        document.insert(chance.randrange(document.length()), "x", Origin(TYPED))
        document.close_step()
    took = []
    for _ in range(5):
        document.insert(5, "y", Origin(TYPED))
        begun = time.thread_time()
        document.copy()
        took.append(1_000 * (time.thread_time() - begun))
    print(f"{document.length()} characters, {len(document.history.steps)} steps: {min(took):.2f} ms a copy")
    assert min(took) < 16.0
