"""`.nextstroke` documents in the window: opened with all they hold, saved as what they are, and never lost."""

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData
from PySide6.QtWidgets import QFileDialog, QLineEdit

from desktop_app.dialogs.dialogs import QtDialogs
from desktop_app.dialogs.export_dialog import ExportChoices
from desktop_app.document.disk import Disk
from desktop_app.document.model import Document
from desktop_app.document.nextstroke_file import (
    SUFFIX,
    About,
    StoredDocument,
    open_document,
    save_document,
)
from desktop_app.document.origins import GENERATED, IMPORTED, TYPED, Origin, Passage
from desktop_app.document.plain_document import to_plain
from desktop_app.document.restoring import restore
from desktop_app.document.text_file import open_text
from desktop_app.document.versions import EarlierText
from tests.desktop_app.services.qt import wait_until

BY_MODEL = Origin(GENERATED, "r1")
TEXT = "从前 😀 once there was a sea."


def sample() -> Document:
    """Two branches, three origins, steps to undo; the first branch is shown and reads `TEXT`."""
    document = Document()
    document.insert(0, "从前 😀 once", Origin(TYPED))
    document.set_record("r1", {"model": "tiny", "seed": 7})
    document.insert(9, " there was a sea.", BY_MODEL, "generation")
    other = document.fork(4, "other")
    document.insert(4, "another", Origin(IMPORTED), branch=other)
    return document


def written(path: Path, **says) -> StoredDocument:
    """A file with the sample."""
    stored = StoredDocument(sample(), About("海上", "Ann Lee", "zh-Hans"), (EarlierText(5.0, "earlier"),), caret=5)
    return save_document(Disk(), path, replace(stored, **says))[0]


def in_file(path: Path) -> StoredDocument:
    return open_document(Disk(), path)[0]


def change_inside(path: Path, *statements: str) -> None:
    """Write into the database by other means than this program's."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A document of the sample."""
    made = tmp_path / f"小说 1{SUFFIX}"
    written(made)
    return made


# ---- opening ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["asked", "dropped", "recent"])
def test_a_document_opens_with_branches_origins_and_history(kit, path, way):
    if way == "asked":
        kit.answers.path = str(path)
        kit.trigger("open")
    elif way == "dropped":  # and named on the command line
        kit.window.take_paths([str(path)])
    else:
        kit.window.commands.remember_file(str(path))
        kit.window.actions_by_name.recent_menu.actions()[0].trigger()
    model = kit.view.link.model
    assert kit.text == TEXT
    assert to_plain(model) == to_plain(sample())
    assert kit.view.textCursor().position() == 6  # the caret stands behind 5 characters, one of them of two units
    assert kit.view.link.pieces(0, 99)[-1].origin == BY_MODEL
    assert not kit.window.document.is_modified
    assert kit.settings.values.recent_files == (str(path),)
    kit.trigger("undo")  # what was written in the other branch
    kit.trigger("undo")  # the fork
    kit.trigger("undo")
    assert kit.text == "从前 😀 once"


def test_a_document_that_was_altered_opens_and_is_said(kit, path):
    change_inside(path, "UPDATE record SET says = '{}'")
    assert kit.window.opening.open(str(path))
    assert kit.text == TEXT
    assert path.name in kit.message
    assert "exactly" in kit.message


def test_an_altered_history_that_leads_nowhere_is_left_out(kit, path):
    last = "(SELECT changes FROM step WHERE id = (SELECT max(id) FROM step))"
    change_inside(path, f"UPDATE step SET changes = {last} WHERE id = (SELECT min(id) FROM step)")
    assert kit.window.opening.open(str(path))
    assert kit.text == TEXT
    assert not kit.view.link.model.history.can_undo
    assert len(kit.view.link.model.tree.branches) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"only a text", "not a Nextstroke document"),
        (b"", "damaged"),
        (None, "newer version"),
    ],
)
def test_a_file_that_cannot_be_opened_is_one_message_and_the_page_stays(kit, path, content, words):
    if content is None:
        change_inside(path, "PRAGMA user_version = 99")
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    kit.write("mine")
    assert not kit.window.opening.open(str(path))
    ((_, said),) = kit.answers.told
    assert words in said
    assert kit.answers.asked == []
    assert kit.text == "mine"
    assert path.read_bytes() == before


