"""Reliability promise R8: the engine answers whatever it is asked, cancels soon, and comes back after a kill.

A fast set here, the whole with `make test-long`; both say N done of M and the figures (`pytest -rP` shows them).
"""

import os
import random
import signal
import statistics
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.contracts.constraint import Constraint
from engine.contracts.generation import GenerationRequest
from tests.support.odd_requests import EITHER, REFUSED, SERVED, OddRequest, odd_requests
from tests.support.running_engine import WAIT_SECONDS, Answer, RunningEngine, children, held_by
from tests.support.tiny_graph import TinyShape
from tests.support.tiny_models import write_tiny_model

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes and what they hold are read in /proc")

fast_or_long = pytest.mark.parametrize("how", ["fast", pytest.param("long", marks=pytest.mark.long)])
ODD = {"fast": 72, "long": 500}
KILLS = {"fast": 4, "long": 100}
CANCELS = {"fast": 9, "long": 50}

PLAIN = GenerationRequest("plain", "the cat sat on a mat", max_tokens=8).to_dict()
LONG_TEXT = "the cat sat on a mat and saw two dogs. 从前有一个小孩子，"
CANCEL_MS = 100


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    write_tiny_model(folder, TinyShape(cache="int8"))
    return folder


@pytest.fixture
def engine(tiny: Path) -> Iterator[RunningEngine]:
    made = RunningEngine()
    made.start()
    made.open(tiny)
    yield made
    made.client.stop()


def check_protocol(odd: OddRequest, answer: Answer) -> None:
    """At most one Started, which is first; each candidate ends once; refusals are one line that says what to do."""
    names = [event["event"] for event in answer.events]
    assert names.count("started") == (1 if "started" in names[:1] else 0), odd
    outcome = REFUSED if answer.end["event"] == "failed" else SERVED
    assert odd.must in (EITHER, outcome), (odd, answer.end)
    if outcome == REFUSED:
        message = answer.end["message"]
        assert 0 < len(message) < 500, odd
        assert message.isprintable() or "\ud800" in message, odd
        assert "unexpected" not in message, (odd, message)
    elif "started" in names:
        finished = [event["candidate"] for event in answer.named("finished")]
        assert sorted(finished) == list(range(odd.request.get("candidates", 1))), odd
        assert odd.request.get("any_bytes") or "\ufffd" not in answer.text, odd
    if outcome == SERVED and odd.kind == "too long for the context" and "started" in names:
        assert answer.events[0]["dropped"] > 0, odd


@fast_or_long
def test_odd_requests_are_all_answered(engine: RunningEngine, how: str) -> None:
    """After each tenth, a plain request gives what it gave at first; files and threads stay as they were.

    In the long set all of them come a second time, and memory does not grow by a tenth: only the allocator's rest.
    """
    first, ends, slowest = engine.ask(PLAIN).text, Counter[str](), 0.0
    held = [held_by(engine.process_id)]
    for _ in range(2 if how == "long" else 1):
        for number, odd in enumerate(odd_requests(ODD[how], seed=3)):
            answer = engine.ask(odd.request, odd.slot, odd.is_cancelled)
            check_protocol(odd, answer)
            ends[answer.end["event"]] += 1
            slowest = max(slowest, answer.seconds)
            if number % 10 == 0:
                assert engine.ask(PLAIN).text == first, odd
        held.append(held_by(engine.process_id))
        print(
            f"odd requests: {number + 1} done of {ODD[how]}; in all {dict(ends)}; slowest {slowest:.2f} s; {held[-1]}"
        )
    assert engine.ask(PLAIN).text == first
    assert engine.exits.empty()
    assert min(ends["done"], ends["failed"]) > ends.total() // 4  # both kinds were asked for
    # One file more: that of the sessions that do not fit the memory.
    assert {one.files for one in held[1:]} <= {held[0].files, held[0].files + 1}
    assert {one.threads for one in held} == {held[0].threads}
    assert how == "fast" or held[-1].resident_bytes < 1.1 * held[-2].resident_bytes


def start_some_work(engine: RunningEngine, tiny: Path, dice: random.Random, odd: OddRequest) -> None:
    """Something that may be under way when the process is killed: nothing, loading, a request, several."""
    request = PLAIN | {"max_tokens": 10_000, "candidates": dice.choice((1, 4)), "ignore_end_of_text": True}
    work: list[dict[str, Any]] = [
        {"type": "open", "id": "again", "model": str(tiny), "device": "cpu", "threads": 2},
        {"type": "generate", "request": request},
        {"type": "generate", "request": odd.request, "slot": odd.slot},
        {"type": "models", "id": "m"},
        {"type": "cancel", "id": "plain"},
    ]
    for message in dice.sample(work, dice.randint(0, len(work))):
        engine.client.send(message)


