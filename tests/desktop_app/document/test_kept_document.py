"""A kept document meets its file again: unsaved, saved, changed, gone."""

from dataclasses import replace
from pathlib import Path

import pytest

from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.model import Document
from desktop_app.document.nextstroke_file import StoredDocument, save_document
from desktop_app.document.origins import TYPED, Origin
from desktop_app.document.restoring import restore
from desktop_app.document.text_file import open_text, save_text


def test_unsaved_text_is_recovered_and_a_change_of_its_file_is_noticed_at_saving(tmp_path: Path):
    disk = Disk()
    (tmp_path / "s.txt").write_text("saved", encoding="utf-8")
    opened = open_text(disk, tmp_path / "s.txt")
    kept = replace(KeptDocument.of_text("a", "saved and more", opened.path), version=opened.version)
    assert kept.has_unsaved_text
    (tmp_path / "s.txt").write_text("changed", encoding="utf-8")
    restored = restore(disk, kept)
    assert restored.is_recovered
    assert restored.document == kept
    with pytest.raises(DocumentError, match="changed by another program"):
        save_text(disk, tmp_path / "s.txt", kept.text, kept.format, restored.document.version)


def test_a_saved_document_is_read_again_from_its_file(tmp_path: Path):
    disk = Disk()
    (tmp_path / "s.txt").write_text("short", encoding="utf-8")
    kept = replace(KeptDocument.of_text("a", "longer text", tmp_path / "s.txt", is_modified=False), caret=11)
    restored = restore(disk, kept)
    assert not restored.is_recovered
    assert (restored.document.text, restored.document.caret) == ("short", 11)
    assert not restored.document.has_unsaved_text


def test_the_text_of_a_vanished_file_is_offered(tmp_path: Path):
    kept = KeptDocument.of_text("a", "text", tmp_path / "gone.txt", is_modified=False)
    restored = restore(Disk(), kept)
    assert restored.is_recovered
    assert restored.document.text == "text"
    assert restored.document.has_unsaved_text
    assert [note.kind for note in restored.notes] == ["missing"]


def test_an_empty_untitled_document_has_nothing_to_lose():
    assert not KeptDocument.of_text("a", "").has_unsaved_text
    assert KeptDocument.of_text("a", "x").has_unsaved_text


# ---- documents --------------------------------------------------------------------------------------------------


@pytest.fixture
def novel(tmp_path: Path) -> KeptDocument:
    """A document with two branches as it lies in its file and in the store."""
    document = Document()
    document.insert(0, "Once upon a time", Origin(TYPED))
    document.fork(5, "fox")
    stored, version = save_document(Disk(), tmp_path / "n.nextstroke", StoredDocument(document), clock=lambda: 1.0)
    copy = StoredDocument(document.copy(), stored.about, stored.versions)
    return KeptDocument("n", copy, tmp_path / "n.nextstroke", version=version, is_modified=False)


def test_what_a_document_has_and_its_file_has_not_comes_back_whole(novel: KeptDocument):
    document = novel.stored.document
    saved_at = document.history.current
    document.bookmark(3, "here")  # the text is the same
    restored = restore(Disk(), replace(novel, is_modified=True))
    assert restored.is_recovered
    assert restored.document.stored.document is document
    assert (restored.document.version, restored.saved_step) == (novel.version, saved_at)
    assert [text.text for text in restored.document.stored.versions] == ["Once upon a time"]


def test_a_text_that_came_alone_is_an_edit_of_the_document_in_its_file(novel: KeptDocument):
    alone = KeptDocument.of_text("n", "Once upon the time", novel.path)
    restored = restore(Disk(), alone)
    document = restored.document.stored.document
    assert (document.text(), len(document.tree.branches), restored.is_recovered) == ("Once upon the time", 2, True)
    assert document.undo() is not None
    assert (document.text(), document.history.current) == ("Once upon a time", restored.saved_step)


def test_a_text_that_came_alone_is_of_the_branch_that_was_shown(novel: KeptDocument):
    fox = max(novel.stored.document.tree.branches)
    restored = restore(Disk(), replace(KeptDocument.of_text("n", "Once a fox", novel.path), branch=fox))
    document = restored.document.stored.document
    assert (document.current, document.text(), document.text(branch=1)) == (fox, "Once a fox", "Once upon a time")


def test_a_document_whose_file_was_changed_by_others_keeps_the_version_that_it_knows(novel: KeptDocument):
    assert novel.path is not None
    other = Document()
    other.insert(0, "another program's", Origin(TYPED))
    save_document(Disk(), novel.path, StoredDocument(other), clock=lambda: 2.0)
    novel.stored.document.insert(0, "X", Origin(TYPED))
    restored = restore(Disk(), replace(novel, is_modified=True))
    assert (restored.document.text, restored.document.version) == ("XOnce upon a time", novel.version)


def test_a_document_whose_file_cannot_be_read_keeps_its_branches_and_leaves_the_file(novel: KeptDocument):
    assert novel.path is not None
    novel.path.write_bytes(b"SQLite format 3\0 and then nothing of sense")
    restored = restore(Disk(), novel)
    assert (restored.document.path, restored.is_recovered) == (None, True)
    assert len(restored.document.stored.document.tree.branches) == 2
    assert [note.kind for note in restored.notes] == ["document_damaged", "document_unread"]
