"""R8: the engine is killed while text streams in, while it reads, loads, rests: the text stays, and it comes back."""

import contextlib
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from desktop_app.editor.text_drip import TextDrip
from desktop_app.services.engine_bridge import EngineBridge
from tests.desktop_app.faults.engine_kills import BACK_SECONDS, MOMENTS, Live, children, open_files, own_bytes
from tests.desktop_app.faults.figures import note
from tests.desktop_app.window_fixtures import silent_qt
from tests.support.tiny_models import write_tiny_model

__all__ = ["silent_qt"]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a look into /proc")
KILLS = 136  # a hundred of them while text streams in, the others while the engine reads, loads and rests
FIRST_LOOK = 10  # at processes and files
# At memory. A model of random weights writes in every script, and each new one loads a font: from the tenth kill to the
# fiftieth that is 2.4 %, without one Python object more; from the fiftieth to the hundred and fiftieth 0.7 %.
WARM = 50
GROWTH = 1.02


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    monkeypatch.setenv("NEXTSTROKE_PROFILE", str(tmp_path / "profile"))
    write_tiny_model(tmp_path / "模型 tiny")
    made = Live(tmp_path, tmp_path / "模型 tiny", seed=7)
    yield made
    made.close()


@pytest.mark.slow
def test_five_kills(live: Live):
    before = children(), open_files()
    for moment in (*MOMENTS, "writing"):
        live.kill_once(moment)
    assert (len(children()), open_files()) == (len(before[0]), before[1])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["drop what is not shown", "undo what was shown", "say it twice"])
def test_a_broken_guard_is_found(live: Live, name: str):
    broken = {
        "drop what is not shown": lambda: mock.patch.object(TextDrip, "take_all", return_value=""),
        "undo what was shown": lambda: undone_at_loss(live),
        "say it twice": lambda: said_again_at_loss(live),
    }[name]
    found = "what had arrived|on the page has gone|one message"
    with broken(), pytest.raises(AssertionError, match=found):
        kill_often(live)


def kill_often(live: Live) -> None:
    for _ in range(20):  # not at every moment is there something that was not shown yet
        live.kill_once("writing")


@contextlib.contextmanager
def undone_at_loss(live: Live) -> Iterator[None]:
    live.bridge.engine_lost.connect(lambda _words, _restarts: live.kit.trigger("undo"))
    yield


@contextlib.contextmanager
def said_again_at_loss(live: Live) -> Iterator[None]:
    live.bridge.engine_lost.connect(lambda words, _restarts: live.kit.window.continuation.told.emit(words))
    yield


@pytest.mark.slow
def test_an_engine_that_stays_away_is_found(live: Live):
    with mock.patch.object(EngineBridge, "_start_process", return_value=None):
        live.bridge._restart.timeout.disconnect()
        with pytest.raises(AssertionError, match="does not come back"):
            live.kill_once("writing")


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_hundred_kills_while_text_streams_in(live: Live):
    back: list[float] = []
    arrived = streaming = 0
    first, warm_bytes = (len(children()), open_files()), own_bytes()
    problems: list[str] = []
    for number in range(KILLS):
        moment = MOMENTS[number // 4 % len(MOMENTS)] if number % 4 == 3 else "writing"
        try:
            result = live.kill_once(moment)
        except AssertionError as error:
            problems.append(f"kill {number + 1} ({moment}): {error}")
            break
        back.append(result.back_s)
        arrived += result.arrived > 0
        streaming += moment == "writing"
        if number + 1 == FIRST_LOOK:
            first = len(children()), open_files()
        if number + 1 == WARM:
            warm_bytes = own_bytes()
    last, last_bytes = (len(children()), open_files()), own_bytes()
    note(
        "R8 engine kills",
        {
            "kills": len(back),
            "problems": len(problems),
            "while text streamed in": streaming,
            "with text that had arrived": arrived,
            "seconds until the model is open again, median": round(statistics.median(back), 2),
            "seconds until the model is open again, most": round(max(back), 2),
            f"slower than {BACK_SECONDS:.0f} seconds": sum(seconds > BACK_SECONDS for seconds in back),
            "per cent of memory gained in the second half": round(100 * (last_bytes / warm_bytes - 1), 2),
            "processes and files gained": sum(last) - sum(first),
        },
    )
    assert problems == []
    assert statistics.median(back) < BACK_SECONDS  # of each it is noted: what else the computer does is in it
    assert last == first
    assert last_bytes < warm_bytes * GROWTH
