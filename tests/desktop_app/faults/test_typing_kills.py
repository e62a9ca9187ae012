"""R2: the program is killed while somebody types ten characters a second; how many of them the next start lacks."""

import random
import signal
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from desktop_app.document.model import Document
from desktop_app.document.origins import TYPED, Origin
from tests.desktop_app.faults.figures import note
from tests.desktop_app.faults.operation import kept_documents
from tests.desktop_app.faults.typing_child import letter

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="the child is killed by a signal")]
AT_ONCE = 4
FEWEST_SECONDS, MOST_SECONDS = 1.0, 6.0  # of typing before the kill
MEDIAN_GOAL = 20


@dataclass(frozen=True)
class Killed:
    """One killed session: characters typed and characters that the next start found."""

    typed: int
    kept: int
    text: str
    walked: str  # the same text, after every step was undone and done again


def type_until_killed(root: Path, profile: Path, seconds: float) -> Killed:
    """Start the program, let it be typed into for a time, kill it, and start its store again."""
    command = [sys.executable, "-m", "tests.desktop_app.faults.typing_child", str(profile)]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as program:
        assert program.stdout is not None
        first = program.stdout.readline()
        assert first == b"typed 1\n"
        time.sleep(seconds)
        program.send_signal(signal.SIGKILL)
        lines = program.stdout.read().split(b"\n")
    typed = max([1, *(int(line.split()[1]) for line in lines if line.startswith(b"typed ") and line.split()[1:])])
    documents, notice = kept_documents(profile / "state")
    assert notice == ""
    if not documents:
        return Killed(typed, 0, "", "")
    (one,) = documents.values()
    text, document = one.text, one.stored.document
    assert all(origin == Origin(TYPED) for _, origin in document.passages())
    return Killed(typed, len(text), text, undone_and_done_again(document))


def undone_and_done_again(document: Document) -> str:
    """The text, once undo has led to the beginning and redo has come back."""
    steps = 0
    while document.undo() is not None:
        steps += 1
    for _ in range(steps):
        document.redo()
    return document.text()


def kill_many(root: Path, folder: Path, count: int, seed: int) -> list[Killed]:
    """Several sessions at a time, each in a profile of its own."""
    chance = random.Random(seed)
    times = [chance.uniform(FEWEST_SECONDS, MOST_SECONDS) for _ in range(count)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        profiles = [folder / f"profile-{number}" for number in range(count)]
        return list(pool.map(lambda pair: type_until_killed(root, *pair), zip(profiles, times)))


def check(killed: list[Killed]) -> dict[str, int | float]:
    """What was kept is what was typed, from its beginning; the figures of what was lost."""
    for one in killed:
        # A key that was pressed may have been kept before its line was read.
        assert one.text == one.walked == "".join(letter(number) for number in range(1, one.kept + 1))
        assert one.kept <= one.typed + 1
    lost = sorted(one.typed - one.kept for one in killed)
    return {
        "kills": len(killed),
        "characters lost, median": statistics.median(lost),
        "characters lost, 95 of 100": lost[int(0.95 * (len(lost) - 1))],
        "characters lost, most": lost[-1],
    }


def test_some_kills_while_typing(root: Path, tmp_path: Path):
    figures = check(kill_many(root, tmp_path, 8, seed=1))
    print(figures)
    assert figures["characters lost, median"] <= MEDIAN_GOAL


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_two_hundred_kills_while_typing(root: Path, tmp_path: Path):
    figures = check(kill_many(root, tmp_path, 200, seed=2))
    note("R2 kills while typing", figures)
    assert figures["characters lost, median"] <= MEDIAN_GOAL
