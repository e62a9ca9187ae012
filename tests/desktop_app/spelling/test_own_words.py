"""The person's own words: kept, read again, never lost."""

import os

import pytest

from desktop_app.document.disk import Disk
from desktop_app.document.errors import DiskError, DocumentError
from desktop_app.spelling.dictionaries import BUNDLED, all_dictionaries, bundled, dictionaries_in
from desktop_app.spelling.own_words import OwnWords, OwnWordsFile
from tests.desktop_app.spelling.small_dictionary import put_dictionary


def test_own_words_survive_a_restart_and_lie_one_a_line(tmp_path):
    file = OwnWordsFile(tmp_path / "config", Disk())
    assert len(file.load()) == 0
    for word in ("Weizhou", "e\u0301te\u0301", "fo\u2019c\u2019sle"):
        file.add(word)
    again = OwnWordsFile(tmp_path / "config", Disk()).load()
    assert again.sorted() == ["Weizhou", "fo'c'sle", "été"]
    text = (tmp_path / "config" / "own_words.txt").read_text(encoding="utf-8")
    assert text == "Weizhou\nfo'c'sle\nété\n"


def test_a_word_counts_with_a_capital_too_but_not_the_other_way_round():
    words = OwnWords(["word", "Name"])
    assert [key in words for key in ("word", "Word", "WORD", "word's", "Name", "NAME", "name", "Name's")] == [
        *[True] * 6,
        False,
        True,
    ]


def test_what_an_editor_made_of_the_file_is_read(tmp_path):
    (tmp_path / "own_words.txt").write_bytes("\ufeffone\r\n\r\n two \r\n".encode())
    assert OwnWordsFile(tmp_path, Disk()).load().sorted() == ["one", "two"]


@pytest.mark.parametrize("data", [b"\xff\xfeodd", "café".encode("latin-1"), b"one\0two"])
def test_a_file_that_is_no_text_is_said_and_left_alone(tmp_path, data):
    (tmp_path / "own_words.txt").write_bytes(data)
    for act in (lambda file: file.load(), lambda file: file.add("new")):
        with pytest.raises(DocumentError) as caught:
            act(OwnWordsFile(tmp_path, Disk()))
        assert caught.value.kind == "own_words_unreadable"
    assert (tmp_path / "own_words.txt").read_bytes() == data
    assert [path.name for path in tmp_path.iterdir()] == ["own_words.txt"]


def test_utf_16_of_an_editor_is_read(tmp_path):
    (tmp_path / "own_words.txt").write_bytes("Zorble\r\nWeizhou\r\n".encode("utf-16"))
    file = OwnWordsFile(tmp_path, Disk())
    file.add("new")
    assert (tmp_path / "own_words.txt").read_text(encoding="utf-8") == "Weizhou\nZorble\nnew\n"


def test_a_file_that_is_too_large_to_be_read_is_not_written_over(tmp_path):
    path = tmp_path / "own_words.txt"
    data = b"kept\n" * 1_000_000
    path.write_bytes(data)
    with pytest.raises(DocumentError) as caught:
        OwnWordsFile(tmp_path, Disk()).add("new")
    assert caught.value.kind == "own_words_unreadable"
    assert path.read_bytes() == data


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything; the folder below is for everybody")
def test_a_file_that_cannot_be_read_is_not_written_over(tmp_path):
    path = tmp_path / "own_words.txt"
    path.write_text("kept\n", encoding="utf-8")
    path.chmod(0)
    with pytest.raises(DiskError):
        OwnWordsFile(tmp_path, Disk()).add("new")
    path.chmod(0o600)
    assert path.read_text(encoding="utf-8") == "kept\n"


def test_a_folder_in_the_files_place_is_said_and_left_alone(tmp_path):
    (tmp_path / "own_words.txt").mkdir()
    with pytest.raises(DiskError) as caught:
        OwnWordsFile(tmp_path, Disk()).add("new")
    assert caught.value.kind == "is_folder"
    assert (tmp_path / "own_words.txt").is_dir()


def test_dictionaries_are_pairs_of_files(tmp_path):
    put_dictionary(tmp_path, "en_GB")
    put_dictionary(tmp_path, "de_DE_frami")
    (tmp_path / "alone.aff").write_text("", encoding="utf-8")
    (tmp_path / "lonely.dic").write_text("", encoding="utf-8")
    (tmp_path / ".aff").write_text("", encoding="utf-8")
    put_dictionary(tmp_path, "no\udcff characters")
    assert [each.name for each in dictionaries_in(tmp_path)] == ["de_DE_frami", "en_GB"]
    assert [each.name for each in all_dictionaries(tmp_path)] == [BUNDLED, "de_DE_frami", "en_GB"]
    put_dictionary(tmp_path, BUNDLED)
    assert [each.base.parent for each in all_dictionaries(tmp_path)] == [tmp_path] * 3
    assert dictionaries_in(tmp_path / "nowhere") == ()


def test_the_bundled_dictionary_is_there_with_its_rules():
    assert bundled().base.with_suffix(".aff").is_file()
    assert bundled().base.with_suffix(".dic").is_file()
