"""How many times as fast a draft model makes a large one: every length of guess against none, the same tokens checked.

    python -m tests.bench.draft_gain MODEL DRAFT [--new-tokens 48] [--threads 1]

For: the log of what was measured. Knows: the loop, two model folders. Must not know: how guesses are made.

Per line and seed, at temperature 0 and 0.8: milliseconds a token without guesses, then with 2, 4 and 8 tokens ahead.
With one thread the clock is the process's own, which other programs hardly disturb. `nextstroke bench --draft` asks the
same question for one setting.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.contracts.generation import GenerationRequest, Token
from engine.contracts.sampling_settings import SamplingSettings
from engine.draft import DraftModel
from engine.draft_trial import LENGTHS, LINES
from engine.generate import generate
from engine.loaded_model import LoadedModel, load_model

TEMPERATURES, SEEDS = (0.0, 0.8), (1, 2, 3)

Answer = list[tuple[int, float]]  # tokens and their logarithms


def timed(model: LoadedModel, line: str, sampling: SamplingSettings, count: int, draft: int) -> tuple[float, Answer]:
    """Seconds from the first token to the last, and what was written."""
    clock = time.process_time if model.threads == 1 else time.perf_counter
    request = GenerationRequest("gain", line, max_tokens=count, ignore_end_of_text=True, draft=draft, sampling=sampling)
    answer: Answer = []
    began = clock()
    for event in generate(model, model.new_session(), request):
        if isinstance(event, Token):
            began = began if answer else clock()
            answer.append((event.id, event.logprob))
    return clock() - began, answer


def gains(model: LoadedModel, temperature: float, count: int) -> dict[int, list[float]]:
    """By length: times as fast, for every line and seed. Raises `SystemExit` where guesses changed anything."""
    found: dict[int, list[float]] = {length: [] for length in LENGTHS}
    for seed in SEEDS:
        for line in LINES:
            sampling = SamplingSettings(seed=seed, temperature=temperature)
            plain, wanted = timed(model, line, sampling, count, 0)
            for length in LENGTHS:
                seconds, answer = timed(model, line, sampling, count, length)
                if answer != wanted:
                    raise SystemExit(f"{length} tokens ahead changed the text of {line!r}, seed {seed}")
                found[length].append(plain / seconds)
            figures = "  ".join(f"{length} ahead {found[length][-1]:.2f}x" for length in LENGTHS)
            print(f"temperature {temperature}, seed {seed}: {1000 * plain / (count - 1):.2f} ms a token, {figures}")
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print every round and the medians."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.draft_gain", description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("draft", type=Path)
    parser.add_argument("--new-tokens", type=int, default=48)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(arguments)
    large, small = (load_model(folder, "cpu", given.threads) for folder in (given.model, given.draft))
    model = replace(large, draft=DraftModel(small.manifest.id, small.graph, small.context_length))
    timed(model, LINES[0], SamplingSettings(), given.new_tokens, LENGTHS[-1])  # warms up
    for temperature in TEMPERATURES:
        found = gains(model, temperature, given.new_tokens)
        medians = ", ".join(f"{length} ahead {statistics.median(values):.2f}x" for length, values in found.items())
        print(f"temperature {temperature}: medians {medians}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
