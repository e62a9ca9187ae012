"""One holder a file: across tabs and processes, by any name, and never by a process that has ended."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from desktop_app.document.disk import Disk
from desktop_app.document.file_claims import HELD_ELSEWHERE, HELD_HERE, FileClaims, FileHeld, make_private

HOLDER = """
import sys, time
from pathlib import Path
from desktop_app.document.disk import Disk
from desktop_app.document.file_claims import FileClaims
claim = FileClaims(Path(sys.argv[1]), Disk()).claim(Path(sys.argv[2]))
print("held", flush=True)
sys.stdin.readline()
claim.release()
print("released", flush=True)
sys.stdin.readline()
"""


@contextmanager
def another_process(root: Path, locks: Path, path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds a file until it is told a line, then lives on."""
    command = [sys.executable, "-c", HOLDER, str(locks), str(path)]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    return tmp_path / "locks"


@pytest.fixture
def claims(locks: Path) -> FileClaims:
    return FileClaims(locks, Disk())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "小说.txt"
    made.write_text("text", encoding="utf-8")
    return made


def other_name(path: Path, kind: str) -> Path:
    if kind == "dots":
        (path.parent / "folder").mkdir()
        return path.parent / "folder" / ".." / path.name
    other = path.with_name(f"{kind}.txt")
    if kind == "link":
        other.symlink_to(path)
    elif kind == "linked folder":
        (path.parent / "door").symlink_to(path.parent)
        return path.parent / "door" / path.name
    elif kind == "hard link":
        other.hardlink_to(path)
    else:
        return path
    return other


NAMES = ["same", "dots", "link", "linked folder", "hard link"]


@pytest.mark.parametrize("kind", NAMES)
def test_no_second_tab_holds_a_file(claims: FileClaims, path: Path, kind: str):
    other = other_name(path, kind)
    claim = claims.claim(path)
    with pytest.raises(FileHeld) as held:
        claims.claim(other)
    assert held.value.kind == HELD_HERE
    claim.release()
    claims.claim(other).release()


@pytest.mark.parametrize("kind", NAMES)
def test_no_second_process_holds_a_file(root: Path, locks: Path, claims: FileClaims, path: Path, kind: str):
    other = other_name(path, kind)
    with another_process(root, locks, path) as process:
        with pytest.raises(FileHeld) as held:
            claims.claim(other)
        assert held.value.kind == HELD_ELSEWHERE
        assert path.name in str(held.value) or other.name in str(held.value)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "released\n"
        claims.claim(other).release()


def test_a_killed_process_holds_nothing_and_its_locks_are_cleared(
    root: Path, locks: Path, claims: FileClaims, path: Path
):
    with another_process(root, locks, path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    assert len(list(locks.iterdir())) == 2
    other = claims.claim(path.with_name("other.txt"))
    claims.claim(path)
    other.release()
    claims.close()
    assert list(locks.iterdir()) == []


def test_the_end_leaves_the_locks_of_others(root: Path, locks: Path, claims: FileClaims, path: Path):
    with another_process(root, locks, path):
        claims.claim(path.with_name("mine.txt"))
        claims.close()
        assert len(list(locks.iterdir())) == 2
        with pytest.raises(FileHeld):
            claims.claim(path)


def test_a_file_is_still_held_after_it_was_replaced_by_a_save(root: Path, locks: Path, claims: FileClaims, path: Path):
    claim = claims.claim(path)
    Disk().write_safely(path, b"new")
    claim.renew()
    hard = other_name(path, "hard link")
    holder = [sys.executable, "-c", HOLDER, str(locks), str(hard)]
    answer = subprocess.run(holder, cwd=root, capture_output=True, text=True, check=False, input="\n\n")
    assert "FileHeld" in answer.stderr


def test_a_name_without_a_file_is_held_and_then_the_file(claims: FileClaims, tmp_path: Path):
    path = tmp_path / "new.txt"
    claim = claims.claim(path)
    with pytest.raises(FileHeld):
        claims.claim(tmp_path / "." / "new.txt")
    path.write_text("x", encoding="utf-8")
    claim.renew()
    with pytest.raises(FileHeld):
        claims.claim(other_name(path, "hard link"))


def test_the_identity_of_a_file_that_is_gone_is_free_for_the_next_one(claims: FileClaims, path: Path):
    claims.claim(path)
    path.rename(path.with_name("moved.txt"))  # the same file, but no longer at the held name
    claims.claim(path.with_name("moved.txt"))


def test_a_claim_that_fails_holds_nothing(claims: FileClaims, path: Path):
    first = claims.claim(path)
    hard = other_name(path, "hard link")
    with pytest.raises(FileHeld):
        claims.claim(hard)  # its path was free and its file is not
    path.unlink()
    first.release()
    claims.claim(hard)


def test_releasing_twice_is_once(claims: FileClaims, path: Path):
    claim = claims.claim(path)
    claim.release()
    second = claims.claim(path)
    claim.release()
    with pytest.raises(FileHeld):
        claims.claim(path)
    second.release()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="owners of POSIX")
@pytest.mark.parametrize("fault", ["open to others", "a link", "a file", "none"])
def test_a_folder_that_is_not_this_persons_alone_is_not_used(tmp_path: Path, path: Path, fault: str):
    locks = tmp_path / "shared"
    if fault == "open to others":
        locks.mkdir(0o777)
        locks.chmod(0o777)
    elif fault == "a link":
        (tmp_path / "elsewhere").mkdir(0o700)
        locks.symlink_to(tmp_path / "elsewhere")
    elif fault == "a file":
        locks.write_text("", encoding="utf-8")
    assert make_private(locks, Disk()) is (fault == "none")
    claims = FileClaims(locks, Disk())
    claims.claim(path)
    with pytest.raises(FileHeld):  # of the tabs of this window it is known all the same
        claims.claim(path)
    if fault != "a file":
        assert len(list(locks.iterdir())) == (2 if fault == "none" else 0)
    if fault == "none":
        assert stat.S_IMODE(locks.stat().st_mode) == 0o700


def test_a_lock_that_cannot_be_made_keeps_nobody_from_writing(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
):
    claims = FileClaims(tmp_path / "locks", Disk())

    def refuse(_disk: Disk, lock: Path) -> None:
        raise OSError(28, "No space left on device", str(lock))

    monkeypatch.setattr("desktop_app.document.file_lock.FileLock.acquire", classmethod(refuse))
    claim = claims.claim(path)
    claim.renew()
    claim.release()
    claims.close()
