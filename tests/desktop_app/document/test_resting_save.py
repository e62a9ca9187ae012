"""What a rest writes: the file as a person's save would, and no flood of earlier texts."""

from dataclasses import replace
from pathlib import Path

import pytest

from desktop_app.document.any_file import open_file
from desktop_app.document.disk import Disk
from desktop_app.document.errors import ChangedOutside
from desktop_app.document.model import Document
from desktop_app.document.nextstroke_file import StoredDocument, open_document, save_document
from desktop_app.document.origins import TYPED, Origin
from desktop_app.document.plain_document import to_plain
from desktop_app.document.resting_save import RestingDocument, Written, write_at_rest
from desktop_app.document.text_encoding import CRLF, GB18030, TextFormat


class Writer:
    """A document that is typed into, saved and left to rest, at times that the test says."""

    def __init__(self, path: Path) -> None:
        self.path, self.document = path, Document()
        self.type("begun")
        stored, self.version = save_document(Disk(), path, StoredDocument(self.document), clock=lambda: 0.0)
        self.written = Written(self.version, stored.versions)

    def type(self, text: str) -> None:
        self.document.insert(self.document.length(), text, Origin(TYPED))

    def rest(self, now: float) -> None:
        stored = StoredDocument(self.document.copy(), versions=self.written.versions)
        resting = RestingDocument(self.path, TextFormat(), self.written.version, stored)
        self.written = write_at_rest(Disk(), resting, self.written.passing, lambda: now)

    def save(self, now: float) -> None:
        stored = StoredDocument(self.document, versions=self.written.versions)
        stored, version = save_document(Disk(), self.path, stored, self.written.version, clock=lambda: now)
        self.written = Written(version, stored.versions)

    def texts(self) -> list[str]:
        return [version.text for version in open_document(Disk(), self.path)[0].versions]


@pytest.fixture
def writer(tmp_path: Path) -> Writer:
    return Writer(tmp_path / "novel.nextstroke")


def test_a_rest_writes_what_a_save_would(writer: Writer):
    writer.type(" and on")
    writer.rest(10.0)
    found, version = open_document(Disk(), writer.path)
    assert to_plain(found.document) == to_plain(writer.document)
    assert version == writer.written.version
    assert writer.texts() == ["begun", "begun and on"]


def test_a_hundred_rests_leave_one_earlier_text(writer: Writer):
    for second in range(1, 101):
        writer.type("x")
        writer.rest(float(second))
        assert writer.texts()[-1] == writer.document.text()
    assert writer.texts() == ["begun", "begun" + 100 * "x"]


def test_of_long_writing_one_text_every_ten_minutes_stays(writer: Writer):
    for minute in range(1, 61):
        writer.type("x")
        writer.rest(60.0 * minute)
    # One that is ten minutes younger than the one before it stays; the last is the present one.
    assert [len(text) - len("begun") for text in writer.texts()] == [0, 10, 20, 30, 40, 50, 60]


def test_what_a_person_saved_stays_among_the_earlier_texts(writer: Writer):
    writer.type(" rested")
    writer.rest(1.0)
    writer.save(2.0)  # the same text: the rest's is now the person's
    writer.type(" saved")
    writer.save(3.0)
    for second in range(4, 9):
        writer.type(".")
        writer.rest(float(second))
    assert writer.texts() == ["begun", "begun rested", "begun rested saved", "begun rested saved....."]


def test_another_programs_change_is_never_written_over(writer: Writer):
    other = writer.path.read_bytes() + b" "
    writer.path.write_bytes(other)
    writer.type("!")
    with pytest.raises(ChangedOutside):
        writer.rest(5.0)
    assert writer.path.read_bytes() == other


def test_a_plain_text_keeps_its_encoding_and_line_ends(tmp_path: Path):
    path = tmp_path / "章.txt"
    path.write_bytes("从前\r\n".encode("gb18030"))
    opened = open_file(Disk(), path)
    assert opened.format == TextFormat(GB18030, CRLF)
    document = Document()
    document.insert(0, "从前\n后来\n", Origin(TYPED))
    resting = RestingDocument(path, opened.format, opened.version, StoredDocument(document))
    written = write_at_rest(Disk(), resting, None, lambda: 1.0)
    assert path.read_bytes() == "从前\r\n后来\r\n".encode("gb18030")
    with pytest.raises(ChangedOutside):
        write_at_rest(Disk(), resting, None, lambda: 2.0)
    assert write_at_rest(Disk(), replace(resting, known=written.version), None, lambda: 3.0).versions == ()
