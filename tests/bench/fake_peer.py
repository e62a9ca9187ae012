"""A program under test without a model: its answers come from arithmetic, its first words are noise.

For: the benchmark's own test. A token's text is the sum of what came before; a folder named `broken` does not load.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.peers.protocol import Settings, Written, run, shared_prefix

SECONDS_A_TOKEN = 0.0002


class Fake:
    """Reads at one speed, writes at another."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        print("a library says something on standard output")
        if folder.name == "broken":
            raise RuntimeError("this folder is broken")
        self._read: list[int] = []

    def facts(self) -> dict[str, Any]:
        return {"program": "fake", "version": "fake 1", "weights": "none", "weight_bytes": 1000}

    def write(self, ids: Sequence[int], count: int, rows: int, fresh: bool) -> Written:
        began = time.perf_counter()
        kept = 0 if fresh else shared_prefix(self._read, ids)
        time.sleep(SECONDS_A_TOKEN * (len(ids) - kept))
        arrivals, tokens = [], []
        for _ in range(count):
            time.sleep(SECONDS_A_TOKEN)
            tokens.append(sum((*ids, *tokens)) % 97)
            arrivals.append(time.perf_counter() - began)
        self._read = [*ids, *tokens]
        return Written(arrivals, tokens)


def prepare(checkpoint: Path, folder: Path) -> None:
    """Needs nothing of the checkpoint but that it is one."""
    if not (checkpoint / "config.json").is_file():
        raise RuntimeError("there is no config.json")
    folder.mkdir()


if __name__ == "__main__":
    run(prepare, Fake)
