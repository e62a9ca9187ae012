"""Counts against a table that was counted by hand."""

import unicodedata

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from desktop_app.document.characters import has_clusters
from desktop_app.document.counting import Counts, count_text, cut_after

# text, 字, 字 with punctuation, Latin words, kana, characters as a reader sees them
TABLE = [
    ("", 0, 0, 0, 0, 0),
    (" \n\t　", 0, 0, 0, 0, 0),
    ("从前有一个小村庄。", 8, 9, 0, 0, 9),
    ("“你好，”他说：“再见……”", 6, 14, 0, 0, 14),
    ("《红楼梦》——曹雪芹（清）", 7, 13, 0, 0, 13),
    ("Once upon a time, there was a fox.", 0, 0, 8, 0, 27),
    ("It’s my mother-in-law's cat—really.", 0, 0, 5, 0, 32),
    ("She said “no”… twice", 0, 0, 4, 0, 17),
    ("我用 Nextstroke 写作，3.14 版本。", 6, 8, 2, 0, 22),
    ("GPT-2在2019年发布", 4, 4, 2, 0, 13),
    ("々〇𠀀", 3, 3, 0, 0, 3),
    ("a_b c", 0, 0, 2, 0, 4),
    ("café naïve Москва", 0, 0, 3, 0, 15),
    ("……", 0, 0, 0, 0, 2),
    ("😀好😀", 1, 1, 0, 0, 3),
    ("ＡＢ，好", 1, 2, 1, 0, 4),
    # dashes and ellipses
    ("他走了——再也没回来……", 8, 12, 0, 0, 12),
    ("——你好", 2, 4, 0, 0, 4),
    ("wait…what", 0, 0, 2, 0, 9),
    ("one -- two", 0, 0, 2, 0, 8),
    ("1990–2000", 0, 0, 2, 0, 9),
    # punctuation of a keyboard that stayed in English
    ("你好,世界.", 4, 6, 0, 0, 6),
    ('他说:"走!"', 3, 7, 0, 0, 7),
    ("图(a)在此", 3, 5, 1, 0, 6),
    ("“Hello,” he said.", 0, 0, 3, 0, 15),
    ("，", 0, 1, 0, 0, 1),
    # numbers
    ("1,000,000", 0, 0, 1, 0, 9),
    ("50% of $3.50", 0, 0, 3, 0, 10),
    ("三3个", 2, 2, 1, 0, 3),
    ("２０２６年", 1, 1, 1, 0, 5),
    ("2026-11-28", 0, 0, 1, 0, 10),
    # hyphens, apostrophes, slashes
    ("well-known and/or rock'n'roll", 0, 0, 3, 0, 27),
    ("'tis the writers' room", 0, 0, 4, 0, 19),
    ("e.g. C++ and #1", 0, 0, 4, 0, 12),
    # addresses
    ("https://example.com/a?b=1&c=%20 end", 0, 0, 2, 0, 34),
    ("见 https://example.com/a。好", 2, 3, 1, 0, 24),
    ("mail me@example.com", 0, 0, 2, 0, 18),
    # Markdown's marks are no words
    ("# 第一章", 3, 3, 0, 0, 4),
    ("**bold** and *thin*", 0, 0, 3, 0, 17),
    ("**粗体**字", 3, 3, 0, 0, 7),
    ("* * *", 0, 0, 0, 0, 3),
    ("- item", 0, 0, 1, 0, 5),
    # combining marks: é of two code points, Devanagari vowel signs, Thai
    ("cafe\u0301s", 0, 0, 1, 0, 5),
    ("हिन्दी भाषा", 0, 0, 2, 0, 5),
    ("Việt Nam", 0, 0, 2, 0, 7),
    ("Vie\u0323\u0302t", 0, 0, 1, 0, 4),
    ("می\u200cخواهم", 0, 0, 1, 0, 7),
    ("葛\U000e0100城", 2, 2, 0, 0, 2),
    # emoji of several code points
    ("👨\u200d👩\u200d👧\u200d👦", 0, 0, 0, 0, 1),
    ("👍🏽好", 1, 1, 0, 0, 2),
    ("🇨🇳🇫🇷", 0, 0, 0, 0, 2),
    ("❤\ufe0f爱", 1, 1, 0, 0, 2),
    ("🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", 0, 0, 0, 0, 1),
    ("1\ufe0f\u20e3", 0, 0, 1, 0, 1),
    # Japanese and Korean
    ("日本語を話します。", 4, 5, 0, 4, 9),
    ("コーヒー・カップ", 0, 1, 0, 7, 8),
    ("ｶﾞﾗｽ", 0, 0, 0, 3, 3),
    ("안녕하세요 세계", 0, 0, 2, 0, 7),
    ("「はい」と彼は言った", 2, 4, 0, 6, 10),
    # line ends and full-width spaces
    ("　　一行。\n　　又一行。", 5, 7, 0, 0, 7),
    ("a\r\nb", 0, 0, 2, 0, 2),
]


@pytest.mark.parametrize(("text", "chinese", "with_punctuation", "latin", "kana", "characters"), TABLE)
def test_the_hand_counted_table(text: str, chinese: int, with_punctuation: int, latin: int, kana: int, characters: int):
    counts = count_text(text)
    assert counts == Counts(chinese, with_punctuation, latin, characters, kana)
    assert counts.words == chinese + kana + latin


ALPHABET = st.text(
    st.sampled_from("中文々〇𠀀，。“”……——、（）「」かなー abAé1.,'-/_\n \u3000e\u0301\u200d\ufe0f👨👩❤🏽🇨🇳가हि😀!?:*#")
)


@given(st.text() | ALPHABET, st.text() | ALPHABET)
def test_paragraphs_add_up(first: str, second: str):
    assert count_text(first + "\n\n" + second) == count_text(first) + count_text(second)


@given(st.text() | ALPHABET)
def test_the_parts_never_exceed_the_whole(text: str):
    counts = count_text(text)
    assert 0 <= counts.chinese <= counts.chinese_with_punctuation <= len(text)
    assert counts.words <= counts.characters


@given(ALPHABET)
def test_characters_are_the_clusters_of_unicode(text: str):
    # An independent reader: the `regex` module's \X.
    clusters = [cluster for cluster in regex.findall(r"\X", text) if not cluster.isspace()]
    assert count_text(text).characters == len(clusters)


@given(st.text() | ALPHABET, st.integers(0, 40))
def test_a_cut_changes_no_count(text: str, least: int):
    place = cut_after(text, min(least, len(text)))
    assert count_text(text[:place]) + count_text(text[place:]) == count_text(text)


def test_every_combining_mark_of_unicode_continues_a_character():
    marks = [chr(code) for code in range(0x1F000) if unicodedata.category(chr(code)).startswith("M")]
    assert len(marks) > 2000
    assert [mark for mark in marks if count_text(f"e{mark}").characters != 1] == []
    others = [chr(code) for code in range(0x300, 0x1F000, 7) if unicodedata.category(chr(code))[0] in "LNS"]
    assert [other for other in others if has_clusters(other)] == ["\uff9e"] * ("\uff9e" in others)
