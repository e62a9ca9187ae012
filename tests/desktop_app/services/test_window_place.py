"""One window for a person and a profile: found by later starts, safe against what else may lie or talk there."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtNetwork import QLocalSocket

from desktop_app.document.disk import Disk
from desktop_app.services import window_place
from desktop_app.services.window_message import LIMIT_BYTES, PATHS_BOUND, TAKEN, WindowMessage, packed, unpacked
from desktop_app.services.window_place import WindowPlace
from tests.desktop_app.services.qt import delete_now, run_for, wait_until

MESSAGE = WindowMessage(("/a/小说 😀.txt", "/b/\udcff.txt"), "token-7")

# ---- the message ------------------------------------------------------------------------------------------------


def test_a_message_arrives_as_it_was_sent():
    assert packed(MESSAGE).count(b"\n") == 1
    assert unpacked(packed(MESSAGE).strip()) == MESSAGE


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b"null",
        b'{"version": 2, "paths": []}',
        b'{"version": 1, "paths": "/a"}',
        b'{"version": 1, "paths": ["relative.txt"]}',
        b'{"version": 1, "paths": ["/a\\u0000b"]}',
        b'{"version": 1, "paths": [7]}',
        b"[" * 5000,
        json.dumps({"version": 1, "paths": ["/a"] * (PATHS_BOUND + 1)}).encode(),
    ],
)
def test_what_is_no_message_is_none(line: bytes):
    assert unpacked(line) is None


def test_an_odd_token_is_left_out():
    for token in ("x" * 500, "a\nb", "字", 7, None):
        line = json.dumps({"version": 1, "paths": ["/a"], "token": token}).encode()
        assert unpacked(line) == WindowMessage(("/a",))


@given(st.binary(max_size=300))
def test_no_line_makes_reading_fail(line: bytes):
    unpacked(line)


def test_very_many_paths_are_cut_to_what_fits():
    message = WindowMessage(tuple(f"/{'x' * 400}/{number}" for number in range(5000)))
    assert len(packed(message)) <= LIMIT_BYTES
    told = unpacked(packed(message).strip())
    assert told is not None
    assert 0 < len(told.paths) <= PATHS_BOUND


# ---- the place --------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


@contextmanager
def first_window(folder: Path) -> Iterator[tuple[WindowPlace, list[WindowMessage]]]:
    """A first window in this process, and what it was asked."""
    place, asked = WindowPlace(folder, folder / "state", Disk()), list[WindowMessage]()
    place.asked.connect(asked.append)
    try:
        assert place.take()
        assert place.listen()
        yield place, asked
    finally:
        place.close()
        delete_now(place)


# Says what a second start finds: whether it is the first, whether its message was taken, how long that took.
SECOND = """
import json, sys, time
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from desktop_app.document.disk import Disk
from desktop_app.services.window_message import WindowMessage
from desktop_app.services.window_place import WindowPlace
application = QCoreApplication([])
folder = Path(sys.argv[1])
place = WindowPlace(folder, folder / "state", Disk())
is_first, begun = place.take(), time.monotonic()
print("looked", flush=True)
is_taken = None if is_first else place.deliver(WindowMessage(tuple(sys.argv[3:])), int(sys.argv[2]))
print(json.dumps([is_first, is_taken, place.take(), time.monotonic() - begun]))
"""
# Holds the place and listens until it is ended.
FIRST = """
import sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from desktop_app.document.disk import Disk
from desktop_app.services.window_place import WindowPlace
application = QCoreApplication([])
folder = Path(sys.argv[1])
place = WindowPlace(folder, folder / "state", Disk())
place.asked.connect(lambda message: print(*message.paths, flush=True))
print(place.take() and place.listen(), flush=True)
application.exec()
"""


def second_start(root: Path, folder: Path, *paths: str, wait_ms: int = 5000) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SECOND, str(folder), str(wait_ms), *paths]
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True)


@contextmanager
def first_process(root: Path, folder: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", FIRST, str(folder)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "True\n"
            yield process
        finally:
            process.kill()


def finds(start: subprocess.Popen[str]) -> list[object]:
    """What a second start says; the loop of this process goes on meanwhile."""
    assert wait_until(lambda: start.poll() is not None, 30)
    assert start.stdout is not None
    with start, start.stdout:
        return list(json.loads(start.stdout.read().splitlines()[-1]))


def has_looked(start: subprocess.Popen[str]) -> None:
    """A second start knows by now whether it is the first."""
    assert start.stdout is not None
    assert start.stdout.readline() == "looked\n"


def test_a_second_start_is_heard_by_the_first_window(root: Path, folder: Path):
    with first_window(folder) as (_, asked):
        found = finds(second_start(root, folder, "/a/小说.txt", "/b"))
        assert found[:3] == [False, True, False]
        assert asked == [WindowMessage(("/a/小说.txt", "/b"))]


def test_ten_starts_at_once_are_all_heard(root: Path, folder: Path):
    with first_window(folder) as (_, asked):
        starts = [second_start(root, folder, f"/{number}") for number in range(10)]
        assert all(finds(start)[1] for start in starts)
        assert sorted(message.paths for message in asked) == sorted((f"/{number}",) for number in range(10))


def test_another_profile_has_a_window_of_its_own(folder: Path):
    with first_window(folder):
        other = WindowPlace(folder, folder / "another state", Disk())
        assert other.take()
        other.close()


def test_a_killed_first_window_leaves_nothing_in_the_way(root: Path, folder: Path):
    with first_process(root, folder) as process:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    assert any(path.suffix == ".socket" for path in folder.iterdir()), "what a killed process leaves"
    with first_window(folder) as (_, asked):
        assert finds(second_start(root, folder, "/a"))[:3] == [False, True, False]
        assert asked == [WindowMessage(("/a",))]
    assert list(folder.iterdir()) == []


def test_a_first_window_that_hangs_is_given_up_after_the_wait(root: Path, folder: Path):
    with first_process(root, folder) as process:
        process.send_signal(signal.SIGSTOP)
        found = finds(second_start(root, folder, "/a", wait_ms=1000))
        process.send_signal(signal.SIGCONT)
        assert found[:3] == [False, False, False]
        assert 0.9 < float(str(found[3])) < 3.0


def test_a_first_window_that_ends_meanwhile_leaves_its_place(root: Path, folder: Path):
    with first_process(root, folder) as process:
        process.send_signal(signal.SIGSTOP)
        start = second_start(root, folder, "/a", wait_ms=20_000)
        has_looked(start)
        run_for(300)
        process.send_signal(signal.SIGKILL)
        assert finds(start)[:3] == [False, False, True]


def test_a_first_window_that_is_still_being_built_is_waited_for(root: Path, folder: Path):
    place, asked = WindowPlace(folder, folder / "state", Disk()), list[WindowMessage]()
    place.asked.connect(asked.append)
    assert place.take()
    start = second_start(root, folder, "/a")
    has_looked(start)
    run_for(300)
    assert place.listen()
    assert finds(start)[1] is True
    assert len(asked) == 1
    place.close()


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="owners of POSIX")
def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path):
    folder = tmp_path / "run"
    folder.mkdir()
    folder.chmod(0o777)
    place = WindowPlace(folder, tmp_path / "state", Disk())
    assert place.take(), "every start has a window of its own there"
    assert not place.listen()
    assert list(folder.iterdir()) == []


def test_nobody_else_may_talk_to_the_socket(folder: Path):
    with first_window(folder):
        assert folder.stat().st_mode & 0o077 == 0
        (socket,) = (path for path in folder.iterdir() if path.suffix == ".socket")
        assert socket.stat().st_mode & 0o077 == 0


# ---- what else may come in --------------------------------------------------------------------------------------


def talk(folder: Path, data: bytes) -> QLocalSocket:
    (address,) = (path for path in folder.iterdir() if path.suffix == ".socket")
    socket = QLocalSocket()
    socket.connectToServer(str(address))
    assert socket.waitForConnected(2000)
    socket.write(data)
    return socket


def is_over(socket: QLocalSocket) -> bool:
    return socket.state() == QLocalSocket.LocalSocketState.UnconnectedState


@pytest.mark.parametrize("data", [b"\0" * 100 + b"\n", b"GET / HTTP/1.1\r\n\r\n", b"{}\n", b"\n", b"\xff\n"])
def test_junk_is_hung_up_on(folder: Path, data: bytes):
    with first_window(folder) as (_, asked):
        socket = talk(folder, data)
        assert wait_until(lambda: is_over(socket), 5)
        assert bytes(socket.readAll().data()) == b""
        assert asked == []


def test_an_endless_message_is_cut_off(folder: Path):
    with first_window(folder) as (place, asked):
        socket = talk(folder, b"x" * 1000)
        sent = 0
        end = time.monotonic() + 10
        while not is_over(socket) and time.monotonic() < end:
            sent += socket.write(b"x" * 65536) if socket.bytesToWrite() < 1 << 20 else 0
            run_for(1)
        assert is_over(socket)
        assert asked == []
        assert wait_until(lambda: place._connections == 0, 5)
        assert sent < 64 * LIMIT_BYTES


def test_who_says_nothing_or_stops_halfway_is_hung_up_on(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(window_place, "_LINE_MS", 200)
    with first_window(folder) as (place, asked):
        silent, half = talk(folder, b""), talk(folder, packed(MESSAGE)[:20])
        assert wait_until(lambda: is_over(silent) and is_over(half), 5)
        assert asked == []
        assert wait_until(lambda: place._connections == 0, 5)


def test_who_never_hangs_up_does_not_keep_others_out(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(window_place, "_LINE_MS", 500)
    with first_window(folder) as (place, asked):
        idle = []
        for _ in range(60):
            idle.append(talk(folder, b""))
            run_for(1)
        assert place._connections <= window_place._CONNECTIONS_BOUND
        assert wait_until(lambda: place._connections == 0, 10)
        socket = talk(folder, packed(MESSAGE))
        assert wait_until(lambda: bool(asked), 5)
        assert asked == [MESSAGE]
        del idle, socket


def test_a_message_in_pieces_is_one_message_and_what_follows_is_not_heard(folder: Path):
    with first_window(folder) as (_, asked):
        data = packed(MESSAGE)
        socket = talk(folder, data[:7])
        run_for(50)
        socket.write(data[7:] + packed(WindowMessage(("/second",))))
        assert wait_until(lambda: bool(asked) and socket.bytesAvailable() >= len(TAKEN), 5)
        run_for(100)
        assert asked == [MESSAGE]
        assert bytes(socket.readAll().data()) == TAKEN


def test_random_talk_never_ends_the_first_window(folder: Path):
    chance = random.Random(4)
    with first_window(folder) as (place, asked):
        for _ in range(150):
            socket = talk(folder, bytes(chance.randrange(256) for _ in range(chance.randrange(200))))
            if chance.random() < 0.5:
                socket.abort()
            run_for(1)
        assert wait_until(lambda: place._connections == 0, 10)
        assert asked == []
        socket = talk(folder, packed(MESSAGE))
        assert wait_until(lambda: asked == [MESSAGE], 5)
        del socket


def test_a_delivery_to_a_window_in_this_process_would_wait_for_itself_and_does_not(folder: Path):
    """`deliver` blocks: it must come back although the loop that would answer stands still."""
    with first_window(folder) as (_, asked):
        other = WindowPlace(folder, folder / "state", Disk())
        begun = time.monotonic()
        assert not other.deliver(MESSAGE, 300)
        assert time.monotonic() - begun < 2
        assert wait_until(lambda: asked == [MESSAGE], 5)
