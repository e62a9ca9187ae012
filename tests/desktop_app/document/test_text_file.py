"""Files are opened and saved as themselves: bytes, encodings and line ends come back, changes outside are seen."""

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from desktop_app.document.disk import Disk
from desktop_app.document.errors import ChangedOutside, NotEncodable, TextFileError
from desktop_app.document.text_encoding import (
    CR,
    CRLF,
    ENCODINGS,
    GB18030,
    LF,
    MIXED,
    UTF_8,
    UTF_8_BOM,
    UTF_16_BE,
    UTF_16_LE,
    TextFormat,
    decode_text,
    encode_text,
)
from desktop_app.document.text_file import SIZE_LIMIT_BYTES, changed_outside, open_text, save_text

CHINESE = "从前有一个小村庄，村里住着一位老人。\n他每天都到河边去。\n"
WHOLE_CHARACTERS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\n\t"))


@pytest.fixture
def disk() -> Disk:
    return Disk()


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("line_ends", [LF, CRLF, CR])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_format_is_found_and_kept(disk: Disk, tmp_path: Path, encoding: str, line_ends: str):
    data = encode_text(CHINESE, TextFormat(encoding, line_ends))
    opened = open_text(disk, write(tmp_path / "章节 一.txt", data))
    assert opened.text == CHINESE
    assert opened.format == TextFormat(encoding, line_ends)
    save_text(disk, opened.path, opened.text + "完", opened.format, opened.version)
    assert opened.path.read_bytes() == encode_text(CHINESE + "完", opened.format)


def test_the_bytes_of_the_formats_are_the_expected_ones():
    assert encode_text("é\n", TextFormat(UTF_8, LF)) == b"\xc3\xa9\n"
    assert encode_text("é\n", TextFormat(UTF_8_BOM, CRLF)) == b"\xef\xbb\xbf\xc3\xa9\r\n"
    assert encode_text("é\n", TextFormat(UTF_16_LE, LF)) == b"\xff\xfe\xe9\x00\n\x00"
    assert encode_text("é\n", TextFormat(UTF_16_BE, CR)) == b"\xfe\xff\x00\xe9\x00\r"
    assert encode_text("中\n", TextFormat(GB18030, LF)) == b"\xd6\xd0\n"


@given(text=WHOLE_CHARACTERS, encoding=st.sampled_from(ENCODINGS), line_ends=st.sampled_from([LF, CRLF, CR]))
def test_encoded_text_decodes_to_itself(text: str, encoding: str, line_ends: str):
    data = encode_text(text, TextFormat(encoding, line_ends))
    decoded = decode_text(data, "x.txt")
    assert encode_text(decoded.text, decoded.format) == data
    if encoding != GB18030 or not _is_utf_8(data):  # GB18030 bytes that are UTF-8 too are read as UTF-8, same bytes
        assert decoded.text == text


@given(st.binary(max_size=200))
def test_whatever_opens_is_saved_back_byte_for_byte(data: bytes):
    try:
        decoded = decode_text(data, "x.txt")
    except TextFileError:
        return
    assert encode_text(decoded.text, decoded.format, original=data) == data


LINES = st.lists(st.tuples(st.sampled_from(["", "a", "b", "中"]), st.sampled_from(["\n", "\r\n", "\r"])), max_size=8)


@given(LINES, st.sampled_from(["", "z"]))
def test_mixed_line_ends_survive_an_untouched_save(lines: list[tuple[str, str]], last: str):
    data = ("".join(line + end for line, end in lines) + last).encode()
    decoded = decode_text(data, "x.txt")
    assert encode_text(decoded.text, decoded.format, original=data) == data


def test_mixed_line_ends_keep_the_lines_that_were_not_changed(disk: Disk, tmp_path: Path):
    opened = open_text(disk, write(tmp_path / "m.txt", b"one\r\ntwo\nthree\r\nfour\r\n"))
    assert opened.format.line_ends == MIXED
    assert [note.kind for note in opened.notes] == ["mixed_line_ends"]
    save_text(disk, opened.path, "one\ntwo\nTHREE\nmore\nfour\n", opened.format, opened.version)
    assert opened.path.read_bytes() == b"one\r\ntwo\nTHREE\r\nmore\r\nfour\r\n"


@given(
    old=st.text("ab\n", max_size=12),
    new=st.text("ab\n", max_size=12),
    ends=st.lists(st.sampled_from(["\n", "\r\n", "\r"]), min_size=13, max_size=13),
)
@example(old="\na\n", new="\n\n", ends=["\r", *["\n"] * 12])  # CR and LF come to stand side by side
def test_mixed_line_ends_never_change_the_text(old: str, new: str, ends: list[str]):
    parts = old.split("\n")
    data = "".join(part + end for part, end in zip(parts[:-1], ends)) + parts[-1]
    saved = encode_text(new, TextFormat(UTF_8, MIXED), original=data.encode())
    assert decode_text(saved, "x.txt").text == new


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0",
        b"PK\x03\x04\x14\0",
        b"%PDF-1.7\n",
        bytes(range(256)) * 4,
        b"{\\rtf1 text}",
        b"\0" * 100,
    ],
)
def test_binary_files_are_refused(disk: Disk, tmp_path: Path, data: bytes):
    with pytest.raises(TextFileError, match=r"is not a text file") as caught:
        open_text(disk, write(tmp_path / "p.txt", data))
    assert caught.value.kind == "binary_file"
    assert (tmp_path / "p.txt").read_bytes() == data


