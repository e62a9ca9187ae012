"""Waiting for a disk: quick answers at once, slow ones with the window alive, none at all given up."""

import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer

from desktop_app.document.job import Job
from desktop_app.services.patience import GivenUp, Waiting, WaitWords, wait_for
from tests.desktop_app.services.qt import application, run_for, wait_until

WORDS = WaitWords("Opening…", "The disk may be gone.")


class Person:
    """Waits for some time, then gives up."""

    def __init__(self, seconds: float = 30.0) -> None:
        application()
        self.seconds = seconds
        self.seen: list[WaitWords] = []

    def wait(self, waiting: Waiting) -> None:
        self.seen.append(waiting.words)
        wait_until(lambda: waiting.is_over, self.seconds)


def test_a_quick_answer_shows_nothing():
    person = Person()
    assert wait_for(person, lambda _job: 7, WORDS) == 7
    assert person.seen == []


def test_a_slow_answer_is_waited_for_with_the_event_loop_running():
    person, ticks = Person(), []
    timer = QTimer()
    timer.timeout.connect(lambda: ticks.append(time.monotonic()))
    timer.start(10)
    assert wait_for(person, lambda _job: time.sleep(0.6) or 7, WORDS) == 7
    timer.stop()
    assert person.seen == [WORDS]
    assert len(ticks) > 20
    assert max(later - earlier for earlier, later in pairwise(ticks)) < 0.3


def fail(_job: object) -> None:
    raise ValueError("no")


def fail_slowly(_job: object) -> None:
    time.sleep(0.3)
    raise ValueError("no")


@pytest.mark.parametrize("work", [fail, fail_slowly])
def test_an_error_of_the_work_is_raised_where_it_was_asked_for(work):
    with pytest.raises(ValueError, match="no"):
        wait_for(Person(), work, WORDS)


def test_what_comes_after_giving_up_is_handed_over_on_the_windows_thread():
    gate, late = threading.Event(), []

    def work(job: Job[int]) -> int:
        assert gate.wait(30)
        assert job.is_given_up
        return 7

    def take(found: int) -> None:
        late.append((found, threading.current_thread() is threading.main_thread()))

    assert wait_for(Person(0.2), work, WORDS, take) == GivenUp(is_sure=True)
    assert late == []
    gate.set()
    assert wait_until(lambda: late == [(7, True)], 10)


def test_an_error_after_giving_up_is_nobodys():
    gate = threading.Event()

    def work(_job: Job[None]) -> None:
        assert gate.wait(30)
        raise OSError("gone")

    late: list[None] = []
    assert wait_for(Person(0.2), work, WORDS, late.append) == GivenUp(is_sure=True)
    gate.set()
    run_for(200)
    assert late == []


def test_who_claimed_is_not_sure_to_have_changed_nothing():
    gate, claims = threading.Event(), []

    def work(job: Job[None]) -> None:
        claims.append(job.claim())
        assert gate.wait(30)

    assert wait_for(Person(0.2), work, WORDS) == GivenUp(is_sure=False)
    gate.set()
    assert claims == [True]


def test_what_was_given_up_claims_nothing():
    gate, claims = threading.Event(), []

    def work(job: Job[None]) -> None:
        assert gate.wait(30)
        claims.append(job.claim())

    assert wait_for(Person(0.2), work, WORDS) == GivenUp(is_sure=True)
    gate.set()
    assert wait_until(lambda: claims == [False], 10)


def test_a_job_that_hangs_does_not_keep_the_program_from_ending(root: Path):
    program = (
        "import threading\nfrom desktop_app.document.job import Job\n"
        "job = Job(lambda _job: threading.Event().wait())\nassert not job.wait(0.1)\nassert job.give_up()\nprint('end')"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=20, check=True)
    assert (done.stdout, done.stderr) == ("end\n", "")
