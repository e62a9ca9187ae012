"""Files in the window: open, save, another program's changes, what is kept and comes back."""

import shutil
from pathlib import Path

import pytest

from desktop_app.dialogs.dialogs import writing_folder
from desktop_app.document.disk import Disk
from desktop_app.document.restoring import restore


def opened(kit, path: Path, text: str = "one", typed: str = "") -> Path:
    """A file with `text`, opened, and `typed` written in front of it."""
    path.write_text(text, encoding="utf-8")
    kit.window.opening.open(str(path))
    kit.type(typed)
    return path


def refuse_to_overwrite(kit, path: Path) -> None:
    """Another program changes the file under the text; saving asks, and the answer is no."""
    path.write_text("of another program", encoding="utf-8")
    kit.answers.answer = "cancel"
    kit.trigger("save")
    assert len(kit.answers.asked) == 1
    assert path.read_text(encoding="utf-8") == "of another program"
    assert kit.window.document.is_modified


def test_open_edit_save_keeps_line_ends_and_clears_the_mark(kit, tmp_path):
    path = tmp_path / "写作 notes.md"
    path.write_bytes("第一行\r\nsecond\r\n".encode())
    kit.answers.path = str(path)
    kit.trigger("open")
    assert kit.text == "第一行\nsecond\n"
    assert kit.window.document.name == "写作 notes.md"
    kit.view.moveCursor(kit.view.textCursor().MoveOperation.End)
    kit.type("third")
    assert kit.window.document.is_modified
    assert "•" in kit.window.top_bar.document_text
    kit.trigger("save")
    assert path.read_bytes() == "第一行\r\nsecond\r\nthird".encode()
    assert not kit.window.document.is_modified
    assert kit.settings.values.recent_files == (str(path),)


def test_save_as_adds_an_ending_and_takes_the_name(kit, tmp_path):
    kit.write("text")
    kit.answers.path = str(tmp_path / "story")
    kit.trigger("save_as")
    assert (tmp_path / "story.txt").read_text(encoding="utf-8") == "text"
    assert kit.window.document.name == "story.txt"


@pytest.mark.parametrize(
    ("answer", "is_closed", "is_saved"), [("save", True, True), ("discard", True, False), ("cancel", False, False)]
)
def test_leaving_changes_is_asked(kit, tmp_path, answer, is_closed, is_saved):
    path = opened(kit, tmp_path / "a.txt", "old", typed="new ")
    kit.answers.answer = answer
    kit.trigger("close_tab")
    assert len(kit.answers.asked) == 1
    assert (kit.text == "") is is_closed
    assert path.read_text(encoding="utf-8") == ("new old" if is_saved else "old")


def test_a_file_that_is_no_text_is_refused_and_the_page_stays(kit, tmp_path):
    path = tmp_path / "picture.txt"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    kit.write("mine")
    kit.view.document().setModified(False)
    kit.window.opening.open(str(path))
    assert kit.text == "mine"
    assert len(kit.answers.told) == 1


def test_a_change_by_another_program_is_asked_before_it_is_overwritten(kit, tmp_path):
    path = opened(kit, tmp_path / "a.txt", typed="X")
    refuse_to_overwrite(kit, path)
    kit.answers.answer = "overwrite"
    kit.trigger("save")
    assert path.read_text(encoding="utf-8") == "Xone"


def test_a_change_that_was_asked_about_while_saving_is_not_asked_again(kit, tmp_path):
    path = opened(kit, tmp_path / "小 说.txt", typed="X")
    refuse_to_overwrite(kit, path)
    kit.window.document.look_outside()
    assert len(kit.answers.asked) == 1
    assert path.read_text(encoding="utf-8") == "of another program"


def test_files_are_looked_for_in_a_folder_that_is_there(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Path(writing_folder()).is_dir()


def test_a_change_by_another_program_is_offered_when_the_window_comes_to_the_front(kit, tmp_path):
    path = opened(kit, tmp_path / "a.txt")
    path.write_text("changed", encoding="utf-8")
    kit.answers.answer = "take"
    kit.window.document.look_outside()
    assert kit.text == "changed"
    kit.window.document.look_outside()
    assert len(kit.answers.asked) == 1


def test_a_file_whose_folder_is_gone_is_said_to_be_gone_and_not_asked_about(kit, tmp_path):
    path = tmp_path / "stick" / "story.txt"
    path.parent.mkdir()
    path.write_text("one", encoding="utf-8")
    kit.window.opening.open(str(path))
    kit.type("X")
    shutil.rmtree(path.parent)
    kit.trigger("save")
    assert kit.answers.asked == []
    ((_title, words),) = kit.answers.told
    assert "its folder does not exist any more. Choose another folder." in words
    assert kit.window.document.is_modified
    assert kit.text == "Xone"


def test_a_save_that_fails_keeps_the_text_and_the_mark(kit, tmp_path):
    kit.write("text")
    kit.type("!")
    kit.answers.path = str(tmp_path / "gone" / "a.txt")
    kit.trigger("save")
    assert kit.text == "text!"
    assert kit.window.document.is_modified
    assert len(kit.answers.told) == 1


def test_a_session_is_kept_and_comes_back_with_caret_and_mark(kit, tmp_path):
    path = opened(kit, tmp_path / "a.txt", "one two", typed="zero ")
    kept = kit.window.document.snapshot()
    assert kept.has_unsaved_text
    kit.view.document().setModified(False)
    kit.window.tabs.close()
    kit.window.document.restore(restore(Disk(), kept))
    assert kit.text == "zero one two"
    assert kit.view.textCursor().position() == 5
    assert kit.window.document.is_modified
    assert kit.window.document.path == path


def test_changes_that_were_given_up_do_not_come_back(kit, tmp_path):
    opened(kit, tmp_path / "a.txt", typed="X")
    kit.answers.answer = "discard"
    assert kit.window.tabs.may_quit()
    kept = kit.window.document.snapshot()
    assert restore(Disk(), kept).document.text == "one"


def test_a_text_without_a_file_quits_without_a_question_and_stays(kit):
    kit.write("")
    kit.type("never saved")
    assert kit.window.tabs.may_quit()
    assert kit.answers.asked == []
    assert kit.window.document.snapshot().text == "never saved"


def test_the_welcome_puts_the_caret_behind_the_story_and_is_no_change(kit):
    kit.window.show_welcome()
    assert not kit.window.document.is_modified
    assert kit.window.document.snapshot().has_unsaved_text is False
    kit.trigger("continue")
    assert kit.bridge.requests[-1].prompt.startswith("Once upon a time")
    assert "Ctrl+Enter" not in kit.bridge.requests[-1].prompt


def test_a_dropped_text_is_opened_and_an_odd_folder_is_named(kit, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("dropped", encoding="utf-8")
    kit.window.take_paths([str(path), str(tmp_path)])
    assert kit.text == "dropped"
    assert tmp_path.name in kit.message


@pytest.mark.parametrize("suffix", [".docx", ".ODT", ".pdf", ".epub"])
def test_plain_text_is_not_saved_under_the_name_of_another_format(kit, tmp_path, suffix):
    kit.write("mine")
    kit.answers.path = str(tmp_path / f"book{suffix}")
    kit.trigger("save_as")
    ((title, words),) = kit.answers.told
    assert title == "The text is not saved"
    assert f"Export… writes {suffix.lower()} files" in words
    assert list(tmp_path.glob("book*")) == []
    kit.answers.path = str(tmp_path / "book.txt")
    kit.trigger("save_as")
    assert (tmp_path / "book.txt").read_text(encoding="utf-8") == "mine"
