"""One look at the logits: the same answer as plain arithmetic, from the library and from NumPy, in any thread."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from engine.kernels import library, survey
from engine.kernels.library import own_kernels

LENGTHS = (1, 2, 15, 16, 17, 31, 1023, 1024, 1025, 10_240, 50_257)


def _plainly(logits: np.ndarray) -> tuple[int, float, float]:
    highest = float(logits.max())
    return int(logits.argmax()), highest, math.fsum(math.exp(float(logit) - highest) for logit in logits)


@pytest.mark.parametrize("length", LENGTHS)
def test_the_survey_is_plain_arithmetic(length: int) -> None:
    logits = np.random.default_rng(length).normal(0, 5, length).astype(np.float32)
    place, highest, total = _plainly(logits)
    for found in (survey.survey(logits), survey._in_numpy(logits)):
        assert found[:2] == (place, highest)
        assert found[2] == pytest.approx(total, rel=3e-7)


@pytest.mark.parametrize("place", [0, 15, 16, 63, 64, 1023, 1024, 1030])
def test_the_first_of_equals_is_the_best(place: int) -> None:
    logits = np.full(1031, -1.0, np.float32)
    logits[place:] = 2.0
    assert survey.survey(logits)[0] == place
    logits[place] = -np.inf
    assert survey.survey(logits)[1] == (2.0 if place < 1030 else -1.0)


@pytest.mark.parametrize("place", [0, 17, 4099])
def test_a_nan_anywhere_is_seen(place: int) -> None:
    logits = np.zeros(4100, np.float32)
    logits[place] = np.nan
    assert math.isnan(survey.survey(logits)[1])
    logits[:] = -np.inf
    assert survey.survey(logits)[1] == -math.inf
    assert math.isnan(survey.survey(logits)[2])


def test_two_threads_do_not_read_each_others_answers() -> None:
    rows = [np.random.default_rng(seed).normal(seed, 1, 5000).astype(np.float32) for seed in range(2)]
    right = [survey.survey(row) for row in rows]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda turn: survey.survey(rows[turn % 2]), range(4000)))
    assert all(answer == right[turn % 2] for turn, answer in enumerate(found))


def test_a_library_of_other_sources_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    path = own_kernels()
    if path is None:
        pytest.skip("the set-up compiled no kernels here (no C compiler)")
    monkeypatch.setattr(library, "VERSION", library.VERSION + 1)
    assert not library._runs_here(path)
