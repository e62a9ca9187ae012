"""Documents and branches keep their sessions, the budget holds, and no text ever depends on which session ran it."""

import random

import pytest

from engine.contracts.generation import Started
from engine.generate import generate
from engine.loaded_model import LoadedModel
from engine.session_pool import MOST_SESSIONS, WORTH_KEEPING, SessionPool
from tests.engine.test_generate import ask, essence, run


@pytest.fixture
def model(tiny_models: dict[str, LoadedModel]) -> LoadedModel:
    return tiny_models["int8-cache"]


def text(seed: int, count: int = 150) -> tuple[int, ...]:
    return tuple(random.Random(seed).choices(range(5, 400), k=count))


def reused(model: LoadedModel, pool: SessionPool, ids: tuple[int, ...]) -> int:
    events = list(generate(model, pool, ask(None, prompt_ids=ids, max_tokens=2)))
    assert all(len(session.tokens) == session.cache.length for session in pool.sessions)
    assert isinstance(events[0], Started)
    assert essence(events) == essence(run(model, ask(None, prompt_ids=ids, max_tokens=2)))
    return events[0].reused


def test_two_documents_in_turn_are_run_once(model: LoadedModel) -> None:
    pool = model.new_sessions()
    one, other = text(1), text(2)
    assert [reused(model, pool, ids) for ids in (one, other)] == [0, 0]
    assert [reused(model, pool, ids) for ids in (one, other, one)] == [149, 149, 149]
    assert len(pool.sessions) == 2


def test_a_branch_takes_a_copy_of_what_it_shares(model: LoadedModel) -> None:
    pool = model.new_sessions()
    trunk = text(1, 100)
    one, other = (*trunk, *text(2, 80)), (*trunk, *text(3, 80))
    assert reused(model, pool, one) == 0
    assert reused(model, pool, other) == 100
    assert [reused(model, pool, ids) for ids in (one, other)] == [179, 179]


def test_an_edit_near_the_end_stays_in_its_session(model: LoadedModel) -> None:
    pool = model.new_sessions()
    one = text(1)
    reused(model, pool, one)
    assert reused(model, pool, (*one[:-5], 9, 9)) == 145
    assert len(pool.sessions) == 1


def test_the_budget_holds_and_the_oldest_goes(model: LoadedModel) -> None:
    size = model.new_session().cache.bytes_used
    pool = SessionPool(model.new_session, budget_bytes=3 * size)
    documents = [text(seed) for seed in range(4)]
    for ids in documents:
        reused(model, pool, ids)
    assert pool.bytes_used <= 3 * size
    assert [reused(model, pool, ids) for ids in reversed(documents)] == [149, 149, 149, 0]


def test_one_session_is_kept_whatever_it_takes(model: LoadedModel) -> None:
    pool = SessionPool(model.new_session, budget_bytes=1)
    assert [reused(model, pool, text(1)), reused(model, pool, text(1))] == [0, 149]
    assert len(pool.sessions) == 1


def test_there_are_never_more_than_are_compared_quickly(model: LoadedModel) -> None:
    pool = SessionPool(model.new_session, budget_bytes=10**12)
    for seed in range(MOST_SESSIONS + 5):
        reused(model, pool, text(seed, WORTH_KEEPING + 10))
    assert len(pool.sessions) == MOST_SESSIONS


def test_any_order_of_texts_and_branches_gives_the_bits_of_fresh_sessions(model: LoadedModel) -> None:
    dice = random.Random(7)
    pool = SessionPool(model.new_session, budget_bytes=4 * model.new_session().cache.bytes_used)
    texts = [text(seed, 120) for seed in range(4)]
    for _ in range(60):
        base = dice.choice(texts)
        reused(model, pool, (*base[: dice.randint(1, 120)], *text(dice.randint(0, 5), dice.randint(0, 40))))
