"""A folder of one's own texts: every encoding that the window reads, nothing skipped without a word, a steady split."""

import os
import zipfile
from pathlib import Path

import docx
import pytest

from desktop_app.document.errors import TextFileError
from desktop_app.document.text_encoding import decode_text
from engine.contracts.errors import CorpusError, FileError, NextstrokeError
from export.training import text_files
from export.training.corpus import read_documents
from export.training.own_texts import read_own_texts, split, write_split
from export.training.text_files import decode, read_text_file

TEXT = "第一行，你好。\r\nSecond line: naïve café, 🙂.\n"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(64))
ENCODED = {
    "utf-8": TEXT.encode(),
    "utf-8 with BOM": b"\xef\xbb\xbf" + TEXT.encode(),
    "utf-16 LE": TEXT.encode("utf-16"),
    "utf-16 BE": b"\xfe\xff" + TEXT.encode("utf-16-be"),
    "gb18030": TEXT.encode("gb18030"),
}
REFUSED = {
    "picture": PNG,
    "pdf": b"%PDF-1.7 ...",
    "noise": bytes(range(256)) * 4,
    "damaged utf-16": b"\xff\xfeab\x00\xd8",
    "damaged bom": b"\xef\xbb\xbfab\xff",
}


@pytest.mark.parametrize("data", ENCODED.values(), ids=ENCODED.keys())
def test_every_encoding_of_the_window_is_read_as_the_window_reads_it(data: bytes) -> None:
    assert decode(data).replace("\r\n", "\n") == decode_text(data, "x.txt").text == TEXT.replace("\r\n", "\n")


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_what_the_window_takes_for_no_text_is_no_text_here(data: bytes) -> None:
    with pytest.raises(CorpusError):
        decode(data)
    if data[:2] != b"\xff\xfe":  # the window keeps half characters, to save them again; a model must not learn them
        with pytest.raises(TextFileError):
            decode_text(data, "x.txt")


def word_file(path: Path) -> Path:
    document = docx.Document()
    document.add_heading("标题 Title", 1)
    document.add_paragraph("第一段。")
    table = document.add_table(rows=1, cols=2)
    table.cell(0, 0).text, table.cell(0, 1).text = "left", "right"
    document.add_paragraph("Last paragraph.")
    document.save(str(path))
    return path


def test_word_files_give_paragraphs_and_tables_in_reading_order(tmp_path: Path) -> None:
    assert (
        read_text_file(word_file(tmp_path / "论文 essay.docx")) == "标题 Title\n第一段。\nleft\tright\nLast paragraph."
    )


def test_a_merged_cell_is_read_once(tmp_path: Path) -> None:
    document = docx.Document()
    table = document.add_table(rows=1, cols=3)
    table.cell(0, 0).merge(table.cell(0, 1)).text = "wide"
    document.save(str(tmp_path / "a.docx"))
    assert read_text_file(tmp_path / "a.docx").split() == ["wide"]


def test_damaged_and_monstrous_word_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.docx").write_bytes(b"PK\x03\x04 nothing behind it")
    with zipfile.ZipFile(tmp_path / "b.docx", "w") as archive:
        archive.writestr("word/document.xml", "<xml")
    for name in ("a.docx", "b.docx"):
        with pytest.raises(CorpusError, match="no Word file"):
            read_text_file(tmp_path / name)
    monkeypatch.setattr(text_files, "_LARGEST_WORD_FILE", 100)
    with pytest.raises(CorpusError, match="would unpack to"):
        read_text_file(word_file(tmp_path / "c.docx"))


