"""In the window: a document of an older file version opens without a word; one of a later version is refused."""

from pathlib import Path

from desktop_app.document.any_file import open_file
from desktop_app.document.disk import Disk
from tests.desktop_app.document.test_file_versions import FAILING, GOLDEN, program_of_version_2, rows
from tests.desktop_app.services.qt import run_for
from tests.desktop_app.window_kit import Kit


def copied(tmp_path: Path) -> Path:
    path = tmp_path / "old.nextstroke"
    path.write_bytes(GOLDEN.read_bytes())
    return path


def test_an_older_document_stays_as_it_is_until_it_is_saved(kit: Kit, tmp_path: Path):
    path = copied(tmp_path)
    with program_of_version_2():
        assert kit.window.opening.open(str(path))
        assert (kit.message, kit.answers.told, kit.window.document.is_modified) == ("", [], False)
        run_for(900)  # longer than the pause before a document is written by itself
        assert path.read_bytes() == GOLDEN.read_bytes()
        kit.type("now ")
        kit.trigger("save")
        assert rows(path.read_bytes(), "PRAGMA user_version") == [(2,)]
        stored = open_file(Disk(), path).stored
        assert stored is not None
        assert [each.text for each in stored.versions] == ["earlier 早", kit.view.link.model.text()]
        assert kit.answers.asked == []


def test_a_later_document_is_refused_and_the_page_stays(kit: Kit, tmp_path: Path):
    path = copied(tmp_path)
    with program_of_version_2():
        kit.window.opening.open(str(path))
        kit.type("now ")
        kit.trigger("save")
        kit.trigger("close_tab")
    data = path.read_bytes()
    kit.write("mine")
    assert not kit.window.opening.open(str(path))
    ((_, words),) = kit.answers.told
    assert words == "“old.nextstroke” was written by a newer version of Nextstroke. Update the program to open it."
    assert (kit.text, path.read_bytes()) == ("mine", data)


def test_where_it_cannot_be_brought_up_to_date_the_earlier_texts_are_offered(kit: Kit, tmp_path: Path):
    path = copied(tmp_path)
    kit.write("mine")
    kit.answers.answer = "cancel"
    with program_of_version_2(FAILING):
        kit.window.opening.open(str(path))
    assert len(kit.answers.told) + len(kit.answers.asked) == 1
    assert (kit.text, path.read_bytes()) == ("mine", GOLDEN.read_bytes())
