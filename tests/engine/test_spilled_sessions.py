"""Sessions on the disk: the same bits when they come back, nothing of them to be seen, and no harm where that fails."""

import gc
import io
import os
import random
import shutil
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine import spilled_sessions
from engine.loaded_model import LoadedModel
from engine.session import Session
from engine.session_pool import WORTH_A_READING, SessionPool
from engine.spilled_sessions import SpilledSessions
from tests.engine.test_session_pool import reused, text


def spilling(model: LoadedModel, folder: Path, sessions: int = 1, budget_bytes: int = 10**9) -> SessionPool:
    """A pool that has room for so many sessions in memory, and the rest on the disk."""
    size = model.new_session().cache.bytes_used
    spilled = SpilledSessions(folder, model.new_session, budget_bytes)
    return SessionPool(model.new_session, sessions * size, spilled)


def read(model: LoadedModel, ids: tuple[int, ...]) -> Session:
    session = model.new_session()
    session.prefill(ids)
    return session


def spills_of(pool: SessionPool) -> tuple[int, int, int, int]:
    assert pool.spilled is not None
    spills = pool.spilled.spills
    return spills.kept, spills.read_back, spills.refused, spills.damaged


def test_what_comes_back_has_the_same_bits(model: LoadedModel, tmp_path: Path) -> None:
    """Of every kind of cache: buffers, tokens, and the logits of what follows; grown buffers too."""
    for count in (1, 150, model.context_length - 1):
        ids = tuple(token % 400 for token in range(7, 7 + count))
        session, spilled = read(model, ids), SpilledSessions(tmp_path, model.new_session)
        spilled.keep(session)
        assert spilled.bytes_used == session.cache.committed_bytes > 0
        back = spilled.take(0)
        assert back is not None
        assert (back.tokens, back.canonical_length) == (session.tokens, session.canonical_length)
        assert [bytes(part) for part in back.cache.parts(count)] == [bytes(part) for part in session.cache.parts(count)]
        assert (back.step(9) == session.step(9)).all()
        assert spilled.bytes_used == 0


def test_documents_in_turn_are_run_once_though_the_memory_holds_one(model: LoadedModel, tmp_path: Path) -> None:
    """`reused` compares all events with those of a fresh session."""
    pool = spilling(model, tmp_path)
    documents = [text(seed) for seed in range(3)]
    assert [reused(model, pool, ids) for ids in documents] == [0, 0, 0]
    expected = 128 if model.plan.is_canonical else 149
    assert [reused(model, pool, ids) for ids in (*documents, *documents)] == [expected] * 6
    assert spills_of(pool) == (8, 6, 0, 0)
    assert len(pool.sessions) == 1


def test_a_branch_of_a_text_on_the_disk_takes_its_part(model: LoadedModel, tmp_path: Path) -> None:
    pool = spilling(model, tmp_path, sessions=2)
    trunk = text(1, 100)
    for ids in ((*trunk, *text(2, 80)), text(5), text(6)):
        reused(model, pool, ids)
    assert reused(model, pool, (*trunk, *text(3, 80))) == (64 if model.plan.is_canonical else 100)


