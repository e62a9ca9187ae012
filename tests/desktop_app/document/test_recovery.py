"""What was kept is there after any end of the program; windows do not touch each other's text."""

import gc
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from desktop_app.document import file_lock, recovery_format
from desktop_app.document.disk import Disk
from desktop_app.document.errors import DocumentError, StoreError
from desktop_app.document.file_lock import FileLock
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.recovery import RecoveryStore
from tests.desktop_app.document.recovery_store import FULL, plain, store


def test_everything_comes_back_after_a_restart(tmp_path: Path):
    first = store(tmp_path)
    first.keep([FULL, KeptDocument.of_text("b", "untitled")])
    first.close()
    second = store(tmp_path)
    assert second.notice is None
    found, other = second.take_over()
    assert plain(found) == plain(FULL)
    assert (found.changed_at, other.text, other.is_modified) == (1_000.0, "untitled", True)
    second.close()


def test_a_forgotten_document_does_not_come_back(tmp_path: Path):
    first = store(tmp_path)
    first.keep([KeptDocument.of_text("a", "one"), KeptDocument.of_text("b", "two")])
    first.forget("a")
    first.close()
    assert [document.key for document in store(tmp_path).take_over()] == ["b"]


def test_a_running_windows_text_is_left_alone(tmp_path: Path):
    first, second = store(tmp_path), store(tmp_path)
    first.keep([KeptDocument.of_text("a", "first")])
    assert second.take_over() == ()
    second.keep([KeptDocument.of_text("a", "second")])
    first.keep([KeptDocument.of_text("a", "first, longer")])
    assert [document.text for document in first.kept()] == ["first, longer"]
    assert [document.text for document in second.kept()] == ["second"]
    first.close()
    texts = {document.text for document in second.take_over()}
    assert texts == {"second", "first, longer"}
    assert len({document.key for document in second.kept()}) == 2
    second.close()


def test_two_starts_never_take_over_the_same_document(tmp_path: Path):
    dead = store(tmp_path)
    dead.keep([KeptDocument.of_text("a", "text")])
    dead.close()
    first, second = store(tmp_path), store(tmp_path)
    assert len(first.take_over()) + len(second.take_over()) == 1


def test_locks_of_ended_sessions_are_cleared_away(tmp_path: Path):
    for _ in range(5):
        one = store(tmp_path)
        one.keep([KeptDocument.of_text("a", "text")])
        one.take_over()
        one.close()
    last = store(tmp_path)
    last.take_over()
    assert len(list(last.folder.glob("*.lock"))) == 1


WRITING_CHILD = """
import sys, time
from pathlib import Path
from desktop_app.document.disk import Disk
from desktop_app.document.kept_document import KeptDocument
from desktop_app.document.recovery import RecoveryStore
store = RecoveryStore(Path(sys.argv[1]), Disk())
store.take_over()
number = 0
while True:
    number += 1
    store.keep([KeptDocument.of_text("novel", str(number) * 20_000)])
    print(number, flush=True)
"""


def test_what_was_confirmed_survives_a_kill(tmp_path: Path, root: Path):
    for round_number in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", WRITING_CHILD, str(tmp_path)], cwd=root, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            confirmed = int(process.stdout.readline())
            time.sleep(0.003 * round_number)
            process.send_signal(signal.SIGKILL)
            rest = process.stdout.read().split()
        confirmed = int(rest[-1]) if rest else confirmed
        survivor = store(tmp_path)
        assert survivor.notice is None
        texts = [document.text for document in survivor.take_over()]
        assert texts in ([str(confirmed) * 20_000], [str(confirmed + 1) * 20_000])
        survivor.forget("novel")
        survivor.close()


def test_a_full_disk_is_said_and_the_earlier_text_stays(tmp_path: Path):
    full = store(tmp_path)
    full.keep([KeptDocument.of_text("a", "small")])
    connection = full._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match="the disk is full; free some space") as caught:
        full.keep([KeptDocument.of_text("a", "x" * 1_000_000)])
    assert caught.value.kind == "disk_full"
    assert [document.text for document in full.kept()] == ["small"]
    connection.execute("PRAGMA max_page_count = 1000000")
    full.keep([KeptDocument.of_text("a", "x" * 1_000_000)])
    assert len(full.kept()[0].text) == 1_000_000


def test_an_impossible_folder_is_said(tmp_path: Path):
    (tmp_path / "recovery").write_text("a file is in the way")
    with pytest.raises(DocumentError, match="a file has this name"):
        store(tmp_path)


def test_the_store_is_written_through_to_the_disk(tmp_path: Path):
    one = store(tmp_path)
    assert one._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert one._connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert one._connection.execute("PRAGMA application_id").fetchone() == (recovery_format.APPLICATION_ID,)
    assert one.folder.stat().st_mode & 0o077 == 0


def test_a_store_that_another_program_holds_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(recovery_format, "_BUSY_SECONDS", 0.05)
    one = store(tmp_path)
    other = sqlite3.connect(one.folder / "recovery.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError, match="another window holds it") as caught:
        one.keep([KeptDocument.of_text("a", "text")])
    assert caught.value.kind == "store_busy"
    with pytest.raises(StoreError):
        store(tmp_path)
    assert len(list(one.folder.glob("*.lock"))) == 1  # the failed start left nothing
    other.execute("ROLLBACK")
    other.close()
    one.keep([KeptDocument.of_text("a", "text")])


def test_a_folder_without_locks_is_said(tmp_path: Path):
    class NoLocks(Disk):
        def try_lock(self, path: Path) -> None:
            return None

    with pytest.raises(StoreError, match="cannot lock files"):
        RecoveryStore(tmp_path, NoLocks())


def test_closing_twice_does_nothing(tmp_path: Path):
    one = store(tmp_path)
    one.keep([KeptDocument.of_text("a", "one")])
    one.close()
    one.close()
    assert [kept.text for kept in store(tmp_path).take_over()] == ["one"]


def test_many_writes_leave_no_open_files_behind(tmp_path: Path):
    one = store(tmp_path)
    one.keep([KeptDocument.of_text("a", "x")])
    gc.collect()  # what other tests left must not go meanwhile
    before = len(os.listdir("/proc/self/fd"))
    for number in range(300):
        one.keep([KeptDocument.of_text("a", "字" * number)])
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_lock_of_a_session_that_ended_before_it_had_a_row_is_cleared_away(tmp_path: Path):
    first = store(tmp_path)
    (first.folder / "0123456789abcdef.lock").touch()  # a start that was killed right after it took its lock
    first.take_over()
    assert [path.name for path in first.folder.glob("*.lock")] == [f"{first.session}.lock"]


def test_a_lock_file_that_vanished_while_it_was_being_locked_is_made_anew(tmp_path: Path, monkeypatch):
    path = tmp_path / "one.lock"
    real = file_lock.lock_descriptor

    def removed_meanwhile(descriptor: int) -> bool:
        if removals:
            removals.pop().unlink()
        return real(descriptor)

    removals = [path]
    monkeypatch.setattr(file_lock, "lock_descriptor", removed_meanwhile)
    lock = FileLock.acquire(path)
    assert lock is not None
    assert path.exists()
    assert not FileLock.is_free(path)
