"""A save is whole or not at all, whatever fails; permissions and links stay; the words say what to do."""

import errno
import gc
import os
import signal
import stat
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest

from desktop_app.document.disk import Disk, StatToken, SystemCalls
from desktop_app.document.errors import DiskError
from tests.desktop_app.document.faulty_disk import FaultyCalls, RecordingCalls

OLD = b"the old text\n"
NEW = "新的文字\n".encode() * 200_000  # more than one write


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "story.txt"
    path.write_bytes(OLD)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_save_syncs_the_file_before_and_the_folder_after_the_replace(file: Path):
    calls = RecordingCalls()
    token = Disk(calls).write_safely(file, NEW)
    order = [name for name in calls.names if name in ("write", "fsync", "replace", "copy_owner_and_mode")]
    assert order == [*["write"] * 3, "copy_owner_and_mode", "fsync", "replace", "fsync"]
    assert file.read_bytes() == NEW
    assert token == StatToken.of(file.stat()) == Disk().token(file)
    assert names(file.parent) == ["story.txt"]


def calls_of_a_save(folder: Path) -> int:
    path = folder / "measured.txt"
    path.write_bytes(OLD)
    calls = RecordingCalls()
    Disk(calls).write_safely(path, NEW)
    path.unlink()
    return len(calls.names)


@pytest.mark.parametrize("sticky", [False, True])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EACCES])
def test_a_fault_at_any_call_leaves_the_old_or_the_new_file_whole(file: Path, number: int, sticky: bool):
    total = calls_of_a_save(file.parent)
    outcomes = []
    for at in range(total):
        file.write_bytes(OLD)
        calls = FaultyCalls(at, number, sticky)
        with pytest.raises(DiskError) as caught:
            Disk(calls).write_safely(file, NEW)
        content = file.read_bytes()
        assert content in (OLD, NEW), f"torn at call {at}"
        assert (content == NEW) == (caught.value.kind == "not_confirmed")
        outcomes.append(content)
        Disk().remove_leftovers(file.parent)
        assert names(file.parent) == ["story.txt"]
        Disk().write_safely(file, NEW)  # the next try starts with a new file and succeeds
        assert file.read_bytes() == NEW
    assert OLD in outcomes
    assert NEW in outcomes


def test_a_failed_fsync_is_never_tried_again_on_the_same_file(file: Path):
    calls = FaultyCalls(at=10**9)
    seen: list[int] = []

    def fsync(descriptor: int) -> None:
        seen.append(os.fstat(descriptor).st_ino)
        raise OSError(errno.EIO, "bad")

    calls.fail = fsync  # type: ignore[method-assign]
    recording = RecordingCalls()
    Disk(recording).write_safely(file.with_name("other.txt"), NEW)
    Disk().remove(file.with_name("other.txt"))
    calls.at = recording.names.index("fsync") + 1  # one call more: the mode of the existing file is kept
    disk = Disk(calls)
    with pytest.raises(DiskError):
        disk.write_safely(file, NEW)
    assert len(seen) == 1
    assert file.read_bytes() == OLD
    assert names(file.parent) == ["story.txt"]


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENOSPC, "disk_full", "free some space"),
        (errno.EDQUOT, "disk_full", "free some space"),
        (errno.EACCES, "no_permission", "choose a place that belongs to you"),
        (errno.EROFS, "read_only", "under another name"),
        (errno.ENOENT, "missing", "choose another place"),
        (errno.EIO, "fault", "save the text somewhere else"),
    ],
)
def test_the_words_say_what_to_do(file: Path, number: int, kind: str, words: str):
    with pytest.raises(DiskError, match=words) as caught:
        Disk(FaultyCalls(1, number)).write_safely(file, NEW)  # call 0 looks at the old file, call 1 opens the new one
    assert caught.value.kind == kind
    assert str(caught.value).startswith("cannot save story.txt: ")
    assert "\n" not in str(caught.value)


