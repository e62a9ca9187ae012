"""A program under test without a model: its answers come from arithmetic, its first words are noise.

For: the benchmark's own test. A token is the sum of what came before, and so are the times: reading and writing take
`SECONDS_A_TOKEN` each on a clock that nobody else slows down. A folder named `broken` does not load.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.peers.protocol import Settings, Written, run, shared_prefix

SECONDS_A_TOKEN = 0.01


class Fake:
    """Knows what it has read, nothing else."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        print("a library says something on standard output")
        if folder.name == "broken":
            raise RuntimeError("this folder is broken")
        self._read: list[int] = []

    def facts(self) -> dict[str, Any]:
        return {"program": "fake", "version": "fake 1", "weights": "none", "weight_bytes": 1000}

    def write(self, ids: Sequence[int], count: int, rows: int, fresh: bool) -> Written:
        kept = 0 if fresh else shared_prefix(self._read, ids)
        tokens: list[int] = []
        while len(tokens) < count:
            tokens.append(sum((*ids, *tokens)) % 97)
        arrivals = [SECONDS_A_TOKEN * (len(ids) - kept + index) for index in range(count)]
        self._read = [*ids, *tokens]
        return Written(arrivals, tokens)


def prepare(checkpoint: Path, folder: Path) -> None:
    """Needs nothing of the checkpoint but that it is one."""
    if not (checkpoint / "config.json").is_file():
        raise RuntimeError("there is no config.json")
    folder.mkdir()


if __name__ == "__main__":
    run(prepare, Fake)
