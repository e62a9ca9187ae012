"""The sampling chain against a slow reference that sorts everything, and the promises of each stage."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.contracts.errors import EmptyDistributionError
from engine.contracts.sampling_settings import SAMPLER_ORDER, SamplingSettings
from engine.sampling.candidates import Candidates, best_ids
from engine.sampling.chain import Chain, make_chain
from tests.engine.sampling.reference import Reference

PLAIN = SamplingSettings(temperature=1, top_k=0, top_p=1, min_p=0, repetition_penalty=1)
BREAKERS = frozenset({0, 3})
PIECES = [b"x.y" if token in BREAKERS else b"word" for token in range(2000)]


def run(chain: Chain, logits: np.ndarray, number: float, chance: float = 0.0) -> tuple[int, list[int]]:
    pool = Candidates(len(logits))
    pool.fill(logits)
    chain.apply(pool, chance)
    token = pool.choose(number)
    pool.fill(logits)  # a choice may have left the tokens that it did not need behind
    chain.apply(pool, chance)
    return token, pool.list()[0].tolist()


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.random.Generator, int, list[int], SamplingSettings]:
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    size = draw(st.sampled_from([2, 7, 130, 600, 2000]))
    # Few different ones, so that there are repetitions.
    seen = random.integers(0, min(size, draw(st.sampled_from([2, 5, 2000]))), draw(st.integers(0, 40))).tolist()
    # Odd fractions: a share that equals a bound exactly may fall on either side of it by rounding.
    off = random.random() * 1e-7

    def some(values: list[float], neutral: float) -> float:
        return draw(st.sampled_from([neutral, neutral, *(value + off for value in values)]))

    chosen = SamplingSettings(
        temperature=draw(st.sampled_from([0.0, 0.7, 1.0, 1.9])),
        dynamic_temperature_range=draw(st.sampled_from([0.0, 0.0, 0.5, 2.0])),
        dynamic_temperature_exponent=draw(st.sampled_from([0.5, 1.0, 2.0])),
        top_k=draw(st.sampled_from([0, 1, 3, 40, 5000])),
        top_p=some([0.0, 0.3, 0.9, 0.999], 1.0),
        min_p=some([0.05, 0.5], 0.0),
        typical_p=some([0.0, 0.3, 0.95], 1.0),
        top_n_sigma=some([0.5, 1.0, 3.0], 0.0),
        xtc_probability=some([0.5, 0.9], 0.0),
        xtc_threshold=some([0.01, 0.1, 0.4], 0.0),
        repetition_penalty=draw(st.sampled_from([1.0, 1.3, 0.8])),
        presence_penalty=draw(st.sampled_from([0.0, 1.5, -0.5])),
        frequency_penalty=draw(st.sampled_from([0.0, 0.7])),
        repetition_range=draw(st.sampled_from([0, 5, 256])),
        no_repeat_ngram=draw(st.sampled_from([0, 0, 2, 3])),
        dry_multiplier=draw(st.sampled_from([0.0, 0.8])),
        dry_allowed_length=draw(st.sampled_from([1, 2, 3])),
        dry_range=draw(st.sampled_from([0, 7, 1024])),
        dry_breakers=(".",),
        mirostat=draw(st.sampled_from([0, 0, 1, 2])),
        mirostat_tau=draw(st.sampled_from([0.5, 3.0, 5.0])),
        mirostat_eta=draw(st.sampled_from([0.1, 0.6])),
        order=tuple(draw(st.permutations(SAMPLER_ORDER))),
    )
    return random, size, seen, chosen


@settings(max_examples=400, deadline=None)
@given(case=cases(), spread=st.sampled_from([0.01, 1.0, 4.0, 20.0]), has_equals=st.booleans())
def test_the_chain_equals_the_slow_reference_token_after_token(case, spread: float, has_equals: bool) -> None:
    random, size, seen, chosen = case
    chain, reference = make_chain(chosen, PIECES[:size]), Reference(chosen, size, BREAKERS)
    for token in seen:
        chain.accept(token)
        reference.accept(token)
    for _ in range(3):
        logits = random.standard_normal(size) * spread + random.choice([-9, 0, 9])
        logits = (np.round(logits, 1) if has_equals else logits).astype(np.float32)
        number, chance = random.random(), random.random()
        try:
            reference.apply(logits.tolist(), chance)
        except ZeroDivisionError:
            with pytest.raises(EmptyDistributionError, match="every possible next token is forbidden"):
                run(chain, logits, number, chance)
            return
        token, left = run(chain, logits, number, chance)
        if reference.chosen.temperature == 0 and chosen.dynamic_temperature_range == 0:
            assert left == [token]  # cuts that cannot matter were skipped
            assert reference.ordered()[0] == token
        else:
            assert left == reference.ordered()
            assert token == reference.choose(number)
        chain.accept(token)
        reference.accept(token)


def test_temperature_zero_takes_the_lowest_id_of_equals() -> None:
    chain = make_chain(SamplingSettings(temperature=0))
    logits = np.array([1, 5, 2, 5, 5], np.float32)
    assert [run(chain, logits, number)[0] for number in (0.0, 0.5, 0.999999)] == [1, 1, 1]


def test_sampled_shares_follow_the_distribution() -> None:
    logits = np.log(np.array([0.1, 0.6, 0.3], np.float32))
    chain = make_chain(PLAIN)
    numbers = (np.arange(1000) + 0.5) / 1000
    counts = np.bincount([run(chain, logits, float(number))[0] for number in numbers], minlength=3)
    assert counts.tolist() == [100, 600, 300]


@pytest.mark.parametrize(
    "extreme",
    [
        replace(PLAIN, top_p=0.0),
        replace(PLAIN, min_p=1.0),
        replace(PLAIN, top_k=1),
        replace(PLAIN, temperature=1e-300),
        replace(PLAIN, temperature=100, repetition_penalty=100),
        replace(PLAIN, typical_p=0.0),
        replace(PLAIN, top_n_sigma=1e-9),
        replace(PLAIN, xtc_probability=1.0, xtc_threshold=0.0),
        replace(PLAIN, presence_penalty=1e4, frequency_penalty=1e4),
        replace(PLAIN, dry_multiplier=1e4, dry_base=100, dry_allowed_length=1),
        replace(PLAIN, mirostat=1, mirostat_tau=0.0, mirostat_eta=1.0),
        replace(PLAIN, mirostat=2, mirostat_tau=0.0, mirostat_eta=1.0),
        replace(PLAIN, temperature=0, dynamic_temperature_range=100.0),
    ],
)
@pytest.mark.parametrize("logits", [[0, 0, 0, 0, 0], [1e4, 0, -1e4, 5, 5], [0, -np.inf, -np.inf, -np.inf, -np.inf]])
def test_no_setting_leaves_nothing(extreme: SamplingSettings, logits: list[float]) -> None:
    chain = make_chain(extreme, PIECES[:5])
    for token in (3, 1, 2, 1, 2, 3, 1, 2):
        chain.accept(token)
    for number in (0.0, 0.5, 1 - 2**-53):
        token, left = run(chain, np.array(logits, np.float32), number, number)
        assert left
        assert token in left
        chain.accept(token)


@settings(max_examples=200, deadline=None)
@given(case=cases())
def test_probabilities_sum_to_one_and_the_forbidden_have_none(case) -> None:
    random, size, seen, chosen = case
    chain = make_chain(replace(chosen, no_repeat_ngram=0), PIECES[:size])
    for token in seen:
        chain.accept(token)
    pool = Candidates(size)
    logits = (random.standard_normal(size) * 5).astype(np.float32)
    forbidden = random.choice(size, size // 2, replace=False)
    pool.fill(logits)
    pool.forbid(forbidden)
    chain.apply(pool, random.random())
    ids, shares = pool.distribution()
    assert float(shares.sum()) == pytest.approx(1, abs=1e-12)
    assert not set(ids[shares > 0].tolist()) & set(forbidden.tolist())
    assert pool.choose(1 - 2**-53) not in set(forbidden.tolist())
    assert not set(pool.list()[0].tolist()) & set(forbidden.tolist())


def test_equal_probabilities_give_every_token() -> None:
    chain = make_chain(PLAIN)
    logits = np.zeros(1000, np.float32)
    assert [run(chain, logits, number)[0] for number in (0.0, 0.25, 0.9999)] == [0, 250, 999]


def test_padding_ids_are_never_chosen() -> None:
    pool = Candidates(6)
    pool.fill(np.array([0, 1, 2, 3, 50, 60], np.float32))
    pool.forbid_from(4)
    make_chain(replace(PLAIN, temperature=100)).apply(pool)
    assert {pool.choose(number) for number in np.linspace(0, 0.999999, 50)} <= {0, 1, 2, 3}


def test_the_normalizer_is_that_of_all_tokens() -> None:
    logits = np.random.default_rng(0).standard_normal(500).astype(np.float32) * 10
    pool = Candidates(500)
    pool.fill(logits)
    expected = math.log(math.fsum(math.exp(float(logit) - 50) for logit in logits)) + 50
    assert pool.normalizer == pytest.approx(expected, abs=3e-7)  # the exponentials are of 32 bits


def test_a_clone_remembers_and_goes_its_own_way() -> None:
    chain = make_chain(replace(PLAIN, temperature=0, repetition_penalty=50))
    logits = np.array([3, 2, 1], np.float32)
    chain.accept(0)
    copy = chain.clone()
    copy.accept(1)
    assert (run(chain, logits, 0)[0], run(copy, logits, 0)[0]) == (1, 2)
    chain.reset()
    assert (run(chain, logits, 0)[0], run(copy, logits, 0)[0]) == (0, 2)


def test_the_penalty_looks_back_only_so_far() -> None:
    chain = make_chain(replace(PLAIN, temperature=0, repetition_penalty=50, repetition_range=2))
    logits = np.array([3, 2, 1], np.float32)
    for token in (0, 1, 2):
        chain.accept(token)
    assert run(chain, logits, 0)[0] == 0


@given(seed=st.integers(0, 1000), count=st.integers(0, 80))
def test_best_ids_equal_a_full_sort(seed: int, count: int) -> None:
    scores = np.round(np.random.default_rng(seed).standard_normal(60), 1)
    expected = sorted(range(60), key=lambda token: (-scores[token], token))[:count]
    assert (best_ids(scores, count).tolist() if count else []) == expected


def test_dry_makes_the_longest_repetition_cost_most() -> None:
    settings = replace(PLAIN, dry_multiplier=1.0, dry_base=2.0, dry_allowed_length=2, dry_breakers=(".",))
    chain = make_chain(settings, PIECES[:20])
    for token in (5, 6, 7, 8, 1, 6, 7, 9, 2, 5, 6, 7):
        chain.accept(token)
    pool = Candidates(20)
    pool.fill(np.zeros(20, np.float32))
    chain.apply(pool)
    ids, scores = pool.list()
    costs = {int(token): -float(score) for token, score in zip(ids, scores) if score}
    assert costs == {8: 2.0, 9: 1.0}  # three tokens repeated, and two


def test_no_repetition_reaches_across_a_breaker() -> None:
    settings = replace(PLAIN, dry_multiplier=1.0, dry_allowed_length=2, dry_breakers=(".",))
    chain = make_chain(settings, PIECES[:20])
    for token in (5, 3, 7, 8, 1, 5, 3, 7):  # token 3 holds a "."
        chain.accept(token)
    assert run(chain, np.zeros(20, np.float32), 0)[1] == list(range(20))


def test_top_choices_are_excluded_only_by_chance_and_only_if_there_are_two() -> None:
    chain = make_chain(replace(PLAIN, xtc_probability=0.5, xtc_threshold=0.2))
    logits = np.log(np.array([0.5, 0.3, 0.15, 0.05], np.float32))
    assert run(chain, logits, 0.0, 0.49)[1] == [1, 2, 3]
    assert run(chain, logits, 0.0, 0.5)[1] == [0, 1, 2, 3]
    assert run(chain, np.log(np.array([0.7, 0.15, 0.1, 0.05], np.float32)), 0.0, 0.0)[1] == [0, 1, 2, 3]


def test_mirostat_follows_its_aim() -> None:
    random = np.random.default_rng(1)
    found = []
    for version in (1, 2):
        chain = make_chain(replace(PLAIN, mirostat=version, mirostat_tau=3.0, mirostat_eta=0.1), PIECES)
        surprise = []
        for _ in range(400):
            logits = random.standard_normal(2000).astype(np.float32) * 2
            pool = Candidates(2000)
            pool.fill(logits)
            chain.apply(pool)
            ids, shares = pool.distribution()
            token = pool.choose(random.random())
            surprise.append(-math.log2(float(shares[ids == token][0])))
            chain.accept(token)
        found.append(np.mean(surprise[100:]))
    assert found == pytest.approx([3.0, 3.0], abs=0.15)


@pytest.mark.parametrize("kept", [None, 3])
def test_only_allowed_tokens_are_left(kept: int | None) -> None:
    candidates = Candidates(5)
    candidates.fill(np.array([0.5, 4, 3, 2, 1], np.float32))
    if kept is not None:
        candidates.keep_best(kept)
    candidates.allow(np.array([True, False, True, False]))  # the fifth has no entry: it is not allowed
    assert candidates.list()[0].tolist() == ([2, 0] if kept is None else [2])
    with pytest.raises(EmptyDistributionError, match="every possible next token is forbidden"):
        candidates.allow(np.array([False, True]))
