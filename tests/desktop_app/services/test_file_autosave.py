"""A document goes into its file within a second of a pause, off the window's thread; faults are said and overcome."""

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from desktop_app.document.disk import Disk, SystemCalls
from desktop_app.document.errors import DocumentError
from desktop_app.document.model import Document
from desktop_app.document.nextstroke_file import StoredDocument, open_document, save_document
from desktop_app.document.origins import TYPED, Origin
from desktop_app.document.resting_save import RestingDocument, Written
from desktop_app.document.text_encoding import TextFormat
from desktop_app.services import file_autosave
from desktop_app.services.file_autosave import FileAutosave
from desktop_app.services.patience import Begun, Waiting, WaitWords
from tests.desktop_app.services.qt import delete_now, run_for, wait_until


class Calls(SystemCalls):
    """The real system; writing fails while `error` is set and waits while `gate` is closed."""

    def __init__(self) -> None:
        self.error, self.gate, self.threads = 0, threading.Event(), set[int]()
        self.gate.set()

    def write(self, descriptor: int, data: memoryview) -> int:
        self.threads.add(threading.get_ident())
        self.gate.wait(10)
        if self.error:
            raise OSError(self.error, "as the test wants it")
        return super().write(descriptor, data)


class Files:
    """Where it is written, and a person who waits for `patience_s`."""

    def __init__(self, disk: Disk) -> None:
        self.disk, self.patience_s, self.waits = disk, 10.0, 0

    def begin(self, path: Path, work: Callable[[Disk], object]) -> Begun:
        return Begun(self, lambda job: work(self.disk.until(job)), WaitWords(path.name, ""))

    def wait(self, waiting: Waiting) -> None:
        self.waits += 1
        wait_until(lambda: waiting.is_over, self.patience_s)


class Page:
    """What the window's document is to the autosave."""

    def __init__(self, path: Path) -> None:
        self.path, self.document, self.is_modified = path, Document(), False
        stored, self.version = save_document(Disk(), path, StoredDocument(self.document))
        self.versions, self.calls = stored.versions, Calls()
        self.files = Files(Disk(self.calls))
        self.autosave = FileAutosave(self, self.files)
        self.failures: list[DocumentError] = []
        self.stops: list[DocumentError] = []
        self.autosave.failed.connect(self.failures.append)
        self.autosave.stopped.connect(self.stops.append)
        self.written = 0

    def at_rest(self) -> RestingDocument | None:
        if not self.is_modified:
            return None
        stored = StoredDocument(self.document.copy(), versions=self.versions)
        return RestingDocument(self.path, TextFormat(), self.version, stored)

    def written_at_rest(self, resting: RestingDocument, written: Written) -> None:
        self.version, self.versions = written.version, written.versions
        self.is_modified = resting.stored.document.log.revision != self.document.log.revision
        self.written += 1

    def type(self, text: str) -> None:
        self.document.insert(self.document.length(), text, Origin(TYPED))
        self.is_modified = True
        self.autosave.touched()

    def in_file(self) -> str:
        return open_document(Disk(), self.path)[0].document.text()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    made = Page(tmp_path / "novel.nextstroke")
    yield made
    made.autosave.close()
    delete_now(made.autosave)


def test_a_pause_writes_once_off_the_windows_thread(page: Page):
    page.type("从前")
    begun = time.monotonic()
    assert wait_until(lambda: page.written == 1, 5)
    assert time.monotonic() - begun >= 0.6
    assert page.in_file() == "从前"
    assert threading.get_ident() not in page.calls.threads
    run_for(1000)
    assert page.written == 1
    assert file_autosave.PAUSE_MS <= 800  # a second, with the timer and the hand-over


def test_nothing_is_written_while_one_types(page: Page):
    for _ in range(12):
        page.type("x")
        run_for(100)
    assert page.written == 0
    assert wait_until(lambda: page.written == 1, 5)
    assert page.in_file() == 12 * "x"


def test_what_is_typed_during_a_write_is_written_after_it(page: Page):
    page.calls.gate.clear()
    page.type("one")
    assert wait_until(lambda: page.autosave.is_writing, 5)
    page.type(" two")
    page.calls.gate.set()
    assert wait_until(lambda: page.written == 1, 5)
    assert page.is_modified
    assert wait_until(lambda: page.written == 2, 5)
    assert (page.in_file(), page.is_modified) == ("one two", False)


