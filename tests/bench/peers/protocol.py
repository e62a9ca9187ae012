"""How the benchmark and a program under test speak: one JSON object a line, over the child's standard streams.

    <- {"ready": {facts}}                                                     once the model is loaded
    -> {"write": {"ids": [...], "count": 49, "rows": 1, "fresh": true}}       continue these tokens
    <- {"arrivals": [seconds, ...], "tokens": [...]}                          since the question; of the first row
    -> {"memory": {}}
    <- {"peak_bytes": 123}
    end of input ends the child

For: every program under test; standard library alone, because each lives in an environment of its own. Knows the
lines; must not know any library that runs a model, or what is done with the figures.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Written:
    """`arrivals[i]`: when token i of every row was known, in seconds since the call. `tokens`: of the first row."""

    arrivals: list[float]
    tokens: list[int]


class Writer(Protocol):
    """A loaded model."""

    def facts(self) -> dict[str, Any]:
        """What it is: version, weights, what else a reader should know; plain values."""

    def write(self, ids: Sequence[int], count: int, rows: int, fresh: bool) -> Written:
        """Continue `ids` by `count` most probable tokens, in `rows` equal rows at once, whatever token comes.

        `fresh`: nothing read before may be used; else whatever the program can still use of its last text.
        """


@dataclass(frozen=True)
class Settings:
    """What every program is told when it starts."""

    threads: int
    context: int  # the most tokens of one text; several rows need as much each


Open = Callable[[Path, Settings], Writer]
Prepare = Callable[[Path, Path], None]  # from Hugging Face's checkpoint folder, into the program's own folder


def run(prepare: Prepare | None, open_model: Open, arguments: Sequence[str] | None = None) -> None:
    """The command line of a program under test: `prepare CHECKPOINT FOLDER`, or `serve FOLDER`."""
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers(dest="verb", required=True)
    making = verbs.add_parser("prepare")
    making.add_argument("checkpoint", type=Path)
    making.add_argument("folder", type=Path)
    serving = verbs.add_parser("serve")
    serving.add_argument("folder", type=Path)
    serving.add_argument("--threads", type=int, required=True)
    serving.add_argument("--context", type=int, required=True)
    options = parser.parse_args(arguments)
    if options.verb == "serve":
        serve(lambda: open_model(options.folder, Settings(options.threads, options.context)))
    elif prepare is not None:
        prepare(options.checkpoint, options.folder)


def serve(open_model: Callable[[], Writer]) -> None:
    """Answer questions until there are no more. What libraries print goes to standard error, not between answers."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)

        def answer(plain: dict[str, Any]) -> None:
            answers.write(json.dumps(plain) + "\n")
            answers.flush()

        writer = open_model()
        answer({"ready": writer.facts()})
        for line in sys.stdin:
            question = json.loads(line)
            if "write" in question:
                answer(asdict(writer.write(**question["write"])))
            else:
                answer({"peak_bytes": peak_memory_bytes()})


def shared_prefix(read: Sequence[int], wanted: Sequence[int]) -> int:
    """How many leading tokens of `wanted` were read already; one of them always remains to be run."""
    most = min(len(read), len(wanted) - 1)
    return next((index for index in range(most) if read[index] != wanted[index]), most)


def peak_memory_bytes() -> int | None:
    """The most memory this process has held; None where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return None
    # Not getrusage: there a child begins with its parent's peak.
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))
