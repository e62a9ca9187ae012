"""The judge of the chain, `reference.Reference`, against transformers' own logits processors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.contracts.sampling_settings import SamplingSettings
from tests.engine.sampling.reference import Reference

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

OFF = SamplingSettings(temperature=1, top_p=1, min_p=0)
SIZE = 300


def processors(chosen: SamplingSettings) -> list[object]:
    hf = transformers
    one = {
        "repetition_penalty": lambda: hf.RepetitionPenaltyLogitsProcessor(chosen.repetition_penalty),
        "no_repeat_ngram": lambda: hf.NoRepeatNGramLogitsProcessor(chosen.no_repeat_ngram),
        "top_k": lambda: hf.TopKLogitsWarper(chosen.top_k),
        "top_p": lambda: hf.TopPLogitsWarper(chosen.top_p),
        "typical_p": lambda: hf.TypicalLogitsWarper(chosen.typical_p),
        "min_p": lambda: hf.MinPLogitsWarper(chosen.min_p),
        "temperature": lambda: hf.TemperatureLogitsWarper(chosen.temperature),
    }
    return [one[name]() for name in chosen.order]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    spread=st.sampled_from([0.3, 1.0, 5.0]),
    order=st.permutations(
        ["repetition_penalty", "no_repeat_ngram", "top_k", "top_p", "typical_p", "min_p", "temperature"]
    ).flatmap(lambda names: st.integers(1, len(names)).map(lambda count: tuple(names[:count]))),
)
def test_the_judge_agrees(seed: int, spread: float, order: tuple[str, ...]) -> None:
    random = np.random.default_rng(seed)
    chosen = SamplingSettings(
        repetition_penalty=1.3,
        repetition_range=1000,
        no_repeat_ngram=2,
        top_k=40,
        top_p=0.83,
        typical_p=0.71,
        min_p=0.013,
        temperature=0.7,
        order=order,
    )
    seen = random.integers(0, 12, 30)
    logits = (random.standard_normal(SIZE) * spread).astype(np.float32)
    judge = Reference(chosen, SIZE)
    for token in seen:
        judge.accept(int(token))
    try:
        judge.apply(logits.tolist(), 0.0)
        is_left = True
    except ZeroDivisionError:  # the cuts came first, and what they left may not be repeated
        is_left = False
    scores = torch.from_numpy(logits.astype(np.float64))[None]
    for processor in processors(chosen):
        scores = processor(torch.from_numpy(seen)[None], scores)
    found = scores[0].numpy()
    if not is_left:
        assert not np.isfinite(found).any()
        return
    assert sorted(judge.scores) == np.flatnonzero(np.isfinite(found)).tolist()
    for token, score in judge.scores.items():
        assert score == pytest.approx(float(found[token]), abs=1e-6)
