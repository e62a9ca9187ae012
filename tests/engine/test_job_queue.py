"""Order, bounds and cancelling of jobs, without threads where none are needed."""

import threading
from collections.abc import Callable

import pytest

from engine.contracts.errors import EngineBusyError
from engine.job_queue import ACTIONS_BOUND, Job, JobQueue


class Made:
    """Jobs that write down what became of them."""

    def __init__(self) -> None:
        self.given_up: list[str] = []

    def job(self, name: str, is_suggestion: bool = False) -> Job:
        return Job(name, lambda job: None, lambda: self.given_up.append(name), is_suggestion)


def taken(queue: JobQueue) -> Job:
    job = queue.take()
    assert job is not None
    return job


def test_actions_go_first_and_in_order() -> None:
    queue, made = JobQueue(), Made()
    for name, is_suggestion in (("ghost", True), ("one", False), ("two", False)):
        queue.put(made.job(name, is_suggestion))
    assert [taken(queue).id for _ in range(3)] == ["one", "two", "ghost"]


def test_the_newest_suggestion_wins_and_cancels_the_running_one() -> None:
    queue, made = JobQueue(), Made()
    queue.put(made.job("first", True))
    running = taken(queue)
    queue.put(made.job("second", True))
    assert running.is_cancelled
    queue.put(made.job("third", True))
    assert made.given_up == ["second"]
    assert taken(queue).id == "third"


def test_an_action_ends_a_running_suggestion_but_not_a_running_action() -> None:
    queue, made = JobQueue(), Made()
    queue.put(made.job("ghost", True))
    ghost = taken(queue)
    queue.put(made.job("action"))
    assert ghost.is_cancelled
    action = taken(queue)
    queue.put(made.job("another"))
    queue.put(made.job("ghost again", True))
    assert not action.is_cancelled


def test_the_queue_is_bounded() -> None:
    queue, made = JobQueue(), Made()
    for number in range(ACTIONS_BOUND):
        queue.put(made.job(str(number)))
    with pytest.raises(EngineBusyError, match="8 jobs wait"):
        queue.put(made.job("one too many"))
    queue.put(made.job("ghost", True))
    taken(queue)
    queue.put(made.job("room again"))
    assert made.given_up == []


@pytest.mark.parametrize("is_suggestion", [False, True])
def test_cancelling_by_id_reaches_waiting_and_running_jobs(is_suggestion: bool) -> None:
    queue, made = JobQueue(), Made()
    queue.put(made.job("running"))
    running = taken(queue)
    queue.put(made.job("waiting", is_suggestion))
    queue.cancel("waiting")
    queue.cancel("running")
    queue.cancel("unknown")
    assert made.given_up == ["waiting"]
    assert running.is_cancelled
    queue.put(made.job("next"))
    assert taken(queue).id == "next"


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_closing_sends_a_waiting_worker_home() -> None:
    queue = JobQueue()
    answers: list[Job | None] = []
    thread = in_thread(lambda: answers.append(queue.take()))
    queue.close()
    thread.join(5)
    assert answers == [None]
    assert queue.wait_until_idle(0)


def test_closing_cancels_the_running_job_and_tells_whether_it_ended() -> None:
    queue, made = JobQueue(), Made()
    queue.put(made.job("running"))
    queue.put(made.job("waiting"))
    running = taken(queue)
    queue.close()
    assert running.is_cancelled
    assert not queue.wait_until_idle(0.01)
    assert queue.take() is None
    assert queue.wait_until_idle(0)
