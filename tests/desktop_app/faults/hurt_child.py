"""Runs operations in children that wait for the tracer before they begin.

    standard input: NAME <tab> FOLDER → a child, stopped; its process number on standard output
    after it has ended: "exit CODE" or "signal NUMBER", with a traceback where it broke

A child ends with CONFIRMED, REFUSED (one line for the person) or BROKEN. Knows: operations. Must not know: strace.
"""

import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path

from desktop_app.document import recovery_format
from desktop_app.document.errors import DocumentError
from tests.desktop_app.faults.broken_guards import ALL
from tests.desktop_app.faults.operations import Operation

CONFIRMED, REFUSED, BROKEN = 0, 3, 4
BUSY_SECONDS = 0.1  # SQLite takes a lock that the disk refuses for one that is held, and waits


def run_hurt(operation: Operation, folder: Path, report: int) -> int:
    """The operation in this process, once the tracer lets it go on; the exit status."""
    os.kill(os.getpid(), signal.SIGSTOP)
    try:
        operation.run(folder)
        return CONFIRMED
    except DocumentError as error:
        return REFUSED if len(str(error).splitlines()) == 1 else BROKEN
    except BaseException:  # noqa: BLE001 - whatever it is, the suite is to see it
        os.write(report, traceback.format_exc().encode())
        return BROKEN


def warm_up() -> None:
    """Modules that are imported at first use are not part of an operation."""
    for operation in ALL.values():
        with tempfile.TemporaryDirectory() as folder:
            operation.prepare(Path(folder))
            operation.run(Path(folder))


def serve() -> None:
    """Fork one child for each line of standard input."""
    for line in sys.stdin:
        name, folder = line.rstrip("\n").split("\t")
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            os._exit(run_hurt(ALL[name], Path(folder), writing))
        os.close(writing)
        os.waitpid(process, os.WUNTRACED)
        print(process, flush=True)
        _, status = os.waitpid(process, 0)
        words = os.read(reading, 100_000).decode("utf-8", "replace").replace("\n", " ⏎ ")
        os.close(reading)
        how = f"signal {os.WTERMSIG(status)}" if os.WIFSIGNALED(status) else f"exit {os.WEXITSTATUS(status)}"
        print(how, words, flush=True)


if __name__ == "__main__":
    recovery_format._BUSY_SECONDS = BUSY_SECONDS
    warm_up()
    serve()
