"""How a wrong value is shown: one short piece of a line, whatever it is."""

import pytest

from engine.contracts.plain_fields import SHOWN, shown


@pytest.mark.parametrize("value", [0, -1, 2**64, -(2**64), 1.5, "hot", None, [1, 2]])
def test_what_is_short_is_shown_as_it_is(value: object) -> None:
    assert shown(value) == repr(value)


@pytest.mark.parametrize(("power", "words"), [(400, "401"), (9000, "9,001")])
def test_a_long_number_is_described(power: int, words: str) -> None:
    assert shown(10**power) == shown(-(10**power)) == f"a number of about {words} digits"


def test_a_long_text_is_cut() -> None:
    assert shown("x" * 9000) == "'" + "x" * (SHOWN - 1) + "…"
