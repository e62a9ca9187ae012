"""Prompts through the decoder and through the folder's own graph for them, alternately in one process.

    python tests/bench/prompt_graph.py FOLDER [--tokens 512] [--rounds 5] [--threads 1]

Prints tokens a second of processor time and of the clock, every round, then the ratios of the medians. Processor time
of one thread is what a busy machine can still measure. Knows the engine's public face; must not decide anything.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

from engine.bench import random_ids
from engine.loaded_model import LoadedModel, load_model, with_prompt_graph

NAMES = ("decoder", "own graph")
CLOCKS = ("processor", "clock")


def main(words: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Prompts through the decoder and through their own graph.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args(words)
    loaded = load_model(arguments.folder, "cpu", arguments.threads)
    own = with_prompt_graph(loaded)
    if own is None:
        parser.error(f"{arguments.folder} has no graph of its own for prompts; export it again")
    decoder = replace(loaded, plan=replace(loaded.plan, prompt_graph=False), prompt_graph=None)
    print(f"chosen on this machine: {NAMES[loaded.plan.prompt_graph]}; tokens a second, {' / '.join(CLOCKS)}")
    rounds = [_round((decoder, own), arguments.tokens, number) for number in range(arguments.rounds + 1)][1:]
    for clock, name in enumerate(CLOCKS):
        before, after = (statistics.median(found[model][clock] for found in rounds) for model in range(len(NAMES)))
        print(f"{name}: median {before:,.0f} and {after:,.0f}, {after / before:.2f}x")


def _round(models: tuple[LoadedModel, ...], tokens: int, number: int) -> list[tuple[float, float]]:
    found = [_tokens_a_second(model, tokens, number) for model in models]
    if number > 0:  # the first warms up
        figures = (f"{name} {cpu:,.0f} / {wall:,.0f}" for name, (cpu, wall) in zip(NAMES, found, strict=True))
        print(f"{number}: {', '.join(figures)}", flush=True)
    return found


def _tokens_a_second(model: LoadedModel, tokens: int, seed: int) -> tuple[float, float]:
    session, ids = model.new_session(), random_ids(model, tokens, seed)
    cpu, wall = time.process_time(), time.perf_counter()
    session.prefill(ids)
    return tokens / (time.process_time() - cpu), tokens / (time.perf_counter() - wall)


if __name__ == "__main__":
    main(sys.argv[1:])