def test_permissions_of_an_existing_file_are_kept(file: Path):
    file.chmod(0o640)
    Disk().write_safely(file, NEW)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def access_list(*entries: tuple[int, int, int]) -> bytes:
    """An access list as Linux stores it (linux/posix_acl_xattr.h): version, then (tag, permissions, id)."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


OWNER, USER, GROUP, MASK, OTHER, NOBODY = 0x01, 0x02, 0x04, 0x10, 0x20, 0xFFFFFFFF
FOR_ANOTHER = access_list(
    (OWNER, 6, NOBODY), (USER, 4, 12345), (GROUP, 0, NOBODY), (MASK, 4, NOBODY), (OTHER, 0, NOBODY)
)


def attributes(path: Path) -> dict[str, bytes]:
    return {name: os.getxattr(path, name) for name in os.listxattr(path)}


def set_or_skip(path: Path, name: str, value: bytes) -> None:
    if not hasattr(os, "setxattr"):
        pytest.skip("Linux only")
    try:
        os.setxattr(path, name, value)
    except OSError as error:
        pytest.skip(f"this disk keeps no {name}: {error}")


def test_extended_attributes_and_the_access_list_are_kept(file: Path):
    set_or_skip(file, "user.tag", "红".encode())
    set_or_skip(file, "system.posix_acl_access", FOR_ANOTHER)
    before = attributes(file), file.stat().st_mode
    Disk().write_safely(file, NEW)
    assert (attributes(file), file.stat().st_mode) == before
    assert set(before[0]) >= {"user.tag", "system.posix_acl_access"}
    assert file.read_bytes() == NEW


def test_a_folder_that_lets_others_read_new_files_opens_no_old_one(file: Path):
    file.chmod(0o600)
    set_or_skip(file.parent, "system.posix_acl_default", FOR_ANOTHER)
    (file.parent / "new.txt").touch()
    assert "system.posix_acl_access" in attributes(file.parent / "new.txt")
    Disk().write_safely(file, NEW)
    assert "system.posix_acl_access" not in attributes(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("number", [errno.ENOTSUP, errno.ENOSPC, errno.EPERM])
def test_what_cannot_be_kept_stops_no_save_and_opens_the_file_to_nobody(
    file: Path, monkeypatch: pytest.MonkeyPatch, number: int
):
    set_or_skip(file, "user.a", b"1")
    set_or_skip(file, "user.b", b"2")
    set_or_skip(file, "system.posix_acl_access", FOR_ANOTHER)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640, "the mask stands in the place of the group's bits"
    refused: set[str] = {"user.a"}
    real = os.setxattr

    def set_some(path: int, name: str, value: bytes) -> None:
        if name in refused:
            raise OSError(number, os.strerror(number))
        real(path, name, value)

    monkeypatch.setattr(os, "setxattr", set_some)
    Disk().write_safely(file, NEW)
    assert set(attributes(file)) == {"user.b", "system.posix_acl_access"}, "each by itself"
    refused.add("system.posix_acl_access")
    Disk().write_safely(file, OLD)
    assert set(attributes(file)) == {"user.b"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600, "the group had no right, whatever the mask was"
    assert file.read_bytes() == OLD
    assert names(file.parent) == ["story.txt"]


def test_a_new_file_follows_the_umask_and_a_private_one_is_its_owners_alone(tmp_path: Path):
    before = os.umask(0o022)
    try:
        Disk().write_safely(tmp_path / "open.txt", b"")
        Disk().write_safely(tmp_path / "private.txt", b"", private=True)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "open.txt").stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "private.txt").stat().st_mode) == 0o600


def test_a_symbolic_link_stays_and_its_target_is_written(file: Path, tmp_path: Path):
    folder = tmp_path / "elsewhere 别处"
    folder.mkdir()
    link = folder / "link.txt"
    link.symlink_to(file)
    Disk().write_safely(link, NEW)
    assert link.is_symlink()
    assert file.read_bytes() == NEW
    assert names(folder) == ["link.txt"]


def test_a_link_to_nothing_creates_its_target(tmp_path: Path):
    (tmp_path / "link.txt").symlink_to(tmp_path / "missing.txt")
    Disk().write_safely(tmp_path / "link.txt", NEW)
    assert (tmp_path / "missing.txt").read_bytes() == NEW


def test_a_chain_of_links_is_followed_and_a_circle_is_said(file: Path, tmp_path: Path):
    (tmp_path / "b.txt").symlink_to(file)
    (tmp_path / "a.txt").symlink_to("b.txt")
    Disk().write_safely(tmp_path / "a.txt", NEW)
    assert file.read_bytes() == NEW
    assert (tmp_path / "a.txt").readlink() == Path("b.txt")
    (tmp_path / "x.txt").symlink_to("y.txt")
    (tmp_path / "y.txt").symlink_to("x.txt")
    with pytest.raises(DiskError, match=r"cannot save x\.txt"):
        Disk().write_safely(tmp_path / "x.txt", NEW)


@pytest.mark.skipif(sys.platform != "linux", reason="the names of open files are read from /proc")
def test_the_names_of_new_folders_are_synced(tmp_path: Path):
    synced: list[str] = []

    class Calls(SystemCalls):
        def fsync(self, descriptor: int) -> None:
            synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))

    Disk(Calls()).make_folders(tmp_path / "a" / "b")
    assert synced == [str(tmp_path), str(tmp_path / "a")]
    Disk(Calls()).make_folders(tmp_path / "a" / "b")
    assert len(synced) == 2


def test_a_read_only_file_is_respected(file: Path):
    file.chmod(0o444)
    with pytest.raises(DiskError, match="read-only") as caught:
        Disk().write_safely(file, NEW)
    assert caught.value.kind == "read_only"
    assert file.read_bytes() == OLD


def test_a_folder_a_pipe_and_a_missing_folder_are_refused(tmp_path: Path):
    disk = Disk()
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path, "is_folder"), (tmp_path / "pipe", "not_a_file"), (tmp_path / "no/x", "missing")):
        with pytest.raises(DiskError) as caught:
            disk.write_safely(path, NEW)
        assert caught.value.kind == kind
        with pytest.raises(DiskError) as caught:
            disk.read_bytes(path)
        assert caught.value.kind == kind
    assert names(tmp_path) == ["pipe"]


def test_the_longest_possible_name_can_be_saved_and_a_longer_one_is_said(tmp_path: Path):
    Disk().write_safely(tmp_path / ("n" * 255), NEW)
    assert names(tmp_path) == ["n" * 255]
    with pytest.raises(DiskError, match="choose a shorter one"):
        Disk().write_safely(tmp_path / ("n" * 256), NEW)


def test_a_file_in_the_place_of_a_folder_is_said(file: Path):
    with pytest.raises(DiskError, match="a file has this name"):
        Disk().make_folders(file)


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_a_fault_while_reading_is_said(file: Path, number: int):
    total = 5  # stat, open, fstat, read, close; then read once more for the end
    for at in range(total):
        with pytest.raises(DiskError, match=r"cannot read story\.txt") as caught:
            Disk(FaultyCalls(at, number)).read_bytes(file)
        assert caught.value.facts["doing"] == "read"


def test_removing_and_moving(file: Path):
    disk = Disk()
    disk.move(file, file.with_name("moved.txt"))
    assert names(file.parent) == ["moved.txt"]
    disk.remove(file)  # already gone
    disk.remove(file.with_name("moved.txt"))
    assert names(file.parent) == []
    with pytest.raises(DiskError, match="does not exist any more"):
        disk.move(file, file.with_name("moved.txt"))
    with pytest.raises(DiskError, match=r"is a folder|permission|not permitted"):
        disk.remove(file.parent)


def test_a_folder_that_cannot_be_synced_is_no_failure(file: Path):
    recording = RecordingCalls()
    Disk(recording).write_safely(file, NEW)
    last_fsync = len(recording.names) - 1 - recording.names[::-1].index("fsync")
    file.write_bytes(OLD)
    Disk(FaultyCalls(last_fsync, errno.EINVAL)).write_safely(file, NEW)  # as CIFS answers
    assert file.read_bytes() == NEW


def test_a_disk_that_takes_nothing_is_a_fault(file: Path):
    class Stuck(SystemCalls):
        def write(self, descriptor: int, data: memoryview) -> int:
            return 0

    with pytest.raises(DiskError, match="took nothing"):
        Disk(Stuck()).write_safely(file, NEW)
    assert file.read_bytes() == OLD
    assert names(file.parent) == ["story.txt"]


def test_faults_leave_no_open_files_behind(file: Path):
    gc.collect()  # what other tests left must not go meanwhile
    before = len(os.listdir("/proc/self/fd"))
    for at in range(calls_of_a_save(file.parent)):
        with pytest.raises(DiskError):
            Disk(FaultyCalls(at, errno.EIO)).write_safely(file, NEW)
    assert len(os.listdir("/proc/self/fd")) == before


def test_reading_stops_at_the_limit(file: Path):
    file.write_bytes(b"x" * 5_000_000)
    assert len(Disk().read_bytes(file, limit_bytes=1000)) == 1001


def test_a_leftover_is_removed_and_work_in_progress_is_not(tmp_path: Path):
    leftover = tmp_path / ".nextstroke-0123456789ab-00000000.tmp"
    leftover.write_bytes(b"half")
    busy = tmp_path / ".nextstroke-0123456789ab-11111111.tmp"
    lock = Disk().try_lock(busy)
    assert lock is not None
    other = tmp_path / ".hidden.tmp"
    other.write_bytes(b"not ours")
    assert Disk().remove_leftovers(tmp_path) == 1
    assert names(tmp_path) == [".hidden.tmp", busy.name]
    lock.release()


def test_a_lock_excludes_and_ends_with_its_holder(tmp_path: Path):
    disk = Disk()
    lock = disk.try_lock(tmp_path / "lock")
    assert lock is not None
    assert disk.try_lock(tmp_path / "lock") is None
    lock.release(remove=True)
    assert names(tmp_path) == []
    assert disk.try_lock(tmp_path / "lock") is not None


SAVING_CHILD = """
import sys
from pathlib import Path
from desktop_app.document.disk import Disk
disk, path = Disk(), Path(sys.argv[1])
print("ready", flush=True)
number = 0
while True:
    number += 1
    disk.write_safely(path, (str(number % 10) * 300_000).encode())
"""


def test_killing_a_process_while_it_saves_leaves_a_whole_file(tmp_path: Path, root: Path):
    path = tmp_path / "novel.txt"
    path.write_bytes(b"0" * 300_000)
    for round_number in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", SAVING_CHILD, str(path)], cwd=root, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.002 + 0.0037 * round_number)
            process.send_signal(signal.SIGKILL)
        content = path.read_bytes()
        assert len(content) == 300_000
        assert len(set(content)) == 1
        Disk().remove_leftovers(tmp_path)  # what the next opening and the next save do
        assert names(tmp_path) == ["novel.txt"]


@pytest.mark.skipif(os.name != "posix", reason="symbolic links")
def test_the_folder_above_a_linked_one_is_that_of_the_link_target(tmp_path: Path):
    (tmp_path / "far" / "inner").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "inner")
    name = tmp_path / "link" / ".." / "n.txt"
    Disk().write_safely(name, b"here")
    assert (tmp_path / "far" / "n.txt").read_bytes() == b"here"
    assert not (tmp_path / "n.txt").exists()
    assert Disk().read_bytes(name) == b"here"