def test_nothing_is_skipped_without_a_word(tmp_path: Path) -> None:
    place = tmp_path / "我的 texts"
    (place / "deeper" / "still").mkdir(parents=True)
    (place / ".git").mkdir()
    (place / ".git" / "config.txt").write_text("no text of mine")
    (place / "a.txt").write_bytes(ENCODED["gb18030"])
    (place / "deeper" / "B.MD").write_text("# Title\n\nA story.", encoding="utf-8")
    word_file(place / "deeper" / "still" / "c.docx")
    (place / "copy.txt").write_bytes(ENCODED["utf-8"])
    (place / ".hidden.txt").write_text("secret")
    (place / "~$c.docx").write_text("lock")
    (place / "empty.txt").write_text(" \n")
    (place / "picture.txt").write_bytes(PNG)
    (place / "picture.png").write_bytes(PNG)
    (place / "elsewhere").symlink_to(tmp_path)
    (place / "broken.txt").symlink_to(tmp_path / "nothing")
    found = read_own_texts(place)
    assert [name for name, _ in found.documents] == ["a.txt", "deeper/B.MD", "deeper/still/c.docx"]
    assert dict(found.left_out) == {
        ".git/": "is a hidden folder",
        ".hidden.txt": "is a hidden file",
        "broken.txt": "is no ordinary file",
        "copy.txt": "says the same as a.txt",
        "elsewhere/": "is a link to a folder",
        "empty.txt": "is empty",
        "picture.png": "is neither .txt, .md nor .docx",
        "picture.txt": "is no text file",
        "~$c.docx": "is a hidden file",
    }


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "b.txt").write_text("secret")
    (tmp_path / "b.txt").chmod(0)
    assert read_own_texts(tmp_path).left_out == (("b.txt", "cannot be read: Permission denied"),)


def test_one_file_is_a_collection_too(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    assert read_own_texts(tmp_path / "a.txt").documents == (("a.txt", "text"),)


@pytest.mark.parametrize(
    ("files", "kind", "words"),
    [
        (None, FileError, "there is no"),
        ({}, CorpusError, "it is empty"),
        ({"a.png": PNG, "b.txt": b""}, CorpusError, "all 2 files in it were left out"),
    ],
)
def test_a_place_without_text_is_named(
    tmp_path: Path, files: dict[str, bytes] | None, kind: type[NextstrokeError], words: str
) -> None:
    place = tmp_path / "place"
    if files is not None:
        place.mkdir()
        for name, data in files.items():
            (place / name).write_bytes(data)
    with pytest.raises(kind, match=words) as caught:
        read_own_texts(place)
    assert "\n" not in str(caught.value)


def documents(count: int, seed: int = 0) -> list[str]:
    return [f"Document {seed}-{number}.\n\nIt has a body of its own." for number in range(count)]


def test_a_split_is_drawn_again_and_hardly_moves_when_texts_are_added() -> None:
    first, again, more = split(documents(200)), split(documents(200)[::-1]), split(documents(200) + documents(50, 1))
    assert (set(first.training), set(first.heldout)) == (set(again.training), set(again.heldout))
    assert 8 <= len(first.heldout) <= 32
    assert set(first.heldout) <= set(more.heldout)
    assert not set(first.training) & set(first.heldout)
    assert {*first.training, *first.heldout} == set(documents(200))


@pytest.mark.parametrize("count", range(4, 12))
def test_a_few_documents_always_leave_one_aside(count: int) -> None:
    parts = split(documents(count))
    assert parts.heldout
    assert parts.training
    assert len(parts.heldout) + len(parts.training) == count


@pytest.mark.parametrize("texts", [["paragraph one\n\n" * 50], ["short", "a long one。" * 100]])
def test_where_no_document_can_be_spared_a_tail_is(texts: list[str]) -> None:
    parts = split(texts)
    [tail] = parts.heldout
    whole = max(texts, key=len)
    assert whole.endswith(tail)
    assert 0.05 * len(whole) < len(tail) < 0.35 * len(whole)
    assert len(parts.training) == len(texts)
    assert sum(map(len, parts.training)) + len(tail) <= sum(map(len, texts))
    assert tail.startswith(("paragraph", "a long")), "it begins where a paragraph or a sentence begins"


def test_a_frozen_split_is_read_back(tmp_path: Path) -> None:
    parts = split(documents(20))
    training, heldout = write_split(tmp_path / "texts", parts)
    assert tuple(read_documents(training)) == parts.training
    assert tuple(read_documents(heldout)) == parts.heldout
