"""Differences of two texts: exact, on a reader's borders, readable in both languages, and bounded whatever comes."""

import random
import time

import pytest
import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from desktop_app.document.alignment import Change, Effort, changes_between
from desktop_app.document.difference import Difference, difference
from desktop_app.document.reading_units import paragraphs_of, units_of_reading

# What is easily cut in two: marks, joined emoji, flags, surrogate halves, line ends; and what is compared by word.
PIECES = [
    *"天地玄黄 ab.,。“”\n",
    "word",
    "an",
    "é",
    "e\u0301",
    "👩‍👧",
    "👩🏽",
    "👩",
    "🇨🇳",
    "🇨",
    "1\ufe0f\u20e3",
    "がｶﾞ",
    "क्षि",
    "\ud83d",
    "\ude00",
    "\u0301",
    "\u200d",
    "\ufe0f",
    "\r\n",
    "𠀀",
    "\n\n",
]
TEXT = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def applied(found: Difference) -> str:
    """The old text with the changes made in it."""
    text = found.old
    for change in reversed(found.changes):
        text = text[: change.start] + found.added(change) + text[change.end :]
    return text


def marked(old: str, new: str) -> str:
    """The difference as a person would note it: [-gone-]{+come+}."""
    found, text, at = difference(old, new), "", 0
    for change in found.changes:
        removed, added = found.removed(change), found.added(change)
        text += old[at : change.start] + (f"[-{removed}-]" if removed else "") + (f"{{+{added}+}}" if added else "")
        at = change.end
    return text + old[at:]


@given(TEXT, TEXT)
@example("", "天")
@example("a\n", "a")
@settings(max_examples=600, deadline=None)
def test_applied_to_the_old_text_it_gives_the_new_one(old, new):
    found = difference(old, new)
    assert applied(found) == new
    at = new_at = 0
    for number, change in enumerate(found.changes):
        assert found.removed(change) != found.added(change)
        assert old[at : change.start] == new[new_at : change.new_start]
        assert not number or change.start > at  # two changes never touch
        at, new_at = change.end, change.new_end


@given(st.lists(TEXT, max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_edits_scattered_over_paragraphs_are_found_exactly(paragraphs, chance):
    old = "\n".join(paragraphs)
    for _ in range(4):
        if paragraphs:
            at = chance.randrange(len(paragraphs))
            edit = chance.choice(["remove", "repeat", "change", "swap"])
            if edit == "remove":
                del paragraphs[at]
            elif edit == "repeat":
                paragraphs.insert(at, paragraphs[at])
            elif edit == "swap":
                paragraphs[0], paragraphs[at] = paragraphs[at], paragraphs[0]
            else:
                paragraphs[at] = paragraphs[at][:3] + "新" + paragraphs[at][3:]
    new = "\n".join(paragraphs)
    assert applied(difference(old, new)) == new


def borders(text: str) -> set[int]:
    """Where one character of a reader ends, by Unicode's own rules, and no pair of surrogates is parted."""
    ends = {0} | {found.end() for found in regex.finditer(r"\X", text)}
    return {at for at in ends if not regex.fullmatch("[\ud800-\udbff][\udc00-\udfff]", text[at - 1 : at + 1])}


@given(TEXT, TEXT)
@settings(max_examples=600, deadline=None)
def test_no_change_begins_or_ends_within_a_character(old, new):
    old_borders, new_borders = borders(old), borders(new)
    for change in difference(old, new).changes:
        assert {change.start, change.end} <= old_borders
        assert {change.new_start, change.new_end} <= new_borders


@given(TEXT)
@settings(max_examples=300, deadline=None)
def test_units_and_paragraphs_joined_are_the_text(text):
    assert "".join(units_of_reading(text)) == text
    assert "".join(paragraphs_of(text)) == text


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("The cat sat.", "The big cat sat.", "The {+big +}cat sat."),
        ("He walked home.", "He ran home.", "He [-walked-]{+ran+} home."),
        ("他走了。她哭了。", "他走了。天黑了。她哭了。", "他走了。{+天黑了。+}她哭了。"),
        ("今天天气很好。", "今天天气真好。", "今天天气[-很-]{+真+}好。"),
        # What went begins where a sentence begins, although other places would be as right.
        ("他走了。他来了。她哭了。", "他来了。她哭了。", "[-他走了。-]他来了。她哭了。"),
        ("He left. He came. She cried.", "He came. She cried.", "[-He left. -]He came. She cried."),
        # A paragraph split in two, two joined, one put in.
        ("one. two.", "one.\ntwo.", "one.[- -]{+\n+}two."),
        ("一。\n二。", "一。二。", "一。[-\n-]二。"),
        ("a\n\nb", "a\n\nX\n\nb", "a\n\n{+X\n\n+}b"),
        ("last", "last\nnew", "last{+\nnew+}"),
        ("last.", "last.\nnew.", "last.{+\nnew.+}"),
        # An edited paragraph is found beside a new one, whichever stands first.
        ("She slept.", "She woke.\nThe end.", "She [-slept-]{+woke+}.{+\nThe end.+}"),
        (
            "a\n\nHe walked home then.",
            "a\n\nNew.\n\nHe ran home then.",
            "a\n\n{+New.\n\n+}He [-walked-]{+ran+} home then.",
        ),
        # Words that happen to stand in both of two other sentences are no common ground.
        ("我去看海。", "他说不去。", "[-我去看海-]{+他说不去+}。"),
        ("👩‍👧 rests", "👩‍👦 rests", "[-👩‍👧-]{+👩‍👦+} rests"),
        ("cafe\u0301", "cafe", "[-cafe\u0301-]{+cafe+}"),
    ],
)
def test_it_reads_as_a_person_would_say_it(old, new, wanted):
    assert marked(old, new) == wanted


