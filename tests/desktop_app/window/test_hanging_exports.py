"""Exports, imports and the writing by itself where the disk does not answer: the window lives on, and can be closed."""

import time
from pathlib import Path

import pytest

from desktop_app.controls import export_control
from desktop_app.dialogs.export_dialog import ExportChoices
from desktop_app.services import file_autosave
from tests.desktop_app.document.faulty_disk import HangingCalls
from tests.desktop_app.services.qt import forget_exit, run_for, wait_until
from tests.desktop_app.window_kit import Kit


@pytest.fixture
def hang(kit: Kit, share: Path):
    made: list[HangingCalls] = []

    def start(name: str) -> HangingCalls:
        made.append(HangingCalls(name, share))
        kit.window.services.disk._calls = made[-1]
        kit.answers.patience_s = 0.3
        return made[-1]

    yield start
    for calls in made:
        calls.go_on()


def export(kit: Kit, path: Path) -> None:
    kit.write("A book.")
    kit.answers.export, kit.answers.path = ExportChoices(path.suffix, "Book"), str(path)
    kit.trigger("export")


def test_one_writes_on_while_an_export_hangs_and_it_ends_well(kit: Kit, share: Path, hang):
    calls = hang("fsync")
    export(kit, share / "书.docx")
    assert calls.waiting.wait(10)
    kit.type("more ")
    assert "more " in kit.text
    assert (kit.answers.waited, kit.answers.told) == ([], [])
    calls.go_on()
    assert wait_until(lambda: kit.message == "Exported 书.docx.", 10)
    assert (share / "书.docx").stat().st_size > 1000


def test_quitting_waits_for_an_export_and_can_be_given_up(kit: Kit, share: Path, hang):
    calls = hang("write")
    export(kit, share / "a.html")
    assert calls.waiting.wait(10)
    assert kit.window.close()
    ((line, slow_line),) = kit.answers.waited
    assert line == "Exporting a.html…"
    assert str(share) in slow_line
    assert kit.window.services.claims.claim(share / "a.html") is not None  # nobody holds it any more
    calls.go_on()
    run_for(300)
    assert list(share.iterdir()) == []
    assert kit.answers.told == []


def test_quitting_waits_until_a_slow_export_is_there(kit: Kit, share: Path, hang):
    from threading import Timer

    calls = hang("write")
    kit.answers.patience_s = 20
    export(kit, share / "a.html")
    assert calls.waiting.wait(10)
    Timer(0.4, calls.go_on).start()
    assert kit.window.close()
    assert "A book." in (share / "a.html").read_text(encoding="utf-8")


def test_an_export_that_fails_while_one_quits_is_said(kit: Kit, share: Path, hang):
    calls = hang("open")
    kit.answers.patience_s = 20
    export(kit, share / "a.html")
    assert calls.waiting.wait(10)
    share.rmdir()
    calls.go_on()
    assert kit.window.close()
    assert [title for title, _ in kit.answers.told] == ["The text is not exported"]


@pytest.mark.parametrize("call", ["stat", "read"])
def test_an_import_that_hangs_is_given_up(kit: Kit, share: Path, hang, call: str):
    path = share / "a.md"
    path.write_text("imported", encoding="utf-8")
    kit.write("mine")
    calls = hang(call)
    kit.answers.path = str(path)
    kit.trigger("import")
    ((line, _),) = kit.answers.waited
    assert line == "Opening “a.md”…"
    calls.go_on()
    run_for(200)
    assert (kit.text, len(kit.window.tabs.all), kit.answers.told) == ("mine", 1, [])
    kit.trigger("import")
    assert kit.text == "imported"


@pytest.fixture
def written_by_itself(kit: Kit, share: Path, hang):
    """A text on the share, whose writing by itself hangs."""
    path = share / "novel.txt"
    path.write_text("saved", encoding="utf-8")
    kit.settings.change(autosave_text_files=True)
    kit.window.opening.open(str(path))
    calls = hang("fsync")
    kit.type("new ")
    assert wait_until(lambda: kit.window.tabs.current.file_autosave.is_writing, 5)
    assert calls.waiting.wait(5)
    return path, calls


def test_a_tab_whose_disk_hangs_can_be_closed(kit: Kit, written_by_itself):
    path, calls = written_by_itself
    kit.answers.answer = "discard"
    assert kit.window.tabs.close()
    assert {line for line, _ in kit.answers.waited} == {"Saving “novel.txt”…"}
    assert len(kit.answers.asked) == 1  # about the text that is in no file
    calls.go_on()
    run_for(300)
    assert path.read_text(encoding="utf-8") == "saved"


def test_the_end_of_the_system_does_not_wait_for_a_disk(kit: Kit, written_by_itself, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(file_autosave, "CLOSING_S", 0.3)
    monkeypatch.setattr(export_control, "CLOSING_S", 0.3)
    begun = time.monotonic()
    kit.window.leave_at_once()
    forget_exit()
    assert time.monotonic() - begun < 3
    assert (kit.answers.waited, kit.answers.asked) == ([], [])
    assert kit.window.document.snapshot().has_unsaved_text  # for the next start