@pytest.mark.parametrize("answer", ["open_text", "cancel"])
def test_the_readable_text_of_a_damaged_document_is_offered(kit, path, answer):
    change_inside(path, "UPDATE buffer SET text = x'ff'")
    damaged = path.read_bytes()
    kit.answers.answer = answer
    assert kit.window.opening.open(str(path)) is (answer == "open_text")
    (question,) = kit.answers.asked
    assert "can still be read" in question.text
    assert (kit.text == TEXT) is (answer == "open_text")
    if answer == "open_text":
        assert kit.window.document.path is None
        assert kit.window.document.is_modified
    assert path.read_bytes() == damaged


def test_a_damaged_document_whose_text_is_too_long_for_the_page_is_only_said(kit, path):
    document = Document()
    document.insert(0, "x" * 1_000_001, Origin(TYPED))
    written(path, document=document)
    change_inside(path, "UPDATE buffer SET text = x'ff'")
    kit.answers.answer = "open_text"
    assert not kit.window.opening.open(str(path))
    assert kit.answers.asked == []
    ((_, said),) = kit.answers.told
    assert "This document is damaged" in said
    assert f"A line of “{path.name}” (line 1) is too long for the page." in said


def test_a_damaged_document_without_a_readable_text_is_only_said(kit, path):
    change_inside(path, "UPDATE buffer SET text = x'ff'", "DELETE FROM version")
    assert not kit.window.opening.open(str(path))
    assert kit.answers.asked == []
    assert "damaged" in kit.answers.told[0][1]


def test_half_a_character_stays_one_unit_of_page_and_document(kit, tmp_path):
    document = Document()
    document.insert(0, "a\ud83d b", Origin(TYPED))
    path = tmp_path / f"half{SUFFIX}"
    save_document(Disk(), path, StoredDocument(document, caret=4))
    kit.window.opening.open(str(path))
    assert kit.view.link.model.units() == kit.view.document().characterCount() - 1 == 4
    kit.type("!")
    assert kit.view.link.model.text() == "a\ud83d b!"
    kit.trigger("undo")
    assert kit.view.link.model.text() == "a\ud83d b"


def test_characters_that_a_page_has_no_place_for_become_what_the_page_shows(kit, tmp_path):
    document = Document()
    document.insert(0, "one\r\ntwo\u2029three", Origin(TYPED))
    path = tmp_path / f"odd{SUFFIX}"
    save_document(Disk(), path, StoredDocument(document))
    kit.window.opening.open(str(path))
    assert kit.view.link.model.text() == kit.text == "one\ntwo\nthree"
    kit.view.moveCursor(kit.view.textCursor().MoveOperation.End)
    kit.type("!")
    assert kit.view.link.model.text() == kit.text == "one\ntwo\nthree!"
    for _ in range(3):
        kit.trigger("undo")
    assert kit.view.link.model.text() == kit.text == "one\ntwo\nthree"


# ---- saving -----------------------------------------------------------------------------------------------------


def test_a_document_is_saved_with_all_it_holds(kit, path):
    kit.window.opening.open(str(path))
    kit.type("X")
    kit.trigger("save")
    stored = in_file(path)
    assert stored.document.text() == kit.text == "从前 😀 Xonce there was a sea."
    assert to_plain(stored.document) == to_plain(kit.view.link.model)
    assert stored.document.passages()[-1] == Passage(" there was a sea.", BY_MODEL)
    assert len(stored.document.tree.branches) == 2
    assert [version.text for version in stored.versions] == ["earlier", TEXT, kit.text]
    assert stored.about == About("海上", "Ann Lee", "zh-Hans")
    assert stored.caret == 6
    assert not kit.window.document.is_modified
    kit.trigger("undo")
    assert kit.text == TEXT


def test_a_text_saved_as_a_document_keeps_its_origins_and_steps(kit, tmp_path):
    kit.write("")
    kit.type("Once")
    kit.generate(" upon", " a time")
    kit.answers.path = str(tmp_path / f"story{SUFFIX}")
    kit.trigger("save_as")
    document = in_file(tmp_path / f"story{SUFFIX}").document
    assert [(text, origin.kind) for text, origin in document.passages()] == [
        ("Once", TYPED),
        (" upon a time", GENERATED),
    ]
    assert document.origins.records  # what the model said of it
    document.undo()
    assert document.text() == "Once"


