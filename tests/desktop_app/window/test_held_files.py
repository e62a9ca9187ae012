"""A file that another window has open is said and opens as a copy; no two tabs ever hold one file."""

import os
from pathlib import Path

import pytest

from desktop_app.document.disk import Disk
from desktop_app.document.file_claims import FileClaims, FileHeld
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.last_session import Reopened, hold_files
from tests.desktop_app.document.test_file_claims import another_process
from tests.desktop_app.window.test_session import two_branches
from tests.desktop_app.window_kit import Kit


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "小说.txt"
    made.write_text("one", encoding="utf-8")
    return made


@pytest.mark.parametrize("answer", ["open_copy", "cancel"])
def test_a_file_of_another_window_opens_as_a_copy(kit: Kit, root: Path, path: Path, answer: str):
    kit.answers.answer = answer
    with another_process(root, kit.locks, path):
        assert kit.window.opening.open(str(path)) is (answer == "open_copy")
    (question,) = kit.answers.asked
    assert question.title == "小说.txt is open in another window"
    assert (kit.text, kit.window.document.path) == ("one" if answer == "open_copy" else "", None)
    if answer == "open_copy":
        assert kit.window.document.is_modified
        kit.type("X")
        kit.answers.path = str(path.with_name("copy.txt"))
        kit.trigger("save")
        assert (path.read_text(encoding="utf-8"), kit.window.document.name) == ("one", "copy.txt")


def test_a_copy_of_a_document_has_its_branches(kit: Kit, root: Path, tmp_path: Path):
    path = tmp_path / "novel.nextstroke"
    two_branches(path)
    kit.answers.answer = "open_copy"
    with another_process(root, kit.locks, path):
        kit.window.opening.open(str(path))
    assert len(kit.view.link.model.tree.branches) == 2


def test_a_file_is_free_again_when_its_tab_is_closed_and_when_it_is_saved_elsewhere(kit: Kit, path: Path):
    others = FileClaims(kit.locks, Disk())
    kit.window.opening.open(str(path))
    with pytest.raises(FileHeld):
        others.claim(path)
    kit.answers.path = str(path.with_name("new.txt"))
    kit.trigger("save_as")
    others.claim(path).release()
    with pytest.raises(FileHeld):
        others.claim(path.with_name("new.txt"))
    kit.trigger("close_tab")
    others.claim(path.with_name("new.txt")).release()


def test_a_saved_file_is_still_held(kit: Kit, path: Path):
    others = FileClaims(kit.locks, Disk())
    kit.window.opening.open(str(path))
    kit.type("X")
    kit.trigger("save")
    path.with_name("hard.txt").hardlink_to(path)
    with pytest.raises(FileHeld):
        others.claim(path.with_name("hard.txt"))
    kit.type("Y")
    kit.trigger("save")
    assert path.read_text(encoding="utf-8") == "XYone"
    assert kit.answers.told == []


@pytest.mark.parametrize("holder", ["tab", "window"])
def test_no_text_is_saved_over_a_file_that_is_open(kit: Kit, root: Path, path: Path, holder: str):
    def save() -> None:
        kit.trigger("new")
        kit.type("mine")
        kit.answers.path = str(path)
        kit.trigger("save")

    if holder == "tab":
        kit.window.opening.open(str(path))
        save()
    else:
        with another_process(root, kit.locks, path):
            save()
    ((title, words),) = kit.answers.told
    assert title == "The text is not saved"
    assert ("another tab" if holder == "tab" else "another window") in words
    assert path.read_text(encoding="utf-8") == "one"
    assert kit.window.document.path is None
    assert kit.window.document.is_modified


def test_a_save_that_fails_holds_nothing(kit: Kit, tmp_path: Path):
    path = tmp_path / "gone" / "a.txt"
    kit.type("text")
    kit.answers.path = str(path)
    kit.trigger("save")
    FileClaims(kit.locks, Disk()).claim(path)


# ---- at the start -----------------------------------------------------------------------------------------------


def kept(path: Path, key: str, typed: str = "") -> KeptDocument:
    return KeptDocument.of_text(key, typed + "one", path, is_modified=bool(typed))


def test_a_sleeping_text_holds_its_file(kit: Kit, path: Path, tmp_path: Path):
    claims, others = kit.window.services.claims, FileClaims(kit.locks, Disk())
    reopened = hold_files(claims, Reopened((KeptDocument.of_text("a", "untitled"), kept(path, "b"))))
    kit.window.tabs.restore(reopened.documents, reopened.front, reopened.claims)
    with pytest.raises(FileHeld):
        others.claim(path)
    assert kit.window.opening.open(str(path))
    assert (len(kit.window.tabs.all), kit.text) == (2, "one")
    kit.trigger("close_tab")
    others.claim(path)


def test_what_another_window_holds_is_said_and_no_unsaved_text_is_lost(root: Path, path: Path, tmp_path: Path):
    claims = FileClaims(tmp_path / "locks", Disk())
    documents = (kept(path, "saved"), KeptDocument.of_text("mine", "text"), kept(path, "changed", "X"))
    with another_process(root, tmp_path / "locks", path):
        reopened = hold_files(claims, Reopened(documents, front=1))
    assert [(each.key, each.text, each.path) for each in reopened.documents] == [
        ("mine", "text", None),
        ("changed", "Xone", None),
    ]
    assert reopened.documents[1].has_unsaved_text
    assert (reopened.front, [each.key for each in reopened.others], dict(reopened.claims)) == (0, ["saved"], {})
    assert [(note.kind, note.facts) for note in reopened.notes] == [
        ("session_files_held", (("list", path.name),)),
        ("session_copies", (("list", path.name),)),
    ]


def test_two_texts_of_one_file_are_one_tab_and_a_copy(path: Path, tmp_path: Path):
    link = path.with_name("link.txt")
    link.symlink_to(path)
    claims = FileClaims(tmp_path / "locks", Disk())
    reopened = hold_files(claims, Reopened((kept(path, "a", "X"), kept(link, "b"), kept(path, "c", "Y"))))
    assert [(each.key, each.path) for each in reopened.documents] == [("a", path), ("c", None)]
    assert [each.key for each in reopened.others] == ["b"]


def test_another_name_of_its_own_file_is_free_for_a_text(kit: Kit, path: Path, tmp_path: Path):
    link = tmp_path / "link.txt"
    os.link(path, link)
    kit.window.opening.open(str(path))
    kit.type("X")
    kit.answers.path = str(link)
    kit.trigger("save_as")
    assert kit.answers.told == []
    assert (path.read_text(encoding="utf-8"), link.read_text(encoding="utf-8")) == ("one", "Xone")
    assert kit.window.document.path == link
    kit.window.opening.open(str(path))  # a file of its own now, in a tab of its own
    assert len(kit.window.tabs.all) == 2
    kit.answers.path = str(link)
    kit.trigger("save_as")
    assert "another tab" in kit.answers.told[-1][1]