def test_another_programs_change_stops_it_until_the_person_has_decided(page: Page):
    other = page.path.read_bytes() + b" "
    page.path.write_bytes(other)
    page.type("mine")
    assert wait_until(lambda: bool(page.stops), 5)
    page.type(" and more")
    run_for(1200)
    assert [error.kind for error in page.stops] == ["changed_outside"]
    assert (page.path.read_bytes(), page.written) == (other, 0)
    page.autosave.settle()
    stored = StoredDocument(page.document, versions=page.versions)
    _, page.version = save_document(Disk(), page.path, stored, overwrite=True)  # the person saves over it
    page.type("!")
    assert wait_until(lambda: page.written == 1, 5)
    assert page.in_file() == "mine and more!"


@pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, "disk_full"), (errno.EROFS, "read_only")])
def test_a_fault_is_said_once_and_overcome(page: Page, monkeypatch: pytest.MonkeyPatch, number: int, kind: str):
    monkeypatch.setattr(file_autosave, "RETRY_MS", 50)
    page.calls.error = number
    page.type("precious")
    tries = lambda: page.autosave._retry_ms >= 200  # noqa: E731 - three tries
    assert wait_until(tries, 10)
    assert [error.kind for error in page.failures] == [kind]
    assert page.in_file() == ""
    page.calls.error = 0
    assert wait_until(lambda: page.written == 1, 10)
    assert page.in_file() == "precious"
    page.calls.error = number
    page.type("!")
    assert wait_until(lambda: len(page.failures) == 2, 5)  # another time


def test_settling_waits_for_the_write_that_is_on_its_way(page: Page):
    page.calls.gate.clear()
    page.type("one")
    assert wait_until(lambda: page.autosave.is_writing, 5)
    threading.Timer(0.2, page.calls.gate.set).start()
    page.autosave.settle()
    assert (page.written, page.autosave.is_writing, page.is_modified) == (1, False, False)
    run_for(100)  # its answer comes now, and finds nothing to do
    assert page.written == 1


def test_a_document_that_is_closed_is_written_at_once(page: Page):
    page.type("last words")
    page.autosave.write_now()
    assert (page.in_file(), page.is_modified) == ("last words", False)
    page.autosave.close()
    page.type("!")
    run_for(1000)
    assert page.written == 1


def test_a_write_that_hangs_is_given_up_and_the_next_one_goes_on(page: Page):
    page.files.patience_s = 0.2
    page.calls.gate.clear()
    page.type("one")
    assert wait_until(lambda: page.autosave.is_writing, 5)
    page.autosave.settle()
    assert (page.files.waits, page.autosave.is_writing, page.is_modified) == (1, False, True)
    page.calls.gate.set()
    run_for(200)
    assert (page.in_file(), page.written) == ("", 0)  # what was given up writes nothing any more
    page.type(" two")
    assert wait_until(lambda: page.written == 1, 5)
    assert page.in_file() == "one two"


def test_a_write_that_is_confirmed_after_it_was_given_up_is_known(page: Page):
    page.files.patience_s = 0.1
    replacing, go_on = threading.Event(), threading.Event()

    def replace(source: str, target: str) -> None:
        replacing.set()
        go_on.wait(10)
        os.replace(source, target)

    page.calls.replace = replace
    page.type("one")
    assert wait_until(replacing.is_set, 5)
    page.autosave.settle()
    assert page.is_modified
    go_on.set()
    assert wait_until(lambda: page.written == 1, 5)
    assert (page.in_file(), page.is_modified) == ("one", False)
    page.type(" two")  # no other program's change
    assert wait_until(lambda: page.written == 2, 5)
    assert page.stops == []


def test_the_end_of_the_program_does_not_wait_for_a_disk_that_hangs(page: Page, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(file_autosave, "CLOSING_S", 0.3)
    page.calls.gate.clear()
    page.type("one")
    assert wait_until(lambda: page.autosave.is_writing, 5)
    begun = time.monotonic()
    page.autosave.close()
    assert time.monotonic() - begun < 2
    assert page.files.waits == 0  # nobody is asked
    page.calls.gate.set()
    run_for(100)
    assert page.in_file() == ""


def test_a_fault_of_the_program_is_said_and_tried_again(page: Page, monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(file_autosave, "RETRY_MS", 50)
    monkeypatch.setattr(file_autosave, "write_at_rest", lambda *_: 1 // 0)
    page.type("precious")
    assert wait_until(lambda: bool(page.failures), 5)
    assert [error.kind for error in page.failures] == ["defect"]
    assert "ZeroDivisionError" in capsys.readouterr().err
    monkeypatch.undo()
    assert wait_until(lambda: page.written == 1, 10)
    assert page.in_file() == "precious"