def test_a_document_saved_as_a_text_is_its_shown_text(kit, path, tmp_path):
    kit.window.opening.open(str(path))
    before = path.read_bytes()
    kit.answers.path = str(tmp_path / "a.txt")
    kit.trigger("save_as")
    assert open_text(Disk(), tmp_path / "a.txt").text == TEXT
    assert kit.window.document.path == tmp_path / "a.txt"
    assert path.read_bytes() == before


def test_a_name_without_an_ending_is_of_the_kind_that_the_text_has(kit, path, tmp_path):
    kit.window.opening.open(str(path))
    kit.answers.path = str(tmp_path / "copy")
    kit.trigger("save_as")
    assert in_file(tmp_path / f"copy{SUFFIX}").document.text() == TEXT


@pytest.mark.parametrize("answer", ["cancel", "overwrite"])
def test_a_change_by_another_program_is_asked_before_it_is_overwritten(kit, path, answer):
    kit.window.opening.open(str(path))
    kit.type("X")
    other = Document()
    other.insert(0, "of another program", Origin(TYPED))
    save_document(Disk(), path, StoredDocument(other))
    kit.answers.answer = answer
    kit.trigger("save")
    assert len(kit.answers.asked) == 1
    assert in_file(path).document.text() == ("of another program" if answer == "cancel" else kit.text)
    assert kit.window.document.is_modified is (answer == "cancel")


def test_a_changed_document_is_read_again_with_its_origins(kit, path):
    kit.window.opening.open(str(path))
    other = sample()
    other.insert(0, "New. ", Origin(IMPORTED))
    save_document(Disk(), path, StoredDocument(other))
    kit.answers.answer = "take"
    kit.window.document.look_outside()
    assert kit.text == "New. " + TEXT
    assert to_plain(kit.view.link.model) == to_plain(other)
    kit.window.document.look_outside()
    assert len(kit.answers.asked) == 1


def test_what_an_export_asks_is_kept_in_the_document(kit, path, tmp_path):
    kit.window.opening.open(str(path))
    kit.answers.export = ExportChoices(title="The Sea", author="Bo", language="en", suffix=".md")
    kit.answers.path = str(tmp_path / "out.md")
    kit.trigger("export")
    assert (kit.answers.proposed[0].title, kit.answers.proposed[0].author) == ("海上", "Ann Lee")
    assert wait_until(lambda: (tmp_path / "out.md").exists(), 5)
    assert kit.window.document.is_modified
    kit.trigger("save")
    assert in_file(path).about == About("The Sea", "Bo", "en")


# ---- the next start ---------------------------------------------------------------------------------------------


def next_start(kit, kept):
    """The window of the next start, as far as the page goes."""
    kit.view.document().setModified(False)
    kit.window.tabs.close()
    kit.window.document.restore(restore(Disk(), kept))


def test_a_saved_document_comes_back_from_its_file(kit, path):
    kit.window.opening.open(str(path))
    kit.view.moveCursor(kit.view.textCursor().MoveOperation.End)
    next_start(kit, kit.window.document.snapshot())
    assert to_plain(kit.view.link.model) == to_plain(sample())
    assert kit.view.textCursor().position() == len(TEXT) + 1
    assert not kit.window.document.is_modified
    assert kit.window.document.about.title == "海上"


def test_unsaved_text_comes_back_with_its_origins_and_its_past(kit, path):
    kit.window.opening.open(str(path))
    kit.type("XYZ")
    text, kept = kit.text, kit.window.document.snapshot()
    next_start(kit, kept)
    model = kit.view.link.model
    assert kit.text == model.text() == text
    assert model.passages() == (
        Passage("从前 😀 XYZonce", Origin(TYPED)),
        Passage(" there was a sea.", BY_MODEL),
    )
    assert len(model.tree.branches) == 2
    assert kit.window.document.is_modified
    assert kit.window.document.path == path
    assert "not saved" in kit.message
    kit.trigger("undo")
    assert kit.text == TEXT
    assert not kit.window.document.is_modified
    kit.trigger("redo")
    kit.trigger("save")
    assert kit.answers.asked == []
    assert in_file(path).document.text() == text


