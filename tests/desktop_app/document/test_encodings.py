"""Any bytes: opened and given back to the last one, also around an edit, or refused for editing with one line."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QTextDocument

from desktop_app.document.any_file import demand_page
from desktop_app.document.errors import TextFileError
from desktop_app.document.text_encoding import (
    CRLF,
    GB18030,
    LF,
    UTF_8,
    UTF_16_BE,
    UTF_16_BE_BARE,
    UTF_16_LE_BARE,
    TextFormat,
    decode_text,
    encode_text,
)
from tests.desktop_app.services.qt import application

PROSE = "从前有一个小村庄，村里住着一位老人。\nOnce upon a time there was a village.\n"
OTHERS = ("big5", "shift_jis", "euc_jp", "euc_kr", "latin-1", "cp1251", "koi8_r", "utf-16-le", "utf-16-be", "utf-32")
PIECES = ("从前", "有一個村莊", "むかしむかし", "옛날", "été où", "Жил-был", "Once ", "\n", "\r\n", "\r", "\t")
CODECS = st.sampled_from((*OTHERS, "utf-8", "gb18030"))
TEXTS = st.lists(
    st.sampled_from(PIECES),
    min_size=1,
    max_size=30,
).map("".join)


def given_back(data: bytes) -> str | None:
    """The text of these bytes, which come back as they were; None where they are refused."""
    try:
        decoded = decode_text(data, "a.txt")
    except TextFileError:
        return None
    assert encode_text(decoded.text, decoded.format, original=data) == data
    return decoded.text


@settings(max_examples=400, deadline=None)
@given(text=TEXTS, codec=st.sampled_from(OTHERS))
def test_texts_of_other_encodings_come_back_or_are_refused(text: str, codec: str):
    given_back(text.encode(codec, "replace"))


@settings(max_examples=300, deadline=None)
@given(text=TEXTS, codec=CODECS, noise=st.binary(max_size=4), at=st.integers(0, 99))
def test_damaged_texts_come_back_or_are_refused(text: str, codec: str, noise: bytes, at: int):
    data = text.encode(codec, "replace")
    place = at * len(data) // 100
    given_back(data[:place] + noise + data[place:])


@settings(max_examples=300, deadline=None)
@given(text=TEXTS, codec=CODECS)
@example("从前有一個村莊", "big5")
def test_what_is_written_behind_leaves_every_byte_before_it(text: str, codec: str):
    data = text.encode(codec, "replace")
    try:
        decoded = decode_text(data, "a.txt")
    except TextFileError:
        return
    edited = encode_text(decoded.text + "more", decoded.format, original=data)
    if decoded.format.encoding in (UTF_16_LE_BARE, UTF_16_BE_BARE):
        edited = edited.removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")  # a mark may have to be added
    assert edited.startswith(data)


@pytest.mark.parametrize("line_ends", [LF, CRLF])
@pytest.mark.parametrize("encoding", [UTF_16_LE_BARE, UTF_16_BE_BARE])
@pytest.mark.parametrize("text", [PROSE, "plain English text\n" * 9, "一二三\n中文，没有别的。\n" * 9])
def test_utf_16_without_a_mark_is_known_by_its_line_ends(encoding: str, line_ends: str, text: str):
    data = encode_text(text, TextFormat(encoding, line_ends))
    assert not data.startswith((b"\xff\xfe", b"\xfe\xff"))
    decoded = decode_text(data, "a.txt")
    assert decoded.format == TextFormat(encoding, line_ends)
    assert decoded.text == text


def test_a_text_too_short_to_be_known_gets_its_mark():
    data = encode_text("中", TextFormat(UTF_16_BE_BARE))
    assert data == b"\xfe\xff\x4e\x2d"
    assert decode_text(data, "a.txt").format.encoding == UTF_16_BE


def test_gb18030_and_utf_8_are_told_apart():
    assert decode_text(PROSE.encode("gb18030"), "a.txt").format.encoding == GB18030
    assert decode_text(PROSE.encode(), "a.txt").format.encoding == UTF_8
    assert decode_text((PROSE + "a\0b").encode(), "a.txt").format.encoding == UTF_8


ANY_CHARACTER = st.characters() | st.sampled_from(
    "\0\r\n\x0b\x0c\x1c\x85\xa0\u2028\u2029\ufdd0\ufdd1\ufeff\ufffc\ufffe\ud83d"
)


@settings(max_examples=300, deadline=None)
@given(st.text(ANY_CHARACTER, max_size=40))
def test_a_page_gives_back_what_it_is_given(text: str):
    """What the page would not give back is refused before it gets there."""
    application()
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        demand_page(text, "a.txt")
    except TextFileError:
        return
    page = QTextDocument()
    page.setPlainText(text)
    assert page.toRawText().replace("\u2029", "\n") == text
