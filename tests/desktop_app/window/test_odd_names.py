"""Files of every name: opened, saved, kept, recovered, listed and said; shown so that nothing is hidden."""

import os
import threading
from pathlib import Path

import pytest

from desktop_app.document import answering
from desktop_app.document.disk import Disk
from desktop_app.document.nextstroke_file import open_document
from desktop_app.document.recovery import RecoveryStore
from desktop_app.document.restoring import restore
from desktop_app.document.shown_name import shown_name, shown_path
from desktop_app.services.settings import SettingsStore

LONG = "字" * 83 + ".txt"  # 253 bytes
NAMES = [
    "👩\u200d👩\u200d👧 story 😀.txt",
    "从前有一个人.md",
    "ספר עברי.txt",
    "كتاب.nextstroke",
    "a\u202etxt.exe.md",
    "line\nend\tand tab.txt",
    "  spaces around  ",
    "dots...",
    LONG,
    "x" * 244 + ".nextstroke",
    "100% {name} & <b>.txt",
    "-rf.txt",
    os.fsdecode(b"caf\xe9 latin.txt"),
    os.fsdecode(b"\xff\xfe.nextstroke"),
]


def encodes(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


@pytest.mark.skipif(os.name != "posix", reason="elsewhere such names are not allowed")
@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_file_of_any_name_is_saved_opened_kept_and_recovered(kit, tmp_path, name):
    folder = tmp_path / "texts"
    folder.mkdir()
    path = folder / name
    if not path.suffix:
        path.write_bytes(b"")  # Save As would add an ending
        kit.window.opening.open(str(path))
    kit.type("words")
    kit.answers.path = str(path)
    kit.trigger("save" if path.exists() else "save_as")
    assert kit.answers.told == []
    assert [each.name for each in folder.iterdir()] == [name]
    assert shown_name(name) in kit.message
    assert "\n" not in kit.window.windowTitle()
    assert shown_name(name) in kit.window.windowTitle()
    assert kit.window.document.path == path
    # the list of recent files, in the menu and in the settings' file
    shown = [action.text().replace("&&", "&") for action in kit.window.actions_by_name.recent_menu.actions()]
    assert shown == ([shown_path(path)] if encodes(name) else [])
    kit.settings.save_now()
    assert SettingsStore(kit.store.path, Disk()).load().recent_files == ((str(path),) if encodes(name) else ())
    # the recovery store
    kit.type(" more")
    store = RecoveryStore(tmp_path / "state", Disk())
    store.keep((kit.window.document.snapshot(),))
    (kept,) = store.kept()
    store.close()
    assert (kept.path, kept.text) == (path, "words more")
    restored = restore(Disk(), kept)
    assert restored.is_recovered
    assert restored.document.path == path
    # saved, closed and opened again
    kit.trigger("save")
    kit.window.tabs.close()
    assert kit.window.opening.open(str(path))
    assert kit.text == "words more"
    if path.suffix == ".nextstroke":
        assert open_document(Disk(), path)[0].document.text() == "words more"


@pytest.mark.parametrize("name", ["字" * 90 + ".txt", "x" * 256, "a\0b.txt"])
def test_a_name_that_no_disk_takes_is_one_line(kit, tmp_path, name):
    kit.write("")
    kit.type("words")
    kit.answers.path = str(tmp_path / "texts" / name)
    (tmp_path / "texts").mkdir()
    kit.trigger("save_as")
    assert len(kit.answers.told) == 1
    assert "\n" not in kit.answers.told[0][1]
    assert kit.text == "words"
    assert kit.window.document.is_modified
    assert list((tmp_path / "texts").iterdir()) == []
    assert not kit.window.opening.open(str(tmp_path / "texts" / name))
    assert len(kit.answers.told) == 2


def test_names_in_messages_hide_nothing(kit, tmp_path):
    path = tmp_path / "a\u202egpj.\ntxt"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    kit.window.opening.open(str(path))
    ((_, words),) = kit.answers.told
    assert words == "“a‹202E›gpj.␊txt” is not a text. Open a .txt or .md file."


def test_a_dead_disk_costs_the_start_little(monkeypatch):
    gate = threading.Event()
    real = os.path.exists
    monkeypatch.setattr(answering.os.path, "exists", lambda path: gate.wait(30) if "dead" in str(path) else real(path))
    paths = [Path(f"/dead/{number}") for number in range(20)] + [Path("/"), Path("/not there")]
    assert answering.silent_ones(paths, 0.3) == frozenset(paths[:20])
    gate.set()
