"""What a document holds beside its text, titles and records: where its file lacks some of it, it is to be saved."""

import time
from pathlib import Path

from PySide6.QtCore import QTimer

from desktop_app.document.any_file import open_file
from desktop_app.document.disk import Disk
from desktop_app.document.nextstroke_file import About
from desktop_app.document.system_calls import SystemCalls
from tests.desktop_app.services.qt import wait_until
from tests.desktop_app.window_kit import Kit

TITLE = About("海 The Sea", "Ann", "zh-Hans")


def saved(kit: Kit, path: Path) -> None:
    kit.write("")
    kit.type("one")
    kit.answers.path = str(path)
    kit.trigger("save")
    kit.window.document._autosave.close()  # by hand alone
    assert not kit.window.document.is_modified


def about_in(path: Path) -> About:
    stored = open_file(Disk(), path).stored
    assert stored is not None
    return stored.about


def slow_save(kit: Kit, meanwhile) -> None:
    """`meanwhile` is done while the file is written."""

    class Slow(SystemCalls):
        def fsync(self, descriptor: int) -> None:
            time.sleep(0.15)
            super().fsync(descriptor)

    disk = kit.window.services.disk
    before, disk._calls = disk._calls, Slow()
    QTimer.singleShot(30, meanwhile)
    kit.trigger("save")
    disk._calls = before


def test_a_title_is_a_change_that_no_undo_takes_back(kit: Kit, tmp_path: Path):
    path = tmp_path / "a.nextstroke"
    saved(kit, path)
    kit.type(" two")
    kit.window.document.describe(TITLE)
    kit.trigger("undo")
    assert (kit.text, kit.window.document.is_modified) == ("one", True)
    kit.trigger("save")
    assert (about_in(path), kit.window.document.is_modified) == (TITLE, False)
    kit.trigger("redo")
    kit.trigger("undo")
    assert not kit.window.document.is_modified
    kit.window.document.describe(TITLE)
    assert not kit.window.document.is_modified  # the same again


def test_a_title_that_is_given_during_a_save_is_a_change(kit: Kit, tmp_path: Path):
    path = tmp_path / "a.nextstroke"
    saved(kit, path)
    kit.type(" two")
    slow_save(kit, lambda: kit.window.document.describe(TITLE))
    assert (about_in(path), kit.window.document.is_modified) == (About(), True)
    kit.trigger("save")
    assert (about_in(path), kit.window.document.is_modified) == (TITLE, False)


def test_a_plain_file_has_no_place_for_a_title(kit: Kit, tmp_path: Path):
    path = tmp_path / "a.txt"
    saved(kit, path)
    kit.type(" two")
    slow_save(kit, lambda: kit.window.document.describe(TITLE))
    assert (path.read_text(), kit.window.document.is_modified) == ("one two", False)
    kit.answers.path = str(tmp_path / "a.nextstroke")
    kit.trigger("save_as")
    assert about_in(tmp_path / "a.nextstroke") == TITLE


def test_a_record_that_comes_after_the_save_gets_into_the_file_too(kit: Kit, tmp_path: Path):
    path = tmp_path / "a.nextstroke"
    saved(kit, path)
    kit.trigger("continue")
    kit.bridge.begin()
    kit.bridge.write(" more")
    assert wait_until(lambda: kit.text == "one more", 5)
    kit.trigger("save")
    assert not kit.window.document.is_modified
    kit.bridge.finish()
    assert kit.settle()
    assert (kit.text, kit.window.document.is_modified) == ("one more", True)
    kit.trigger("save")
    stored = open_file(Disk(), path).stored
    assert stored is not None
    ((_, says),) = stored.document.origins.records.items()
    assert "record" in says
    assert not kit.window.document.is_modified
