"""What every test may use: the checkout's folders, a place for artefacts, an X server, and the share of each suite.

Knows: pytest and the layout of the checkout. Must not know: any module of the program.
"""

import os
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
_suite_seconds: Counter[str] = Counter()
_suite_tests: Counter[str] = Counter()


def pytest_configure() -> None:
    """Programs under test start as from a terminal: a shell's background job would hand on an ignored SIGINT."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether golden files are to be written anew instead of compared."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def artefacts() -> Path:
    """A folder for what a person should look at after a run: screenshots, reports. Kept, ignored by git."""
    folder = ROOT / "build" / "artefacts"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def x_display() -> Iterator[str]:
    """The address of an X server of our own (1440 x 900), for tests that start the program in a child process."""
    server = shutil.which("Xvfb")
    if server is None:
        pytest.skip("Xvfb is not installed: sudo apt install xvfb")
    read_end, write_end = os.pipe()
    arguments = ["-displayfd", str(write_end), "-screen", "0", "1440x900x24", "-nolisten", "tcp", "-noreset"]
    with subprocess.Popen([server, *arguments], pass_fds=[write_end], stderr=subprocess.DEVNULL) as process:
        os.close(write_end)
        with os.fdopen(read_end) as answer:
            number = answer.readline().strip()
        assert number, "Xvfb ended before it named its display"
        yield f":{number}"
        process.terminate()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files anew instead of comparing")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    suite = "/".join(report.nodeid.split("::")[0].split("/")[:2])
    _suite_seconds[suite] += report.duration
    if report.when == "call":
        _suite_tests[suite] += 1


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("share of each suite")
    for suite, seconds in _suite_seconds.most_common():
        terminalreporter.write_line(f"{seconds:8.1f} s  {_suite_tests[suite]:5d} tests  {suite}")
