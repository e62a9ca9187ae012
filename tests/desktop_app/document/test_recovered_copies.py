"""Of several unsaved texts one is shown; the others become files, and none is lost on the way."""

import errno
import time
from dataclasses import replace
from pathlib import Path

import pytest

from desktop_app.document.disk import Disk
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.nextstroke_file import open_document
from desktop_app.document.plain_document import to_plain
from desktop_app.document.recovered_copies import copy_others
from desktop_app.document.recovery import RecoveryStore
from tests.desktop_app.document.faulty_disk import FaultyCalls
from tests.desktop_app.document.recovery_store import FULL

NOON = time.mktime((2026, 5, 4, 12, 0, 0, 0, 0, -1))


@pytest.fixture
def store(tmp_path: Path) -> RecoveryStore:
    return RecoveryStore(tmp_path / "state", Disk(), clock=lambda: NOON)


def keep(store: RecoveryStore, *documents: KeptDocument) -> tuple[KeptDocument, ...]:
    store.keep(documents)
    return store.kept()


def test_unsaved_texts_become_files_and_saved_ones_are_dropped(store: RecoveryStore, tmp_path: Path):
    shown, *others = keep(
        store,
        KeptDocument.of_text("a", "shown"),
        KeptDocument.of_text("b", "从前/有:一个人\n后来"),
        KeptDocument.of_text("c", "从前/有:一个人\n别的"),
        KeptDocument.of_text("d", "saved", tmp_path / "d.txt", is_modified=False),
        KeptDocument.of_text("e", "more", tmp_path / "第 1 章.md"),
    )
    note = copy_others(Disk(), store, others, tmp_path / "data")
    assert note is not None
    assert note.facts == (("count", "3"), ("folder", str(tmp_path / "data" / "recovered")))
    files = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "data" / "recovered").iterdir()}
    assert files == {
        "从前有一个人 2026-05-04 12.00.txt": "从前/有:一个人\n后来",
        "从前有一个人 2026-05-04 12.00 2.txt": "从前/有:一个人\n别的",
        "第 1 章 2026-05-04 12.00.txt": "more",
    }
    assert [document.key for document in store.kept()] == [shown.key]


def test_a_text_with_branches_becomes_a_document_with_all_of_it(store: RecoveryStore, tmp_path: Path):
    (kept,) = keep(store, replace(FULL, path=None))
    assert copy_others(Disk(), store, [kept], tmp_path) is not None
    (path,) = (tmp_path / "recovered").iterdir()
    assert path.suffix == ".nextstroke"
    found, _ = open_document(Disk(), path)
    assert to_plain(found.document) == to_plain(FULL.stored.document)
    assert (found.about, found.versions) == (FULL.stored.about, FULL.stored.versions)


def test_nothing_unsaved_is_nothing_to_tell(store: RecoveryStore, tmp_path: Path):
    others = keep(store, KeptDocument.of_text("a", ""), KeptDocument.of_text("b", ""))
    assert copy_others(Disk(), store, others, tmp_path / "data") is None
    assert store.kept() == ()
    assert not (tmp_path / "data").exists()


def test_a_text_that_cannot_be_copied_stays_in_the_store(store: RecoveryStore, tmp_path: Path):
    others = keep(store, KeptDocument.of_text("a", "precious"))
    failing = Disk(FaultyCalls(2, errno.ENOSPC, sticky=True))
    assert copy_others(failing, store, others, tmp_path / "data") is None
    assert [document.text for document in store.kept()] == ["precious"]


def test_half_characters_do_not_stop_a_copy(store: RecoveryStore, tmp_path: Path):
    copy_others(Disk(), store, keep(store, KeptDocument.of_text("a", "half \ud800 end")), tmp_path)
    (path,) = (tmp_path / "recovered").iterdir()
    assert path.read_text(encoding="utf-8") == "half ? end"
