"""The sums over parts are the textbook's formulas over everything at once."""

import numpy as np
import pytest

from engine.contracts.errors import VerificationError
from export import logit_sums
from export.logit_sums import LogitSums


def rows(count: int, vocabulary: int = 311, noise: float = 0.3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(count)
    wanted = random.normal(size=(count, vocabulary)).astype(np.float32) * 3
    found = wanted + random.normal(size=wanted.shape).astype(np.float32) * np.float32(noise)
    return wanted, found, random.integers(0, vocabulary, count - 1)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


@pytest.mark.parametrize("numbers_at_once", [1, 700, 1 << 17])
def test_parts_come_to_what_the_whole_comes_to(numbers_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logit_sums, "_NUMBERS_AT_ONCE", numbers_at_once)
    wanted, found, following = rows(50)
    sums = LogitSums()
    for start in range(0, 50, 20):
        sums.add(wanted[start : start + 20], found[start : start + 20], following[start : start + 20])
    report = sums.report("text", natural=True)
    theirs, ours, difference = log_softmax(wanted), log_softmax(found), found - wanted
    assert (report.name, report.natural, report.tokens) == ("text", True, 50)
    assert report.max_error == float(np.abs(difference).max())
    assert report.mean_error == pytest.approx(np.abs(difference).mean(), rel=1e-5)
    assert report.rms_logits == pytest.approx(np.sqrt(np.square(wanted, dtype=np.float64).mean()), rel=1e-9)
    wanted_nmse = np.square(difference, dtype=np.float64).sum() / np.square(wanted, dtype=np.float64).sum()
    assert report.nmse == pytest.approx(wanted_nmse, rel=1e-9)
    assert report.kl_divergence == pytest.approx((np.exp(theirs) * (theirs - ours)).sum(axis=1).mean(), rel=1e-9)
    assert report.same_top_1 == (wanted.argmax(1) == found.argmax(1)).mean()
    places = np.arange(49)
    assert report.nats_reference == pytest.approx(-theirs[places, following].mean(), rel=1e-12)
    assert report.nats_converted == pytest.approx(-ours[places, following].mean(), rel=1e-12)


def test_equal_logits_have_no_distance() -> None:
    wanted, _, following = rows(8)
    sums = LogitSums()
    sums.add(wanted, wanted.copy(), following)
    report = sums.report("same", natural=False)
    assert (report.max_error, report.mean_error, report.nmse, report.same_top_1) == (0.0, 0.0, 0.0, 1.0)
    assert report.kl_divergence < 1e-15
    assert report.nats_reference == report.nats_converted


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    wanted, found, following = rows(8)
    found[5, 17] = value
    with pytest.raises(VerificationError, match="not finite"):
        LogitSums().add(wanted, found, following)