def test_what_the_model_wrote_unsaved_is_still_the_models(kit, path):
    kit.window.opening.open(str(path))
    kit.view.moveCursor(kit.view.textCursor().MoveOperation.End)
    kit.type(" Then")
    kit.generate(" it rained.")
    next_start(kit, kit.window.document.snapshot())
    assert [(text, origin.kind) for text, origin in kit.view.link.model.passages()[-2:]] == [
        (" Then", TYPED),
        (" it rained.", GENERATED),
    ]


def test_unsaved_text_over_a_file_that_was_changed_since_is_asked_about(kit, path):
    kit.window.opening.open(str(path))
    kit.type("XYZ")
    kept, text = kit.window.document.snapshot(), kit.text
    written(path, about=About("another"))
    next_start(kit, kept)
    assert kit.text == text
    kit.answers.answer = "cancel"
    kit.trigger("save")
    assert len(kit.answers.asked) == 1
    assert in_file(path).document.text() == TEXT


@pytest.mark.parametrize("typed", ["", "XYZ"])
@pytest.mark.parametrize("fault", ["damaged", "gone"])
def test_the_text_of_a_document_that_cannot_be_read_comes_back_and_leaves_the_file(kit, path, tmp_path, typed, fault):
    kit.window.opening.open(str(path))
    kit.type(typed)
    text, kept = kit.text, kit.window.document.snapshot()
    if fault == "gone":
        os.rename(path, tmp_path / "moved")
    else:
        path.write_bytes(path.read_bytes()[:5_000])
    left = sorted((each.name, each.read_bytes()) for each in tmp_path.iterdir() if each.suffix != ".toml")
    next_start(kit, kept)
    assert kit.text == text
    assert kit.window.document.path is None
    assert kit.window.document.is_modified
    assert "untitled text" in kit.message
    kit.answers.path = ""  # nobody names another file
    kit.trigger("save")
    assert kit.window.document.is_modified
    after = sorted((each.name, each.read_bytes()) for each in tmp_path.iterdir() if each.suffix != ".toml")
    assert after == left
    assert kit.window.document.snapshot().has_unsaved_text
    kit.answers.path = str(tmp_path / "new.txt")
    kit.trigger("save")
    assert open_text(Disk(), tmp_path / "new.txt").text == text


def test_a_document_that_was_saved_just_before_the_crash_is_no_change(kit, path):
    kit.window.opening.open(str(path))
    kit.type("XYZ")
    kept = kit.window.document.snapshot()
    kit.trigger("save")
    next_start(kit, kept)
    assert kit.text == kept.text
    assert not kit.window.document.is_modified
    assert kit.view.link.model.origin_at(5) == Origin(TYPED)


# ---- the dialog -------------------------------------------------------------------------------------------------


def test_the_chosen_kind_gives_a_name_its_ending(kit, tmp_path, monkeypatch):
    def choose(dialog: QFileDialog) -> int:
        kinds = dialog.nameFilters()
        assert [kind.partition("(")[2] for kind in kinds] == ["*.txt *.md)", "*.nextstroke)", "*)"]
        dialog.filterSelected.emit(kinds[1])
        dialog.findChild(QLineEdit, "fileNameEdit").setText("novel")
        return QFileDialog.DialogCode.Accepted

    monkeypatch.setattr(QFileDialog, "exec", choose)
    asked = QtDialogs(kit.window, kit.theme)
    monkeypatch.setattr(kit.answers, "path_to_save", asked.path_to_save)
    kit.write("text")
    kit.window.document.save_as(str(tmp_path))
    assert in_file(tmp_path / f"novel{SUFFIX}").document.text() == "text"


def test_a_line_that_no_page_could_open_again_is_not_pasted(kit):
    kit.write("mine")
    source = QMimeData()
    source.setText("x\n" + "a" * 1_000_001)
    kit.view.insertFromMimeData(source)
    assert kit.text == "mine"
    assert kit.message == (
        "Nothing was inserted: it has a line of more than 1,000,000 characters. Break that line first."
    )
    source.setText("x\n" * 20)
    kit.view.insertFromMimeData(source)
    assert kit.text != "mine"
