"""A session read back from the disk beside running its text again: does the one beat the other, and by how much?

    python tests/bench/spilled_sessions.py [--rounds 5] [--threads 2] [--folder CACHE_FOLDER]

Two shapes: the bundled model, and random weights of GPT-2's size (12 layers of 12 heads of 64, 50,257 tokens) with the
float32 cache, the largest there is for this size. Both ways take turns in one run, and every round is printed. The file
lies in the system's page cache when it is read back, as it does minutes after it was written.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.loaded_model import LoadedModel, load_model
from engine.spilled_sessions import SpilledSessions
from tests.support.tiny_graph import TinyShape
from tests.support.tiny_models import write_tiny_model

BUNDLED = Path(__file__).resolve().parents[2] / "resources" / "models" / "tiny-zh-en"
LENGTHS = (64, 256, 900)
GPT2 = TinyShape(vocabulary=50257, context=1024, layers=12, heads=12, kv_heads=12, head_size=64, learned_positions=True)


def milliseconds(work: Callable[[], object]) -> float:
    """How long it takes once."""
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def rounds_of(model: LoadedModel, folder: Path, length: int, rounds: int) -> Iterator[tuple[float, float, float]]:
    """Milliseconds of running `length` tokens, of writing them, of reading them back."""
    ids = random.Random(length).choices(range(10, model.tokenizer.vocabulary_size), k=length)
    session, spilled = model.new_session(), SpilledSessions(folder, model.new_session)
    for _ in range(rounds):
        session.rewind(0)
        run = milliseconds(lambda: session.prefill(ids))
        yield run, milliseconds(lambda: spilled.keep(session)), milliseconds(lambda: spilled.take(0))
    assert spilled.spills.read_back == rounds, spilled.spills


def measure(name: str, model: LoadedModel, folder: Path, rounds: int) -> None:
    """One line a length, behind every round of it."""
    for length in LENGTHS:
        found = []
        for run, write, read in rounds_of(model, folder, length, rounds):
            print(f"  run again {run:8.1f} ms, write {write:7.1f} ms, read back {read:7.1f} ms", flush=True)
            found.append((run, write, read))
        run, write, read = (statistics.median(each) for each in zip(*found, strict=True))
        print(
            f"{name}, {length} tokens: run again {run:.1f} ms, write {write:.1f} ms, read back {read:.1f} ms: "
            f"{run / read:.0f}x",
            flush=True,
        )


def main() -> None:
    """Measure both shapes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="on the disk to measure")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as place:
        folder = Path(place)
        bundled = load_model(BUNDLED, "cpu", arguments.threads)
        measure("bundled model, int8 cache", bundled, folder, arguments.rounds)
        write_tiny_model(folder / "gpt2", GPT2)
        measure(
            "GPT-2's size, float32 cache",
            load_model(folder / "gpt2", "cpu", arguments.threads),
            folder,
            arguments.rounds,
        )


if __name__ == "__main__":
    main()