@pytest.mark.skipif(os.name != "posix", reason="on Windows a file has a name until it is closed")
def test_nobody_else_can_see_or_open_a_file(rotary: LoadedModel, tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "sessions"
    pool = spilling(rotary, folder)
    for seed in range(3):
        reused(rotary, pool, text(seed))
    assert pool.spilled is not None
    assert list(folder.iterdir()) == []
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    file = pool.spilled._file
    assert file is not None
    status = os.fstat(file.fileno())
    assert (status.st_nlink, stat.S_IMODE(status.st_mode)) == (0, 0o600)
    del pool
    gc.collect()
    assert file.closed


@pytest.mark.skipif(os.name != "posix", reason="processes are killed in another way on Windows")
def test_a_killed_process_leaves_nothing(root: Path, tiny_folders: dict[str, Path], tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path\n"
        "from engine.loaded_model import load_model; from engine.spilled_sessions import SpilledSessions\n"
        "model = load_model(Path(sys.argv[1]), 'cpu', 1)\n"
        "session = model.new_session(); session.prefill(range(5, 90))\n"
        "spilled = SpilledSessions(Path(sys.argv[2]), model.new_session); spilled.keep(session)\n"
        "print(spilled.bytes_used, flush=True); os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", program, str(tiny_folders["rotary"]), str(tmp_path / "sessions")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False)
    assert done.returncode == -9, done.stderr
    assert int(done.stdout) > 0
    assert list((tmp_path / "sessions").iterdir()) == []


@pytest.mark.parametrize("damage", ["a byte", "a cut"])
def test_a_damaged_file_is_noticed_and_the_text_is_run_again(rotary: LoadedModel, tmp_path: Path, damage: str) -> None:
    pool = spilling(rotary, tmp_path)
    reused(rotary, pool, text(1))
    reused(rotary, pool, text(2))
    assert pool.spilled is not None
    file = pool.spilled._file
    assert file is not None
    if damage == "a byte":
        os.pwrite(file.fileno(), bytes([os.pread(file.fileno(), 1, 777)[0] ^ 1]), 777)
    else:
        file.truncate(pool.spilled.bytes_used - 1)
    assert reused(rotary, pool, text(1)) == 0
    assert spills_of(pool) == (2, 0, 0, 1)
    assert reused(rotary, pool, text(2)) == 149


def test_a_full_disk_is_only_counted(rotary: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=spilled_sessions.FREE_BYTES))
    pool = spilling(rotary, tmp_path)
    assert [reused(rotary, pool, text(seed)) for seed in (1, 2, 1)] == [0, 0, 0]
    assert spills_of(pool) == (0, 0, 2, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_write_that_fails_half_way_is_only_counted(
    rotary: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spilled_sessions.tempfile, "TemporaryFile", lambda **_: io.FileIO("/dev/full", "wb"))
    pool = spilling(rotary, tmp_path)
    assert [reused(rotary, pool, text(seed)) for seed in (1, 2, 1)] == [0, 0, 0]
    assert spills_of(pool) == (0, 0, 2, 0)


def test_a_folder_that_cannot_be_made_is_only_counted(rotary: LoadedModel, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    pool = spilling(rotary, tmp_path / "file" / "sessions")
    assert [reused(rotary, pool, text(seed)) for seed in (1, 2)] == [0, 0]
    assert spills_of(pool) == (0, 0, 1, 0)


def test_the_budget_of_the_disk_holds_and_the_oldest_goes(rotary: LoadedModel, tmp_path: Path) -> None:
    size = read(rotary, text(0)).cache.committed_bytes
    spilled = SpilledSessions(tmp_path, rotary.new_session, budget_bytes=2 * size)
    for seed in range(4):
        spilled.keep(read(rotary, text(seed)))
    assert [tuple(tokens) for tokens in spilled.tokens] == [text(2), text(3)]
    assert spilled.bytes_used == 2 * size
    spilled.keep(read(rotary, text(9, 240)[:200] + text(8, 40)))  # larger than both: one must go, or both
    assert spilled.bytes_used <= 2 * size
    SpilledSessions(tmp_path, rotary.new_session, budget_bytes=size - 1).keep(read(rotary, text(1)))


def test_places_in_the_file_are_used_again(rotary: LoadedModel, tmp_path: Path) -> None:
    """Sessions of all lengths come and go: none overwrites another, and the file stays within the budget."""
    dice, size = random.Random(1), read(rotary, text(0)).cache.committed_bytes
    spilled = SpilledSessions(tmp_path, rotary.new_session, budget_bytes=4 * size)
    for seed in range(60):
        spilled.keep(read(rotary, text(seed, dice.randint(1, 200))))
        if dice.random() < 0.4:
            assert spilled.take(dice.randrange(len(spilled.tokens))) is not None
        assert spilled._file is not None
        assert os.fstat(spilled._file.fileno()).st_size <= 4 * size
    while spilled.tokens:
        assert spilled.take(0) is not None
    assert spilled.spills.damaged == 0


def test_a_long_session_is_not_read_for_a_short_beginning(rotary: LoadedModel, tmp_path: Path) -> None:
    pool = spilling(rotary, tmp_path)
    long = text(1, 250)
    reused(rotary, pool, long)
    reused(rotary, pool, text(2))
    shared = 250 // WORTH_A_READING
    assert reused(rotary, pool, (*long[: shared - 1], *text(3, 20))) == 0
    assert spills_of(pool)[1] == 0


def test_short_sessions_are_not_worth_a_file(rotary: LoadedModel, tmp_path: Path) -> None:
    pool = spilling(rotary, tmp_path)
    for seed in range(3):
        reused(rotary, pool, text(seed, 20))
    assert spills_of(pool) == (0, 0, 0, 0)