@fast_or_long
def test_kills_leave_nothing_stuck(engine: RunningEngine, tiny: Path, how: str) -> None:
    """SIGKILL at any moment: it is told once, the next engine answers as the first did, and nothing is left behind."""
    dice, odd = random.Random(5), odd_requests(KILLS[how], seed=5)
    first, back_ms = engine.ask(PLAIN).text, []
    before = held_by(), threading.active_count()
    for number in range(KILLS[how]):
        killed = engine.process_id
        start_some_work(engine, tiny, dice, next(odd))
        time.sleep(dice.uniform(0, 0.15))
        os.kill(killed, signal.SIGKILL)
        assert engine.exits.get(timeout=WAIT_SECONDS)[0] == -signal.SIGKILL
        assert not engine.client.is_running
        engine.forget_messages()
        began = time.perf_counter()
        engine.start()
        if number % 3 == 2:  # and once more before it has opened anything
            os.kill(engine.process_id, signal.SIGKILL)
            assert engine.exits.get(timeout=WAIT_SECONDS)[0] == -signal.SIGKILL
            engine.forget_messages()
            engine.start()
        engine.open(tiny)
        assert engine.ask(PLAIN).text == first
        back_ms.append(1000 * (time.perf_counter() - began))
        assert killed not in children()
    held = held_by()
    print(
        f"kills: {len(back_ms)} done of {KILLS[how]}; writing again after ms: median {statistics.median(back_ms):.0f}, "
        f"worst {max(back_ms):.0f}; {before[0]} -> {held}"
    )
    assert engine.exits.empty()
    assert (held.files, held.threads, threading.active_count()) == (before[0].files, before[0].threads, before[1])


ENDLESS = {"max_tokens": 100_000, "ignore_end_of_text": True}
SITUATIONS: dict[str, tuple[dict[str, Any], str]] = {
    "prefill": ({"context_policy": "keep_end", "max_tokens": 200, "ignore_end_of_text": True}, "progress"),
    "decode": (ENDLESS, "token"),
    "candidates": (ENDLESS | {"candidates": 8}, "token"),
    "constraint": (ENDLESS | {"constraint": Constraint("regex", "[一-龥a-z，。 ]{1,3000}")}, "token"),
    "lookup": (ENDLESS | {"lookup": 8, "banned": ("从前", "the")}, "token"),
}


@fast_or_long
@pytest.mark.parametrize("situation", SITUATIONS)
def test_cancel_answers_within_100_ms_and_a_token(engine: RunningEngine, root: Path, situation: str, how: str) -> None:
    """With the bundled model; the token's share is measured in the same request.

    While a prompt is read, a chunk is what a token is later: 64 tokens at least, and as many as take 80 ms.
    """
    engine.open(root / "resources" / "models" / "tiny-zh-en")
    fields, awaited = SITUATIONS[situation]
    delays_ms, token_ms = [], []
    for number in range(CANCELS[how]):
        prompt = "".join(random.Random(number).choices(LONG_TEXT, k=2000)) if awaited == "progress" else LONG_TEXT
        request = GenerationRequest(str(number), prompt, **fields)
        engine.client.send({"type": "generate", "request": request.to_dict()})
        engine.wait_for(awaited)
        rounds = 3 if awaited == "token" else 1
        began = time.perf_counter()
        for _ in range(rounds * request.candidates):
            engine.wait_for(awaited)
        token_ms.append(1000 * (time.perf_counter() - began) / rounds)
        began = time.perf_counter()
        engine.client.send({"type": "cancel", "id": str(number)})
        answer = engine.end_of()
        delays_ms.append(1000 * (time.perf_counter() - began))
        reasons = [event["reason"] for event in answer.named("finished")]
        assert reasons == ["cancelled"] * request.candidates
    one = statistics.median(token_ms)
    print(
        f"cancel in {situation}: {len(delays_ms)} done of {CANCELS[how]}; ms: "
        f"median {statistics.median(delays_ms):.1f}, worst {max(delays_ms):.1f}; a {awaited} takes {one:.1f}"
    )
    # On a machine that does other things too, the worst is the scheduler's; in the fast set, the upper half is.
    quarter, half, _ = statistics.quantiles(delays_ms, n=4)
    assert (quarter if how == "fast" else half) < CANCEL_MS + one
