"""The learning rate: warm-up, stay, decay; and an end that may move."""

import itertools

from export.training.schedule import rate_share

SETTINGS = {"warmup": 100, "decay": 300, "final": 0.1}


def test_the_rate_rises_stays_and_falls() -> None:
    shares = [rate_share(tokens, 1000, **SETTINGS) for tokens in range(1001)]
    assert 0 < shares[0] < shares[50] < shares[99] == 1.0
    assert set(shares[100:701]) == {1.0}
    assert all(one > two for one, two in itertools.pairwise(shares[700:]))
    assert abs(shares[850] - 0.55) < 1e-9
    assert abs(shares[1000] - 0.1) < 1e-9


def test_moving_the_end_changes_nothing_before_the_decay() -> None:
    assert all(rate_share(t, 1000, **SETTINGS) == rate_share(t, 5000, **SETTINGS) for t in range(701))


def test_after_a_shortened_end_the_rate_is_the_final_one() -> None:
    assert rate_share(2000, 1000, **SETTINGS) == 0.1


def test_without_warm_up_and_decay_the_rate_stays() -> None:
    assert {rate_share(t, 10, 0, 0, 0.0) for t in range(11)} == {1.0}
