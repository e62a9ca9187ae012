"""The sampling chain against a slow reference that sorts everything, and the promises of each stage."""

import math
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.candidates import Candidates, best_ids
from engine.contracts.generation import SAMPLER_ORDER, SamplingSettings
from engine.sampling import Chain, make_chain

PLAIN = SamplingSettings(temperature=1, top_k=0, top_p=1, min_p=0, repetition_penalty=1)


class Reference:
    """The same stages over Python lists, sorting everything each time."""

    def __init__(self, logits: np.ndarray, seen: list[int], chosen: SamplingSettings) -> None:
        self.scores = {token: float(score) for token, score in enumerate(logits)}
        for name in chosen.order:
            getattr(self, name)(chosen, seen[len(seen) - min(chosen.repetition_range, len(seen)) :])

    def ordered(self) -> list[int]:
        return sorted(self.scores, key=lambda token: (-self.scores[token], token))

    def shares(self) -> list[tuple[int, float]]:
        ordered = self.ordered()
        weights = [math.exp(self.scores[token] - self.scores[ordered[0]]) for token in ordered]
        total = math.fsum(weights)
        return [(token, weight / total) for token, weight in zip(ordered, weights)]

    def keep(self, tokens: list[int]) -> None:
        self.scores = {token: self.scores[token] for token in tokens}

    def repetition_penalty(self, chosen: SamplingSettings, seen: list[int]) -> None:
        for token in set(seen) & set(self.scores):
            score = self.scores[token]
            penalty = chosen.repetition_penalty
            self.scores[token] = score * (1 / penalty) if score > 0 else score * penalty

    def top_k(self, chosen: SamplingSettings, seen: list[int]) -> None:
        if chosen.top_k:
            self.keep(self.ordered()[: chosen.top_k])

    def top_p(self, chosen: SamplingSettings, seen: list[int]) -> None:
        if chosen.top_p < 1:
            kept, mass = [], 0.0
            for token, share in self.shares():
                kept.append(token)
                mass += share
                if mass >= chosen.top_p:
                    break
            self.keep(kept)

    def min_p(self, chosen: SamplingSettings, seen: list[int]) -> None:
        if chosen.min_p:
            shares = self.shares()
            self.keep([token for token, share in shares if share >= chosen.min_p * shares[0][1]])

    def temperature(self, chosen: SamplingSettings, seen: list[int]) -> None:
        if chosen.temperature == 0:
            self.keep(self.ordered()[:1])
        else:
            self.scores = {token: score * (1 / chosen.temperature) for token, score in self.scores.items()}

    def choose(self, number: float) -> int:
        mass = 0.0
        for token, share in self.shares():
            mass += share
            if mass > number:
                return token
        return self.ordered()[-1]


def run(chain: Chain, logits: np.ndarray, number: float) -> tuple[int, list[int]]:
    pool = Candidates(len(logits))
    pool.fill(logits)
    chain.apply(pool)
    token = pool.choose(number)
    pool.fill(logits)
    chain.apply(pool)
    return token, pool.list()[0].tolist()


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, list[int], SamplingSettings, float]:
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    size = draw(st.sampled_from([1, 2, 7, 130, 600, 2000]))
    logits = random.standard_normal(size) * draw(st.sampled_from([0.01, 1.0, 4.0, 20.0])) + random.choice([-9, 0, 9])
    if draw(st.booleans()):
        logits = np.round(logits, 1)  # many equal ones
    seen = random.integers(0, size, draw(st.integers(0, 20))).tolist()
    # Odd fractions: a share that equals a bound exactly may fall on either side of it by rounding.
    off = random.random() * 1e-7
    chosen = SamplingSettings(
        temperature=draw(st.sampled_from([0.0, 0.7, 1.0, 1.9])),
        top_k=draw(st.sampled_from([0, 1, 3, 40, 5000])),
        top_p=draw(st.sampled_from([0.0, 0.3, 0.9, 0.999])) + off if draw(st.booleans()) else 1.0,
        min_p=draw(st.sampled_from([0.05, 0.5])) + off if draw(st.booleans()) else 0.0,
        repetition_penalty=draw(st.sampled_from([1.0, 1.3, 0.8])),
        repetition_range=draw(st.sampled_from([0, 5, 256])),
        order=draw(st.sampled_from(list(permutations(SAMPLER_ORDER)))),
    )
    return logits.astype(np.float32), seen, chosen, random.random()


@settings(max_examples=300, deadline=None)
@given(case=cases())
def test_the_chain_equals_the_slow_reference(case) -> None:
    logits, seen, chosen, number = case
    chain = make_chain(chosen)
    for token in seen:
        chain.accept(token)
    reference = Reference(logits, seen, chosen)
    token, left = run(chain, logits, number)
    assert left == reference.ordered()
    assert token == reference.choose(number)


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
    ],
)
def test_no_setting_leaves_nothing(extreme: SamplingSettings) -> None:
    chain = make_chain(extreme)
    chain.accept(3)
    token, left = run(chain, np.zeros(5, np.float32), 0.5)
    assert left
    assert token in left


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
    assert pool.normalizer == pytest.approx(expected, abs=1e-12)


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
