"""How the program ends: by a signal at any moment of its start, and where the display does not answer."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from desktop_app.display import _reason
from desktop_app.ending import SignalWatch
from tests.desktop_app.services.qt import application, forget_exit, run_for, wait_until
from tests.desktop_app.window.test_under_x import SECONDS, environment

KILLED = -signal.SIGTERM  # by the system's own handling, before there is anything to end in order
posix_only = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


def children_of(process_id: int) -> list[Path]:
    try:
        found = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    except OSError:
        return []
    return [Path("/proc") / child for child in found]


def end_while_starting(root: Path, display: str, profile: Path, pause: float, twice: bool) -> None:
    """Start the program, send SIGTERM `pause` seconds after its recovery store is open, and look at how it ends."""
    command = [sys.executable, "-m", "desktop_app", "--profile", str(profile)]
    environ = environment(display, root)
    with subprocess.Popen(command, cwd=root, env=environ, stderr=subprocess.PIPE) as process:
        try:
            end = time.monotonic() + SECONDS
            while not list(profile.glob("state/recovery/*.lock")) and time.monotonic() < end:
                time.sleep(0.005)
            time.sleep(pause)
            children = children_of(process.pid)
            for _ in range(2 if twice else 1):
                process.send_signal(signal.SIGTERM)
                time.sleep(0.02)
            status = process.wait(SECONDS)
        finally:
            process.kill()
        assert process.stderr is not None
        assert (status, process.stderr.read()) == (0, b"")
    end = time.monotonic() + 10
    while any(child.exists() for child in children) and time.monotonic() < end:
        time.sleep(0.05)
    assert not [child for child in children if child.exists()]


@pytest.mark.xvfb
@posix_only
@pytest.mark.parametrize(("pause", "twice"), [(0.0, False), (0.15, True), (0.6, False)])
def test_a_signal_while_the_window_appears_ends_it_in_order(x_display, root, tmp_path, pause, twice):
    end_while_starting(root, x_display, tmp_path, pause, twice)


@pytest.mark.long
@pytest.mark.xvfb
@posix_only
def test_sixty_signals_at_varied_moments_end_it_in_order(x_display, root, tmp_path):
    moments = random.Random(20)
    for number in range(60):
        end_while_starting(root, x_display, tmp_path / str(number), moments.uniform(0, 2.3), number % 3 == 0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X servers")
def test_a_display_that_does_not_answer_is_one_line_and_no_crash(root, tmp_path):
    answer = subprocess.run(
        [sys.executable, "-m", "desktop_app", "--profile", str(tmp_path)],
        cwd=root,
        env=environment(":nowhere", root),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert (answer.returncode, answer.stdout) == (1, "")
    assert len(answer.stderr.splitlines()) == 1
    assert "could not connect to display :nowhere" in answer.stderr
    assert "nextstroke generate" in answer.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X servers")
@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full", ">&- 2>&-"])
def test_a_dead_display_is_no_crash_where_nobody_can_be_told(root, tmp_path, where):
    command = f'exec "{sys.executable}" -m desktop_app --profile "{tmp_path}" {where}'
    environ = environment(":nowhere", root)
    answer = subprocess.run(["sh", "-c", command], cwd=root, env=environ, timeout=SECONDS, check=False)
    assert answer.returncode == 1


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ([("default", "a font is odd"), ("qt.qpa.xcb", "no server\nat all"), ("qt.qpa.plugin", "a hint")], "no server"),
        ([("default", "a font is odd"), ("qt.qpa.plugin", "a library"), ("", "a detail")], "a library"),
        ([("", "a detail")], "aborting"),
    ],
)
def test_the_reason_is_the_last_thing_that_the_platform_or_qt_said(said, reason):
    assert _reason(said, "aborting\nmuch more") == reason


@posix_only
@pytest.mark.parametrize("at_start", [signal.SIG_DFL, signal.SIG_IGN])
def test_ctrl_c_while_the_window_is_loaded_is_the_systems_own(root, tmp_path, at_start):
    (tmp_path / "PySide6").mkdir()
    asks = "import os, signal\nprint(int(signal.getsignal(signal.SIGINT)), flush=True)\nos._exit(0)\n"
    (tmp_path / "PySide6" / "__init__.py").write_text(asks, encoding="utf-8")
    answer = subprocess.run(
        [sys.executable, "-m", "desktop_app", "--profile", str(tmp_path / "profile")],
        cwd=root,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, at_start),
    )
    assert (answer.stdout, answer.stderr) == (f"{int(at_start)}\n", "")


@posix_only
@pytest.mark.parametrize("ignored", [(), (signal.SIGINT, signal.SIGHUP)])
def test_no_signal_cuts_the_last_steps_short(root, ignored):
    program = (
        "import os, signal, sys\n"
        "from PySide6.QtCore import QCoreApplication\n"
        "from desktop_app.ending import SignalWatch\n"
        "watch = SignalWatch(QCoreApplication([]))\n"
        "print(*(signal.getsignal(n) == signal.SIG_IGN for n in (15, 2, 1)))\n"
        "watch.close()\n"
        "for number in (15, 2, 1): os.kill(os.getpid(), number)\n"
        "print('ended in order')\n"
    )

    def begin() -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)

    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=SECONDS, preexec_fn=begin)
    watched = f"False {bool(ignored)} {bool(ignored)}"
    assert (answer.returncode, answer.stdout.splitlines(), answer.stderr) == (0, [watched, "ended in order"], "")


@pytest.fixture
def signals_given_back():
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP) if os.name == "posix" else ()
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        signal.signal(number, signal.SIG_DFL)
    yield numbers
    for number, handler in before.items():
        signal.signal(number, handler)


@posix_only
def test_a_signal_that_comes_before_the_window_is_answered_when_it_is_there(signals_given_back):
    watch, left = SignalWatch(application()), []
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        run_for(50)  # a question at the start has a loop of its own
        assert watch.is_asked
        watch.leave_by(lambda: left.append(1))
        assert left == [1]
        for count, number in enumerate(signals_given_back, 2):
            os.kill(os.getpid(), number)
            assert wait_until(lambda expected=count: left == [1] * expected, 5), number
    finally:
        watch.close()


def test_leaving_at_once_asks_nothing_and_keeps_the_geometry(kit, tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("saved", encoding="utf-8")
    kit.window.opening.open(str(path))
    kit.type("not saved ")
    kit.window.leave_at_once()
    forget_exit()
    assert kit.answers.asked == []
    assert kit.settings.values.window_geometry
    assert path.read_text(encoding="utf-8") == "saved"
    assert kit.window.document.snapshot().has_unsaved_text
