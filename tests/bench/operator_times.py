"""Where the time of a model folder goes: ONNX Runtime's own profile of prefill, single steps and steps of a batch.

    python tests/bench/operator_times.py FOLDER [--past 512] [--rows 4] [--runs 50] [--threads 2]

For: the log, which says why a goal is missed. Knows the engine's sessions and ONNX Runtime's profile file. What stands
beside the operators is the rest of a run: ONNX Runtime's bookkeeping, and Python's part of binding and calling.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import onnxruntime

from engine.loaded_model import LoadedModel, load_model

SHOWN = 8


@dataclass(frozen=True)
class Work:
    """What was on the clock: it was the last that the graph did. A prefill is one piece of work in several runs."""

    pieces: int
    graph_runs: int
    seconds: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Profile each kind of run in a model loaded for it, and print what its operators took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--past", type=int, default=512)
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    past, rows, runs = options.past, options.rows, options.runs
    ids = random.Random(1).choices(range(1, 256), k=past)

    def prefill(model: LoadedModel) -> Work:
        session, began = model.new_session(), time.perf_counter()
        chunks = sum(1 for _ in session.prefill_chunks(ids))
        return Work(1, chunks, time.perf_counter() - began)

    def steps(model: LoadedModel) -> Work:
        session = model.new_session()
        session.prefill(ids)
        began = time.perf_counter()
        for _ in range(runs):
            session.step(7)
        return Work(runs, runs, time.perf_counter() - began)

    def batch(model: LoadedModel) -> Work:
        session = model.new_session()
        session.prefill(ids)
        several = session.new_batch(rows)
        began = time.perf_counter()
        for index in range(runs):
            several.step([(past + index, 7)] * rows)
        return Work(runs, runs, time.perf_counter() - began)

    kinds: dict[str, Callable[[LoadedModel], Work]] = {
        f"prefill of {past}": prefill,
        f"a step at {past}": steps,
        f"a step of {rows} rows at {past}": batch,
    }
    load_model(options.folder, "cpu", options.threads)  # its self-check is remembered now and stays out of the profile
    for words, work in kinds.items():
        show(words, *profiled(options.folder, options.threads, work))


def profiled(folder: Path, threads: int, do: Callable[[LoadedModel], Work]) -> tuple[Work, Counter[str]]:
    """What was done, and the microseconds of it by operator."""
    plain = onnxruntime.SessionOptions
    with tempfile.TemporaryDirectory() as place:

        class Profiling(plain):  # type: ignore[misc, valid-type]
            """Session options as the engine makes them, with the profile switched on."""

            def __init__(self) -> None:
                super().__init__()
                self.enable_profiling = True
                self.profile_file_prefix = str(Path(place) / "run")

        onnxruntime.SessionOptions = Profiling
        try:
            model = load_model(folder, "cpu", threads)
        finally:
            onnxruntime.SessionOptions = plain
        work = do(model)
        session: Any = model.graph.session
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return work, operator_microseconds(events, work.graph_runs)


def operator_microseconds(events: Sequence[dict[str, Any]], runs: int) -> Counter[str]:
    """Of the last `runs` runs in a profile."""
    starts = sorted(event["ts"] for event in events if event["name"] == "model_run")
    found: Counter[str] = Counter()
    for event in events:
        if event.get("cat") == "Node" and event["name"].endswith("_kernel_time") and event["ts"] >= starts[-runs]:
            found[event["args"]["op_name"]] += event["dur"]
    return found


def show(words: str, work: Work, operators: Counter[str]) -> None:
    """Milliseconds of one piece of work, and the operators' shares of it."""
    whole = 1000 * work.seconds / work.pieces
    each = {name: microseconds / 1000 / work.pieces for name, microseconds in operators.most_common()}
    print(f"{words}: {whole:.2f} ms, {sum(each.values()):.2f} in operators")
    for name, milliseconds in list(each.items())[:SHOWN]:
        print(f"  {name:28} {milliseconds:8.3f} ms  {milliseconds / whole:5.0%}")


if __name__ == "__main__":
    main()
