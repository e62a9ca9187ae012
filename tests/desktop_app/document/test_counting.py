"""Counts against a table that was counted by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.document.counting import count_text

# text, Chinese characters, with punctuation, Latin words, characters without white space
TABLE = [
    ("", 0, 0, 0, 0),
    (" \n\t　", 0, 0, 0, 0),
    ("从前有一个小村庄。", 8, 9, 0, 9),
    ("“你好，”他说：“再见……”", 6, 14, 0, 14),
    ("《红楼梦》——曹雪芹（清）", 7, 13, 0, 13),
    ("Once upon a time, there was a fox.", 0, 0, 8, 27),
    ("It’s my mother-in-law's cat—really.", 0, 0, 5, 32),
    ("She said “no”… twice", 0, 0, 4, 17),
    ("我用 Nextstroke 写作，3.14 版本。", 6, 8, 2, 22),
    ("GPT-2在2019年发布", 4, 4, 2, 13),
    ("々〇𠀀", 3, 3, 0, 3),
    ("a_b c", 0, 0, 2, 4),
    ("café naïve Москва", 0, 0, 3, 15),
    ("……", 0, 0, 0, 2),
    ("😀好😀", 1, 1, 0, 3),
    ("ＡＢ，好", 1, 2, 1, 4),
]


@pytest.mark.parametrize(("text", "chinese", "with_punctuation", "latin", "characters"), TABLE)
def test_the_hand_counted_table(text: str, chinese: int, with_punctuation: int, latin: int, characters: int):
    counts = count_text(text)
    assert (counts.chinese, counts.chinese_with_punctuation, counts.latin_words, counts.characters) == (
        chinese,
        with_punctuation,
        latin,
        characters,
    )
    assert counts.words == chinese + latin


@given(st.text(), st.text())
def test_paragraphs_add_up(first: str, second: str):
    whole, one, two = count_text(first + "\n\n" + second), count_text(first), count_text(second)
    assert whole.chinese == one.chinese + two.chinese
    assert whole.chinese_with_punctuation == one.chinese_with_punctuation + two.chinese_with_punctuation
    assert whole.latin_words == one.latin_words + two.latin_words
    assert whole.characters == one.characters + two.characters


@given(st.text())
def test_the_parts_never_exceed_the_whole(text: str):
    counts = count_text(text)
    assert 0 <= counts.chinese <= counts.chinese_with_punctuation <= counts.characters
    assert counts.latin_words + counts.chinese <= counts.characters
