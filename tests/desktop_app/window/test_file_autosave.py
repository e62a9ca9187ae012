"""In the window: documents go into their files by themselves, texts where the person wants it, and never blindly."""

import os
from pathlib import Path

import pytest

from desktop_app.document.disk import Disk
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.model import Document
from desktop_app.document.nextstroke_file import About, StoredDocument, open_document, save_document
from desktop_app.document.origins import TYPED, Origin
from desktop_app.document.recovery import RecoveryStore
from desktop_app.document.restoring import restore
from tests.desktop_app.services.qt import run_for, wait_until
from tests.desktop_app.window_kit import Kit


@pytest.fixture
def path(tmp_path: Path) -> Path:
    document = Document()
    document.insert(0, "once", Origin(TYPED))
    save_document(Disk(), tmp_path / "novel.nextstroke", StoredDocument(document), clock=lambda: 1.0)
    return tmp_path / "novel.nextstroke"


def in_file(path: Path) -> str:
    return open_document(Disk(), path)[0].document.text()


def test_a_document_goes_into_its_file_and_the_mark_goes(kit: Kit, path: Path):
    kit.window.opening.open(str(path))
    kit.type("At ")
    assert kit.window.windowTitle().startswith("● ")
    assert wait_until(lambda: not kit.window.document.is_modified, 5)
    assert in_file(path) == "At once"
    assert not kit.window.windowTitle().startswith("● ")
    assert [text.text for text in kit.window.document.earlier_texts] == ["At once", "once"]
    kit.type("all ")
    kit.trigger("save")  # the file is known as the rest left it: nothing to ask
    assert kit.answers.asked == []
    assert in_file(path) == "At all once"
    kit.trigger("undo")
    kit.trigger("undo")
    assert kit.text == "once"
    assert wait_until(lambda: in_file(path) == "once", 5)
    kit.window.document.look_outside()
    assert kit.answers.asked == []


def test_a_plain_text_goes_into_its_file_only_where_the_person_wants_it(kit: Kit, tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_bytes("一\r\n".encode("gb18030"))
    kit.window.opening.open(str(path))
    kit.type("X")
    run_for(1300)
    assert path.read_bytes() == "一\r\n".encode("gb18030")
    kit.trigger("autosave")
    assert kit.settings.values.autosave_text_files
    assert wait_until(lambda: path.read_bytes() == "X一\r\n".encode("gb18030"), 5)
    assert wait_until(lambda: not kit.window.document.is_modified, 5)
    kit.trigger("autosave")
    kit.type("Y")
    run_for(1300)
    assert kit.window.document.is_modified


def test_a_text_without_a_file_gets_none(kit: Kit, tmp_path: Path):
    before = sorted(tmp_path.iterdir())
    kit.window.tabs.new()
    kit.type("words")
    run_for(1300)
    assert [each for each in sorted(tmp_path.iterdir()) if each.name != "settings.toml"] == before
    assert kit.window.document.is_modified


def test_another_programs_change_is_said_and_left(kit: Kit, path: Path):
    kit.window.opening.open(str(path))
    other = path.read_bytes() + b" "
    path.write_bytes(other)
    kit.type("At ")
    assert wait_until(lambda: "by itself until" in kit.message, 5)
    assert "was changed by another program" in kit.message
    kit.type("all ")
    run_for(1300)
    assert path.read_bytes() == other
    assert kit.window.document.is_modified
    kit.answers.answer = "overwrite"
    kit.trigger("save")
    assert in_file(path) == "At all once"
    kit.type("! ")
    assert wait_until(lambda: in_file(path) == "At all ! once", 5)


@pytest.mark.skipif(os.geteuid() == 0 and not hasattr(os, "chmod"), reason="modes are POSIX's")
def test_a_read_only_file_is_said_once_and_the_text_stays(kit: Kit, path: Path):
    kit.window.opening.open(str(path))
    path.chmod(0o444)
    kit.type("At ")
    assert wait_until(lambda: "read-only" in kit.message, 5)
    kit.window.status_line.clear_message()
    kit.type("all ")
    run_for(1300)
    assert kit.message == ""
    assert (kit.text, in_file(path)) == ("At all once", "once")
    path.chmod(0o644)
    kit.trigger("save")
    assert in_file(path) == "At all once"


def test_closing_a_document_that_was_just_typed_into_asks_nothing(kit: Kit, path: Path):
    kit.window.opening.open(str(path))
    kit.type("At ")
    assert kit.window.tabs.close()
    assert kit.answers.asked == []
    assert in_file(path) == "At once"


def test_what_came_back_damaged_waits_for_the_person(kit: Kit, path: Path):
    damaged = KeptDocument.of_text("k", "once upo\ufffd", path, is_damaged=True)
    kit.window.document.restore(restore(Disk(), damaged))
    kit.type("X")
    run_for(1300)
    assert in_file(path) == "once"
    kit.trigger("save")
    assert in_file(path) == "Xonce upo\ufffd"
    kit.type("Y")
    assert wait_until(lambda: in_file(path) == "XYonce upo\ufffd", 5)


def test_a_crash_right_after_a_rest_leaves_nothing_to_ask(kit: Kit, path: Path, tmp_path: Path):
    """The store may know less of the file than was written into it: what it kept is newer, and the file is ours."""
    kit.window.opening.open(str(path))
    kit.type("At ")
    store = RecoveryStore(tmp_path / "state", Disk())
    store.keep([kit.window.document.snapshot()])  # before the rest
    assert wait_until(lambda: not kit.window.document.is_modified, 5)
    store.close()
    again = RecoveryStore(tmp_path / "state", Disk())
    (kept,) = again.take_over()
    again.close()
    restored = restore(Disk(), kept)
    assert not restored.is_recovered  # the file holds all of it
    kept.stored.document.insert(0, "Z", Origin(TYPED))
    later = restore(Disk(), kept)
    assert later.is_recovered
    assert later.document.version == open_document(Disk(), path)[1]


def test_a_document_whose_title_changed_is_written_too(kit: Kit, path: Path):
    kit.window.opening.open(str(path))
    kit.window.document.describe(About("海上", "Ann", "zh"))
    assert wait_until(lambda: open_document(Disk(), path)[0].about == About("海上", "Ann", "zh"), 5)
