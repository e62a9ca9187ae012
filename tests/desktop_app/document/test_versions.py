"""Which earlier texts are kept."""

from desktop_app.document.versions import ALL_OF_THE_LAST, EarlierText, thinned, with_version

DAY = 86_400.0


def test_the_same_text_is_no_new_version():
    once = with_version((), "a", 1.0)
    assert with_version(once, "a", 2.0) == once
    assert with_version(once, "b", 2.0) == (EarlierText(1.0, "a"), EarlierText(2.0, "b"))


def test_a_year_of_saves_every_ten_minutes_stays_small_and_never_loses_the_newest():
    versions: tuple[EarlierText, ...] = ()
    now = 0.0
    for number in range(52_560):
        now = number * 600.0
        versions = (*versions, EarlierText(now, str(number)))
        if number % 500 == 0 or number > 52_550:
            versions = thinned(versions, now)
    assert [version.text for version in versions[-ALL_OF_THE_LAST:]] == [str(n) for n in range(52_550, 52_560)]
    assert len(versions) <= ALL_OF_THE_LAST + 25 + 62 + 13
    ages = [(now - version.saved) / DAY for version in versions]
    assert max(ages) > 330  # the oldest month has one
    assert sum(age < 1 for age in ages) >= 24
    assert sum(1 <= age < 61 for age in ages) >= 59


def test_thinning_twice_changes_nothing():
    versions = tuple(EarlierText(number * 977.0, str(number)) for number in range(4_000))
    once = thinned(versions, 4_000 * 977.0)
    assert thinned(once, 4_000 * 977.0) == once
