"""A kept document meets its file again: unsaved, saved, changed, gone."""

from dataclasses import replace
from pathlib import Path

import pytest

from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError
from desktop_app.document.kept_document import KeptDocument
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
