"""Names as they are shown: one line, nothing hidden, nothing turned around; never a name for opening."""

import os
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from desktop_app.document.shown_name import shown_name, shown_path

NAMES = st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=60) | st.binary(
    min_size=1, max_size=60
).map(lambda data: os.fsdecode(data.replace(b"/", b"").replace(b"\0", b"") or b"x"))


def test_ordinary_names_are_shown_as_they_are():
    for name in (
        "章 1.txt",
        "naïve – notes.md",
        "👩\u200d👩\u200d👧 🏴\U000e0067\U000e0062.txt",
        " a. ",
        "a & b {name}.txt",
    ):
        assert shown_name(name) == name


def test_what_cannot_be_seen_is_written_out():
    assert shown_name("a\nb\r\x1b.txt") == "a␊b␍␛.txt"
    assert shown_name("a\u202egpj.txt") == "a‹202E›gpj.txt"
    assert shown_name("\u200b\u2066a\x7f") == "‹200B›‹2066›a␡"
    assert shown_name(os.fsdecode(b"caf\xe9.txt")) == "caf‹E9›.txt"


def test_names_from_right_to_left_stand_by_themselves_in_a_sentence():
    assert shown_name("ספר.txt") == "\u2068ספר.txt\u2069"
    assert shown_path("/home/a\nb/ספר.txt") == "/home/a␊b/\u2068ספר.txt\u2069"


@given(NAMES)
def test_every_name_is_one_line_that_can_be_written_and_ends_what_it_turns(name: str):
    shown = shown_name(name)
    shown.encode("utf-8")
    assert shown
    assert len(shown.splitlines()) == 1
    inside = shown.removeprefix("\u2068").removesuffix("\u2069")
    assert (inside == shown) == (not any(unicodedata.bidirectional(each) in ("R", "AL", "AN") for each in inside))
    assert not any(
        unicodedata.bidirectional(each) in ("RLO", "LRO", "RLE", "LRE", "RLI", "LRI", "FSI") for each in inside
    )
