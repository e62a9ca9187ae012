"""Files of other programs as text for the page."""

import io
import zipfile
from pathlib import Path

import docx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from desktop_app.document.disk import Disk
from desktop_app.document.errors import DiskError, TextFileError
from desktop_app.document.readers import docx_reader
from desktop_app.document.readers.docx_reader import read_docx
from desktop_app.document.readers.import_file import import_file
from desktop_app.document.writers.docx_writer import DocxWriter
from desktop_app.document.writers.export_file import rendered
from desktop_app.document.writers.manuscript import CHINESE, ENGLISH
from desktop_app.document.writers.markdown_writer import MarkdownWriter, markdown
from desktop_app.document.writers.prose_markup import read_blocks
from tests.desktop_app.document.writers.books import LANGUAGES, book


def saved(document) -> bytes:
    data = io.BytesIO()
    document.save(data)
    return data.getvalue()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_word_document_of_ours_comes_back(language: str):
    manuscript = book(language, with_runs=False)
    imported = read_docx(rendered(manuscript, DocxWriter()), "a.docx")
    assert (imported.metadata.title, imported.metadata.author) == (
        manuscript.metadata.title,
        manuscript.metadata.author,
    )
    assert imported.metadata.language == language
    expected = markdown(read_blocks(manuscript), is_tight=language == CHINESE)
    assert imported.text == expected


def test_a_foreign_word_document():
    document = docx.Document()
    document.add_paragraph("书名", style="Title")
    paragraph = document.add_paragraph("他说")
    paragraph.add_run("“好”").bold = True
    paragraph.add_run(" 2*3 ")
    deleted = "<w:del {}><w:r><w:delText>gone</w:delText></w:r></w:del>".format(nsdecls("w"))
    inserted = "<w:ins {}><w:r><w:t>留下</w:t></w:r></w:ins>".format(nsdecls("w"))
    for xml in (deleted, inserted):
        paragraph._p.append(parse_xml(xml))
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "左", "右"
    document.add_picture(io.BytesIO(_picture()))
    imported = read_docx(saved(document), "b.docx")
    assert imported.text.split("\n") == ["# 书名", "", "他说**“好”** 2\\*3 留下", "左", "右", ""]
    assert [note.kind for note in imported.notes] == ["docx_pictures"]


def _picture() -> bytes:
    from PySide6.QtCore import QBuffer
    from PySide6.QtGui import QImage

    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    QImage(2, 2, QImage.Format.Format_RGB32).save(buffer, "PNG")
    return bytes(buffer.data().data())


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x03\x04 cut", rendered(book(ENGLISH), DocxWriter())[:3000]])
def test_a_damaged_word_document_is_one_line(data: bytes):
    with pytest.raises(TextFileError, match="is no Word document") as caught:
        read_docx(data, "c.docx")
    assert caught.value.kind == "damaged_docx"


def test_a_zip_that_would_unpack_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(docx_reader, "LARGEST_BYTES", 10_000)
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"0" * 20_000)
    with pytest.raises(TextFileError):
        read_docx(data.getvalue(), "bomb.docx")


def test_entities_of_a_hostile_document_are_not_followed(tmp_path: Path):
    (tmp_path / "secret.txt").write_text("SECRET", encoding="utf-8")
    data, out = rendered(book(ENGLISH, with_runs=False), DocxWriter()), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "word/document.xml":
                doctype = f'<!DOCTYPE w [<!ENTITY x SYSTEM "{(tmp_path / "secret.txt").as_uri()}">]>'.encode()
                content = content.replace(b"<w:document", doctype + b"<w:document", 1).replace(b"The end.", b"&x;")
            target.writestr(name, content)
    try:
        assert "SECRET" not in read_docx(out.getvalue(), "d.docx").text
    except TextFileError:
        pass


@pytest.mark.parametrize("language", LANGUAGES)
def test_markdown_of_ours_comes_back_with_its_metadata(language: str, tmp_path: Path):
    manuscript = book(language, with_runs=False)
    (tmp_path / "a.md").write_bytes(rendered(manuscript, MarkdownWriter()))
    imported = import_file(Disk(), tmp_path / "a.md")
    assert imported.metadata.title == manuscript.metadata.title
    assert imported.metadata.author == manuscript.metadata.author
    assert imported.text == markdown(read_blocks(manuscript))


