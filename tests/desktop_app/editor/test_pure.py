"""The parts of the editor that are plain functions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.editor.page_layout import CHINESE_COLUMN_EM, LATIN_COLUMN_EM, page_geometry
from desktop_app.editor.prompt import PROMPT_CHARACTERS, prompt_of, without_doubled_space
from desktop_app.editor.scripts import (
    has_endless_word,
    is_chinese_paragraph,
    is_mostly_chinese,
    takes_first_line_indent,
)
from desktop_app.editor.text_drip import TextDrip


@given(st.lists(st.text(max_size=30), max_size=20), st.integers(0, 5))
def test_a_drip_hands_out_exactly_what_was_added(pieces, takes_between):
    drip, shown = TextDrip(), ""
    for piece in pieces:
        drip.add(piece)
        for _ in range(takes_between):
            shown += drip.take()
    while len(drip):
        taken = drip.take()
        assert taken
        shown += taken
    assert shown == "".join(pieces)


def test_a_drip_keeps_joined_characters_together_and_empties_fast():
    drip = TextDrip()
    drip.add("e\u0301")
    assert drip.take() == "e\u0301"
    drip.add("\U0001f469\u200d\U0001f680!")
    assert drip.take() == "\U0001f469\u200d\U0001f680"
    drip.clear()
    drip.add("x" * 600)
    frames = 0
    while len(drip):
        drip.take()
        frames += 1
    assert frames < 40


def test_prompt_and_answer_fit_together():
    assert prompt_of("Once ").text == "Once"
    assert without_doubled_space(" upon", prompt_of("Once ")) == "upon"
    assert without_doubled_space(" upon", prompt_of("Once")) == " upon"
    assert prompt_of("code  ").text == "code  "
    assert prompt_of("line\n").text == "line\n"
    long = prompt_of("a" * (PROMPT_CHARACTERS + 5))
    assert long.was_cut
    assert len(long.text) == PROMPT_CHARACTERS


def test_scripts():
    assert is_chinese_paragraph("“从前")
    assert not is_chinese_paragraph("Once 从前")
    assert not is_chinese_paragraph("123 …")
    assert takes_first_line_indent("从前")
    assert not takes_first_line_indent("\u3000\u3000从前")
    assert not takes_first_line_indent("# 从前")
    assert not takes_first_line_indent("Once")
    assert is_mostly_chinese("他说 OK 很好")
    assert not is_mostly_chinese("")


@given(st.integers(300, 4000), st.integers(200, 2000), st.integers(12, 60), st.booleans())
def test_the_column_is_centred_on_the_page_and_the_page_in_the_viewport(width, height, em, chinese):
    page = page_geometry(width, height, float(em), chinese)
    ideal = (CHINESE_COLUMN_EM if chinese else LATIN_COLUMN_EM) * em
    assert page.column_width <= ideal + 1
    assert page.paper_left >= 0
    assert abs((width - page.paper_width) / 2 - page.paper_left) <= 1.5
    middle = page.column_left + page.column_width / 2
    assert abs(middle - (page.paper_left + page.paper_width / 2)) <= 1.5
    assert page.column_left >= page.paper_left or width < 6 * em
    assert abs(page.line_height - 1.65 * em) <= 0.5


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        ("word " * 1000, False),
        ("字" * 5000, False),
        ("x" * 2000, False),
        ("a line and " + "x" * 2001, True),
        ("字" * 2000 + "é" * 2001 + "字", True),
    ],
)
def test_a_word_of_thousands_of_letters_is_endless(text: str, is_so: bool):
    assert has_endless_word(text) is is_so
