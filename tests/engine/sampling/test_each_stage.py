"""Each stage alone, and in another order, against its published formula over whole arrays: not a line shared with it.

The formulas are those of transformers' logits processors, of llama.cpp's samplers, and of OpenAI's penalties; each
takes scores (vocabulary,) with minus infinity for what is gone, and what was seen, and answers scores.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.contracts.sampling_settings import SAMPLER_ORDER, SamplingSettings
from engine.loaded_model import LoadedModel
from engine.sampling.bias import Bias
from engine.sampling.candidates import Candidates
from engine.sampling.chain import Chain, make_chain
from tests.engine.test_generate import HOT, ask, essence, run, tokens_of

SIZE = 64
PIECES = [b"word"] * SIZE
GONE = -np.inf
OFF = SamplingSettings(temperature=1, top_p=1, min_p=0)

Formula = Callable[[np.ndarray, Sequence[int], SamplingSettings, float], np.ndarray]


def softmax(scores: np.ndarray) -> np.ndarray:
    weights = np.exp(scores - scores.max())
    return weights / weights.sum()


def without(scores: np.ndarray, gone: np.ndarray) -> np.ndarray:
    return np.where(gone, GONE, scores)


def repetition_penalty(scores, seen, s, chance):
    lately = np.isin(np.arange(SIZE), seen[-s.repetition_range :])
    return np.where(lately, np.where(scores > 0, scores / s.repetition_penalty, scores * s.repetition_penalty), scores)


def presence_penalty(scores, seen, s, chance):
    return scores - s.presence_penalty * np.isin(np.arange(SIZE), seen[-s.repetition_range :])


def frequency_penalty(scores, seen, s, chance):
    return scores - s.frequency_penalty * np.bincount(seen[-s.repetition_range :], minlength=SIZE)


def no_repeat_ngram(scores, seen, s, chance):
    n, banned = s.no_repeat_ngram, np.zeros(SIZE, bool)
    for start in range(len(seen) - n + 1):
        if list(seen[start : start + n - 1]) == list(seen[len(seen) - n + 1 :]):
            banned[seen[start + n - 1]] = True
    return without(scores, banned)


def dry(scores, seen, s, chance):
    made = scores.copy()
    for token in range(SIZE):
        longest = 0
        for place in range(1, len(seen)):
            if seen[place] == token:
                length = 0
                while length < place and seen[place - 1 - length] == seen[len(seen) - 1 - length]:
                    length += 1
                longest = max(longest, length)
        if longest >= s.dry_allowed_length:
            made[token] -= s.dry_multiplier * s.dry_base ** (longest - s.dry_allowed_length)
    return made


def top_n_sigma(scores, seen, s, chance):
    return without(scores, scores < scores.max() - s.top_n_sigma * np.std(scores[scores > GONE]))


def top_k(scores, seen, s, chance):
    return without(scores, scores < np.sort(scores)[-min(s.top_k, SIZE)])


def typical_p(scores, seen, s, chance):
    shares = softmax(scores)
    surprise = -np.log(shares)
    order = np.argsort(np.abs(surprise - np.nansum(shares * surprise)), kind="stable")
    last = int((np.cumsum(shares[order]) < s.typical_p).sum())
    return without(scores, ~np.isin(np.arange(SIZE), order[: last + 1]))


def top_p(scores, seen, s, chance):
    order = np.argsort(-scores, kind="stable")
    before = np.cumsum(softmax(scores)[order]) - softmax(scores)[order]  # what better ones hold already
    kept = order[(before < s.top_p) | (np.arange(SIZE) == 0)]
    return without(scores, ~np.isin(np.arange(SIZE), kept))


def min_p(scores, seen, s, chance):
    shares = softmax(scores)
    return without(scores, shares < s.min_p * shares.max())


def xtc(scores, seen, s, chance):
    shares = softmax(scores)
    above = np.flatnonzero(shares >= s.xtc_threshold)
    if chance >= s.xtc_probability or len(above) < 2:
        return scores
    return without(scores, np.isin(np.arange(SIZE), above) & (np.arange(SIZE) != above[shares[above].argmin()]))


def temperature(scores, seen, s, chance):
    if s.dynamic_temperature_range == 0:
        return scores / s.temperature
    shares = softmax(scores)
    shares = shares[shares > 0]
    entropy = -(shares * np.log(shares)).sum() / math.log(len(shares))
    low, high = max(0, s.temperature - s.dynamic_temperature_range), s.temperature + s.dynamic_temperature_range
    return scores / (low + (high - low) * entropy**s.dynamic_temperature_exponent)


def mirostat(scores, seen, s, chance):
    """Version 2 before anything was accepted: surprises of at most twice the aim."""
    shares = softmax(scores)
    gone = -np.log2(shares) > 2 * s.mirostat_tau
    return without(scores, gone & (shares < shares.max()))


FORMULAS: dict[str, tuple[Formula, SamplingSettings]] = {
    "repetition_penalty": (repetition_penalty, replace(OFF, repetition_penalty=1.37, repetition_range=9)),
    "presence_penalty": (presence_penalty, replace(OFF, presence_penalty=0.83, repetition_range=9)),
    "frequency_penalty": (frequency_penalty, replace(OFF, frequency_penalty=0.41, repetition_range=9)),
    "no_repeat_ngram": (no_repeat_ngram, replace(OFF, no_repeat_ngram=2)),
    "dry": (dry, replace(OFF, dry_multiplier=0.77, dry_base=1.9, dry_allowed_length=1, dry_breakers=())),
    "top_n_sigma": (top_n_sigma, replace(OFF, top_n_sigma=1.03)),
    "top_k": (top_k, replace(OFF, top_k=7)),
    "typical_p": (typical_p, replace(OFF, typical_p=0.613)),
    "top_p": (top_p, replace(OFF, top_p=0.713)),
    "min_p": (min_p, replace(OFF, min_p=0.113)),
    "xtc": (xtc, replace(OFF, xtc_probability=0.5, xtc_threshold=0.0513)),
    "temperature": (temperature, replace(OFF, temperature=0.71)),
    "mirostat": (mirostat, replace(OFF, mirostat=2, mirostat_tau=2.03)),
}
DYNAMIC = replace(OFF, temperature=0.9, dynamic_temperature_range=0.7, dynamic_temperature_exponent=1.3)


def probabilities(chain: Chain, logits: np.ndarray, chance: float) -> np.ndarray:
    pool = Candidates(SIZE)
    pool.fill(logits)
    chain.apply(pool, chance)
    found, (ids, shares) = np.zeros(SIZE), pool.distribution()
    found[ids] = shares
    return found


def drawn(seed: int) -> tuple[np.ndarray, list[int], float]:
    dice = np.random.default_rng(seed)
    logits = (dice.standard_normal(SIZE) * dice.choice([0.5, 2.0, 5.0])).astype(np.float32)
    return logits, dice.integers(0, 6, 24).tolist(), float(dice.random())


def judged(names: Sequence[str], chosen: SamplingSettings, seed: int) -> None:
    """The stages in that order: the same probabilities as the formulas one after the other, and they sum to one."""
    logits, seen, chance = drawn(seed)
    chain = make_chain(replace(chosen, order=tuple(names)), PIECES)
    scores = logits.astype(np.float64)
    for token in seen:
        chain.accept(token)
    with np.errstate(divide="ignore", invalid="ignore"):
        for name in names:
            scores = FORMULAS[name][0](scores, seen, chosen, chance)
    found = probabilities(chain, logits, chance)
    assert found.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(found, softmax(scores), rtol=1e-9, atol=1e-12)


def test_every_stage_has_a_formula() -> None:
    assert set(FORMULAS) == set(SAMPLER_ORDER)


@pytest.mark.parametrize("name", SAMPLER_ORDER)
def test_a_stage_is_its_formula(name: str) -> None:
    changed = 0
    for seed in range(60):
        judged([name], FORMULAS[name][1], seed)
        logits, seen, chance = drawn(seed)
        chain = make_chain(replace(FORMULAS[name][1], order=(name,)), PIECES)
        for token in seen:
            chain.accept(token)
        changed += not np.allclose(probabilities(chain, logits, chance), softmax(logits.astype(np.float64)))
    assert changed > 10, "the stage did nothing, so nothing was compared"


@given(seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_dynamic_temperature_is_its_formula(seed: int) -> None:
    judged(["temperature"], DYNAMIC, seed)


@given(seed=st.integers(0, 10**6), names=st.permutations(SAMPLER_ORDER), count=st.integers(2, 5))
@settings(max_examples=150, deadline=None)
def test_the_order_is_the_settings(seed: int, names: list[str], count: int) -> None:
    """Some stages in some order; the typical cut of a distribution with holes needs no formula of its own here."""
    some = [name for name in names if name not in ("typical_p", "no_repeat_ngram")][:count]
    together = OFF
    for name in some:
        fields = {field: value for field, value in vars(FORMULAS[name][1]).items() if value != getattr(OFF, field)}
        together = replace(together, **fields)
    judged(some, together, seed)


def test_order_matters() -> None:
    logits = np.linspace(0, 4, SIZE).astype(np.float32)
    hot = replace(OFF, temperature=3.0, top_p=0.5)
    first = probabilities(make_chain(replace(hot, order=("top_p", "temperature"))), logits, 0)
    last = probabilities(make_chain(replace(hot, order=("temperature", "top_p"))), logits, 0)
    assert (first > 0).sum() < (last > 0).sum()


@given(seed=st.integers(0, 10**6), banned=st.sets(st.integers(0, SIZE - 1), max_size=SIZE - 1))
@settings(max_examples=60, deadline=None)
def test_a_bias_is_added_and_minus_a_hundred_is_a_ban(seed: int, banned: set[int]) -> None:
    logits, _, _ = drawn(seed)
    amounts = {token: float(token % 7 - 3) for token in range(0, SIZE, 5)} | dict.fromkeys(banned, -100.0)
    added = np.array([amounts.get(token, 0.0) for token in range(SIZE)])
    expected = without(logits.astype(np.float64) + added, np.isin(np.arange(SIZE), sorted(banned)))
    found = probabilities(Chain((Bias(amounts),)), logits, 0)
    np.testing.assert_allclose(found, softmax(expected), rtol=1e-9, atol=1e-12)
    assert found.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("extreme", [{"top_p": 0.0}, {"top_k": 1}, {"min_p": 1.0}], ids=str)
def test_the_narrowest_cuts_leave_the_best_token_as_temperature_zero_does(
    rotary: LoadedModel, extreme: dict[str, float]
) -> None:
    cold = run(rotary, ask(sampling=SamplingSettings(temperature=0)))
    narrow = run(rotary, ask(sampling=replace(HOT, **extreme)))
    assert essence(narrow) == essence(cold)


def test_a_rule_that_uses_up_every_token_ends_in_one_line(rotary: LoadedModel) -> None:
    """Two tokens may be written, and none twice: the third has nothing left."""
    allowed = rotary.tokenizer.encode("dogs")[-1], rotary.tokenizer.encode("home")[-1]
    bans = {str(token): -100 for token in range(rotary.tokenizer.vocabulary_size) if token not in allowed}
    events = run(rotary, ask(bias_ids=bans, sampling=replace(HOT, no_repeat_ngram=1)))
    assert sorted(token.id for token in tokens_of(events)) == sorted(set(allowed))
    assert events[-1].to_dict()["kind"] == "EmptyDistributionError"
