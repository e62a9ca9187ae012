"""What counts as seen."""

import pytest

from export.tasks.leakage import Seen, letters

SENTENCE = "The quick brown fox jumps over the lazy dog"


def test_case_width_spaces_and_punctuation_do_not_count() -> None:
    assert letters("Tom’s ｏｌｄ， isn't he?") == letters("TOM S OLD ISN T HE")


@pytest.mark.parametrize(
    "pair",
    [
        ("Tom is a student.", "别的"),
        ("something new", "汤姆是个学生"),
        ("tom is a STUDENT", "别的"),
        (f"A new beginning. {SENTENCE}! And an end.", "别的"),
    ],
)
def test_a_pair_is_seen_by_its_source_its_target_or_a_long_sentence(pair: tuple[str, str]) -> None:
    seen = Seen(["Tom is a student.\n汤姆是个学生。", f"Before. {SENTENCE}. After."])
    assert seen.holds(pair)


def test_a_short_sentence_inside_a_text_is_chance() -> None:
    seen = Seen(["He ran. The end."])
    assert not seen.holds(("A new story. He ran. It was dark.", "A title"))
    assert not Seen().holds(("a", "b"))
