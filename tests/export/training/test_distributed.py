"""The processes of a run without processes: several members in one, who meet at a file."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch.distributed as dist

from engine.contracts.errors import DistributedError, RecipeError
from export.training import distributed, distributed_liveness
from export.training.distributed import JoinedTeam, Place, Team, alone, as_team
from export.training.distributed_launch import MEETING_FILE, is_launched, launch, worker_environment
from export.training.distributed_liveness import Loss

Members = Callable[..., list[JoinedTeam]]


@pytest.fixture(autouse=True)
def ended(monkeypatch: pytest.MonkeyPatch) -> list[Loss]:
    """Clocks that run ten times as fast, and no end of this process; what would have ended it."""
    for name in ("TICK_SECONDS", "LOST_SECONDS", "SUSPECTED_SECONDS", "GRACE_SECONDS"):
        monkeypatch.setattr(distributed_liveness, name, getattr(distributed_liveness, name) / 10)
    monkeypatch.setattr(distributed, "SAME_WORDS_SECONDS", 1.0)
    losses: list[Loss] = []
    monkeypatch.setattr(distributed_liveness, "_end_at_once", losses.append)
    return losses


@pytest.fixture
def members(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Members]:
    """Makes a team of `count` members on `machines` machines."""
    monkeypatch.setenv(MEETING_FILE, str(tmp_path / "meeting"))
    made: list[JoinedTeam] = []

    def make(count: int, machines: int = 1) -> list[JoinedTeam]:
        here = count // machines
        made.extend(JoinedTeam(Place(rank, count, rank % here, here, rank // here)) for rank in range(count))
        return made

    yield make
    for team in made:
        team.liveness.close()


def in_all(teams: list[JoinedTeam], work: Callable[[JoinedTeam], object]) -> list[object]:
    with ThreadPoolExecutor(len(teams)) as pool:
        return list(pool.map(work, reversed(teams)))[::-1]  # the last one first, so that waiting is needed


def die(team: JoinedTeam) -> None:
    """As a process dies: it stops beating and says nothing."""
    team.liveness.close()


def test_one_process_alone_asks_nobody() -> None:
    team = Team()
    assert team.leads
    assert team.share([1, 2, 3]) == [1, 2, 3]
    assert team.in_turn(lambda: 7) == 7
    assert team.from_leader(lambda: b"x") == b"x"
    assert team.any(True, False) == [True, False]
    team.require_same("anything")
    team.wait()


def test_the_environment_says_who_one_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert not is_launched()
    assert Place.from_environment() == Place()
    for name, value in worker_environment(1, 4, tmp_path / "m").items():
        monkeypatch.setenv(name, value)
    assert is_launched()
    assert Place.from_environment() == Place(1, 4, 1, 4, 0)
    assert Place(5, 8, 1, 4, 1).neighbours() == [4, 5, 6, 7]
    assert int(os.environ["OMP_NUM_THREADS"]) >= 1


def test_each_takes_its_share_and_none_is_taken_twice(members: Members) -> None:
    shares = [team.share(range(7)) for team in members(3)]
    assert [list(share) for share in shares] == [[0, 3, 6], [1, 4], [2, 5]]


def test_work_in_turn_is_done_by_the_first_then_once_a_machine_then_by_all(members: Members) -> None:
    order: list[int] = []
    lock = threading.Lock()

    def work(team: JoinedTeam) -> None:
        def note() -> None:
            with lock:
                order.append(team.place.rank)

        team.in_turn(note)

    in_all(members(4, machines=2), work)
    assert order[0] == 0
    assert sorted(order) == [0, 1, 2, 3]
    assert order.index(2) < order.index(3)


def test_the_first_member_makes_the_bytes_of_all(members: Members) -> None:
    found = in_all(members(3), lambda team: team.from_leader(lambda: f"of {team.place.rank} 字".encode()))
    assert found == ["of 0 字".encode()] * 3


def test_another_recipe_on_one_machine_is_refused(members: Members) -> None:
    def work(team: JoinedTeam) -> str:
        try:
            team.require_same("a" if team.place.rank < 2 else "b")
        except RecipeError as error:
            return str(error)
        return ""

    first, second, third = in_all(members(3), work)
    assert (first, second) == ("", "")
    assert "process 2 has another recipe or other training text than the first one" in str(third)


def test_a_member_that_falls_silent_is_named_by_the_first_survivor(members: Members, tmp_path: Path) -> None:
    teams = members(3)
    (tmp_path / "checkpoint-00000012").mkdir()
    for team in teams:
        team.folder = tmp_path
    die(teams[0])
    losses = in_all(teams[1:], lambda team: team.liveness.explain())
    assert losses == [
        Loss(
            "process 0 of 3 (counted from 0) is gone: killed, out of memory, or its machine is out of reach; "
            "go on from checkpoint-00000012 with --resume"
        ),
        Loss(None),
    ]


def test_each_machine_says_it_once(members: Members) -> None:
    teams = members(4, machines=2)
    die(teams[1])
    losses = in_all([teams[0], *teams[2:]], lambda team: team.liveness.explain())
    assert [loss is not None and loss.line is not None for loss in losses] == [True, True, False]
    assert "there is no checkpoint yet" in str(losses[0])


def test_who_stands_in_a_transfer_for_ever_is_ended_from_outside(members: Members, ended: list[Loss]) -> None:
    teams = members(2)
    die(teams[1])
    teams[0].liveness._known.wait(10)
    teams[0].liveness._thread.join(10)
    assert len(ended) == 1
    assert "process 1 of 2" in str(ended[0].line)


def test_nobody_is_blamed_while_all_beat(members: Members, ended: list[Loss], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed_liveness, "SUSPECTED_SECONDS", 2.0)  # a busy machine may keep a thread waiting
    assert in_all(members(2), lambda team: team.liveness.explain()) == [None, None]
    assert ended == []


def test_last_words_are_repeated_on_other_machines_only(members: Members) -> None:
    teams = members(4, machines=2)
    threading.Thread(target=teams[1].liveness.tell, args=("the disk is full",)).start()
    losses = in_all([teams[0], *teams[2:]], lambda team: team.liveness.explain())
    assert losses == [Loss(None), Loss("process 1, on another machine, ended: the disk is full"), Loss(None)]


def test_the_same_failure_is_printed_once_and_another_one_too(members: Members) -> None:
    teams = members(3)
    errors = [ValueError("same"), ValueError("same"), ValueError("other")]
    speaking = in_all(teams, lambda team: team.speaks_for(errors[team.place.rank]))
    assert speaking == [True, False, True]


def test_a_meeting_place_that_nobody_holds_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "MEETING_TIMEOUT", distributed.timedelta(seconds=1))
    for name, value in {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(DistributedError, match=r"process 1 finds no meeting place at 127\.0\.0\.1:1") as caught:
        as_team(lambda team: 0)
    assert "\n" not in str(caught.value)
    assert not dist.is_initialized()


def test_a_command_of_one_process_refuses_to_be_two(monkeypatch: pytest.MonkeyPatch) -> None:
    assert alone().place == Place()
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(RecipeError, match="start it without torchrun"):
        alone()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes without signals")
@pytest.mark.parametrize(
    ("codes", "status"),
    [((0, 0), 0), ((130, 130), 130), ((0, 1), 1), ((130, 3), 3), ((0, -signal.SIGKILL), 1)],
)
def test_several_statuses_become_one(monkeypatch: pytest.MonkeyPatch, codes: tuple[int, int], status: int) -> None:
    code = (
        f"import os, sys; code = {codes}[int(os.environ['RANK'])]\n"
        "os.kill(os.getpid(), -code) if code < 0 else sys.exit(code)"
    )
    monkeypatch.setattr("export.training.distributed_launch.worker_command", lambda _: [sys.executable, "-c", code])
    assert launch(2, []) == status


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes without signals")
def test_when_all_were_killed_the_launcher_says_so(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    code = "import os; os.kill(os.getpid(), 9)"
    monkeypatch.setattr("export.training.distributed_launch.worker_command", lambda _: [sys.executable, "-c", code])
    assert launch(2, []) == 1
    assert capfd.readouterr().err == (
        "error: all processes were killed (0 by SIGKILL, 1 by SIGKILL); go on with --resume\n"
    )