def test_unchanged_paragraphs_between_rewritten_ones_stay_unchanged():
    old = "The first one is about the sea.\nYes.\nThe last one is about mountains."
    new = "Here stands something else.\nYes.\nAnd this has nothing to do with it."
    assert "\nYes.\n" in marked(old, new)


def test_the_same_answer_every_time():
    chance = random.Random(3)
    old = "".join(chance.choice("天地玄黄宇宙洪荒") for _ in range(5_000))
    new = old[:1_000] + old[1_100:3_000] + "日月" + old[3_000:]
    assert difference(old, new).changes == difference(old, new).changes
    assert len(difference(old, new).changes) == 2


def test_without_effort_the_answer_is_coarse_and_still_right():
    (change,) = changes_between("xabcdy", "xdcbay", Effort(0))
    assert change == Change(1, 5, 1, 5)


MILLION = 1_000_000


def _prose(words: list[str], joined: str, paragraphs: int, chance: random.Random) -> list[str]:
    return [joined.join(chance.choices(words, k=200 // max(map(len, words)))) + "。" for _ in range(paragraphs)]


def _hard_pairs() -> dict[str, tuple[str, str]]:
    chance = random.Random(5)
    chinese = _prose([chr(code) for code in range(0x4E00, 0x5200)], "", MILLION // 200, chance)
    edited = [text[:90] + "改" + text[90:] for text in chinese]
    english = _prose(["".join(chance.choices("abcdefgh", k=7)) for _ in range(3_000)], " ", MILLION // 200, chance)
    two = ["".join(chance.choices("天地", k=MILLION)) for _ in range(2)]
    whole = "\n".join(chinese)
    return {
        "every paragraph edited": (whole, "\n".join(edited)),
        "one paragraph, many edits": ("".join(chinese), "".join(edited)),
        "nothing in common": (whole, "\n".join(english)),
        "shuffled": (whole, "".join(chance.sample(whole, len(whole)))),
        "paragraphs backwards": (whole, "\n".join(reversed(chinese))),
        "two characters only": (two[0], two[1]),
        "line ends only": ("天" + "\n" * MILLION + "地", "玄" + "\n" * (MILLION - 7) + "黄"),
        "numbers in pairs, backwards": (
            " ".join(str(number // 2) for number in range(200_000)),
            " ".join(str(number // 2) for number in reversed(range(200_000))),
        ),
    }


@pytest.mark.slow
def test_a_million_characters_never_hang():
    """The limit is far above what was measured (6 s at worst), since other work may go on beside it."""
    for name, (old, new) in _hard_pairs().items():
        began = time.process_time()
        found = difference(old, new)
        assert applied_fast(found) == new, name
        assert time.process_time() - began < 40, name
        if "edit" in name:
            assert len(found.changes) == MILLION // 200, name


def applied_fast(found: Difference) -> str:
    """As `applied`, for many changes."""
    parts, at = [], 0
    for change in found.changes:
        parts += [found.old[at : change.start], found.added(change)]
        at = change.end
    return "".join([*parts, found.old[at:]])


def test_a_small_edit_of_a_million_characters_takes_a_moment():
    chance = random.Random(7)
    paragraphs = _prose([chr(code) for code in range(0x4E00, 0x5200)], "", MILLION // 200, chance)
    old = "\n".join(paragraphs)
    for at in range(0, len(paragraphs), 50):
        paragraphs[at] = paragraphs[at].replace("。", "！")
    began = time.process_time()
    found = difference(old, "\n".join(paragraphs))
    assert time.process_time() - began < 3  # a tenth of a second on the machine where it was written
    assert [(found.removed(change), found.added(change)) for change in found.changes] == [("。", "！")] * 100