def test_an_unknown_encoding_is_refused_with_the_way_out(disk: Disk, tmp_path: Path):
    with pytest.raises(TextFileError, match=r"neither UTF-8, UTF-16 nor GB18030; .* save it as UTF-8"):
        open_text(disk, write(tmp_path / "latin.txt", "Une soirée d'été à Orléans, où\n".encode("latin-1")))


def test_damaged_utf_16_is_refused(disk: Disk, tmp_path: Path):
    with pytest.raises(TextFileError, match="begins like UTF-16 LE but is damaged"):
        open_text(disk, write(tmp_path / "u.txt", b"\xff\xfea\0b"))


def test_a_file_over_the_limit_is_refused_with_words(disk: Disk, tmp_path: Path):
    path = tmp_path / "big.txt"
    with path.open("wb") as file:
        file.truncate(SIZE_LIMIT_BYTES + 1)
    with pytest.raises(TextFileError, match="larger than 50 MB"):
        open_text(disk, path)


def test_an_empty_file_opens_as_utf_8(disk: Disk, tmp_path: Path):
    opened = open_text(disk, write(tmp_path / "e.md", b""))
    assert (opened.text, opened.format, opened.notes) == ("", TextFormat(), ())


def test_invisible_characters_survive_and_are_reported(disk: Disk, tmp_path: Path):
    text = "a long enough line of text to hold one of each\0 two\u2028three\u2029four " * 3
    data = text.encode()
    opened = open_text(disk, write(tmp_path / "i.txt", data))
    assert opened.text == text
    assert [note.kind for note in opened.notes] == ["invisible_characters"]
    assert opened.notes[0].facts == (("list", "3 × NUL, 3 × U+2028, 3 × U+2029"),)
    save_text(disk, opened.path, opened.text, opened.format, opened.version)
    assert opened.path.read_bytes() == data


def test_half_characters_of_a_utf_16_file_survive(disk: Disk, tmp_path: Path):
    data = b"\xff\xfe" + "text ".encode("utf-16-le") + b"\x00\xd8" + "!".encode("utf-16-le")
    opened = open_text(disk, write(tmp_path / "h.txt", data))
    assert [note.kind for note in opened.notes] == ["invisible_characters"]
    save_text(disk, opened.path, opened.text, opened.format, opened.version)
    assert opened.path.read_bytes() == data


def test_a_half_character_in_utf_8_is_named_and_nothing_is_written(disk: Disk, tmp_path: Path):
    with pytest.raises(NotEncodable, match=r"line 2 holds half a character \(U\+D800\)") as caught:
        save_text(disk, tmp_path / "h.txt", "ok\nbad \ud800", TextFormat())
    assert caught.value.offer == ""
    assert not (tmp_path / "h.txt").exists()


def test_a_change_outside_stops_the_save_until_the_person_decides(disk: Disk, tmp_path: Path):
    opened = open_text(disk, write(tmp_path / "s.txt", b"mine\n"))
    opened.path.write_bytes(b"theirs\n")
    with pytest.raises(ChangedOutside, match="was changed by another program") as caught:
        save_text(disk, opened.path, "mine, longer\n", opened.format, opened.version)
    assert not caught.value.removed
    assert opened.path.read_bytes() == b"theirs\n"
    version = save_text(disk, opened.path, "mine, longer\n", opened.format, opened.version, overwrite=True)
    assert opened.path.read_bytes() == b"mine, longer\n"
    assert not changed_outside(disk, opened.path, version)


def test_a_file_removed_outside_is_said(disk: Disk, tmp_path: Path):
    opened = open_text(disk, write(tmp_path / "s.txt", b"mine\n"))
    opened.path.unlink()
    with pytest.raises(ChangedOutside, match="was removed by another program") as caught:
        save_text(disk, opened.path, "x", opened.format, opened.version)
    assert caught.value.removed


def test_a_touched_file_with_the_same_bytes_is_no_change(disk: Disk, tmp_path: Path):
    opened = open_text(disk, write(tmp_path / "s.txt", b"mine\n"))
    os.utime(opened.path, ns=(1, 1))
    assert not changed_outside(disk, opened.path, opened.version)


def test_our_own_save_is_no_change_outside(disk: Disk, tmp_path: Path):
    opened = open_text(disk, write(tmp_path / "s.txt", b"mine\r\n"))
    version = opened.version
    for number in range(3):
        version = save_text(disk, opened.path, f"mine {number}\n", opened.format, version)
        assert opened.path.read_bytes() == f"mine {number}\r\n".encode()


def _is_utf_8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("text", ["%PDF-1.4 is how they begin", "GIF8 and more", "a\x01\x02\x03b", "\x00" * 9])
def test_what_would_not_be_opened_again_is_not_saved_as_text(disk: Disk, tmp_path: Path, text: str):
    path = write(tmp_path / "a.txt", b"before")
    opened = open_text(disk, path)
    with pytest.raises(TextFileError, match="would not be opened again") as caught:
        save_text(disk, path, text, opened.format, opened.version)
    assert caught.value.kind == "would_not_open"
    assert path.read_bytes() == b"before"


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x9FFF, exclude_categories=("Cs", "Cn", "Co", "Cc"))))
@example("\u8305")
@example("\u8305\u53f0")
def test_a_text_in_gb18030_comes_back_however_short_it_is(text: str):
    data = encode_text(text, TextFormat(GB18030))
    assert decode_text(data, "a.txt").text == text