def test_a_rule_at_the_top_is_no_head(tmp_path: Path):
    text = "---\nA line: with a colon\n---\n"
    (tmp_path / "a.md").write_text(text, encoding="utf-8")
    assert import_file(Disk(), tmp_path / "a.md").text == text


@pytest.mark.parametrize(
    ("name", "head", "title", "author", "stays"),
    [
        ("a.md", "title: T\nauthor: Ann\nlang: en-GB\n", "T", "Ann", False),
        ("a.md", "title:\nauthor: Ann\n", "", "Ann", False),
        ("a.md", "title:\n", "", "", False),
        ("a.md", "subtitle: Sub\nauthor: Ann\n", "", "Ann", True),
        ("a.md", "title: T\ntags: notes that nobody may lose\n", "T", "", True),
        ("a.md", "title: T\ndate: 2020\n", "T", "", True),
        ("a.md", "author: Ann\nauthor: Bob\n", "", "Bob", True),
        ("a.txt", "title: 'T'\nauthor: Ann\n", "T", "Ann", True),
    ],
)
def test_a_head_is_read_and_leaves_the_text_only_where_that_loses_nothing(
    name: str, head: str, title: str, author: str, stays: bool, tmp_path: Path
):
    text = f"---\n{head}---\n\nThe text.\n"
    (tmp_path / name).write_text(text, encoding="utf-8")
    imported = import_file(Disk(), tmp_path / name)
    assert (imported.metadata.title, imported.metadata.author) == (title, author)
    assert imported.text == (text if stays else "The text.\n")


@pytest.mark.parametrize(("head", "said"), [("---\nlang: de-AT\n---\n", "de-AT"), ("", "")])
def test_the_language_that_a_file_names_is_told_from_a_guess(head: str, said: str, tmp_path: Path):
    (tmp_path / "a.md").write_text(head + "Guten Tag.\n", encoding="utf-8")
    imported = import_file(Disk(), tmp_path / "a.md")
    assert (imported.said_language, imported.metadata.language) == (said, said or ENGLISH)


def test_a_text_in_an_old_encoding_says_so(tmp_path: Path):
    (tmp_path / "a.txt").write_bytes("从前有一个小村庄。".encode("gb18030"))
    imported = import_file(Disk(), tmp_path / "a.txt")
    assert imported.text == "从前有一个小村庄。"
    assert [note.kind for note in imported.notes] == ["opened_as_gb18030"]
    assert imported.metadata.language == CHINESE


def test_what_is_not_there_is_one_line(tmp_path: Path):
    with pytest.raises(DiskError, match="does not exist"):
        import_file(Disk(), tmp_path / "none.docx")


def test_a_line_too_long_for_the_page_is_refused_as_opening_does(tmp_path: Path):
    document = docx.Document()
    document.add_paragraph("short")
    document.add_paragraph("x" * 1_000_001)
    document.save(str(tmp_path / "a.docx"))
    (tmp_path / "a.txt").write_text("short\n" + "x" * 1_000_001, encoding="utf-8")
    for name, line in (("a.docx", "3"), ("a.txt", "2")):
        with pytest.raises(TextFileError) as caught:
            import_file(Disk(), tmp_path / name)
        assert (caught.value.kind, caught.value.facts) == ("line_too_long", {"name": name, "line": line})


def test_a_character_that_no_page_keeps_is_refused(tmp_path: Path):
    (tmp_path / "a.txt").write_text("a\ufdd0b", encoding="utf-8")
    with pytest.raises(TextFileError, match=r"U\+FDD0"):
        import_file(Disk(), tmp_path / "a.txt")


def test_a_paragraph_separator_inside_a_word_document_is_a_line_end():
    document = docx.Document()
    document.add_paragraph("one\u2029two")
    assert read_docx(saved(document), "a.docx").text == "one\\\ntwo\n"
