"""What exactness costs: one model run as kernels without need of care allow, with company, and in canonical chunks.

    python -m tests.bench.exactness_cost [--model FOLDER]... [--rounds 5]

For: the log of what was measured. Knows: sessions and plans. Must not know: sampling, requests.

    free        no care: what a machine pays whose kernels are exact, or that does not mind
    company     a token that would run alone takes the one before it along ("two-row runs")
    canonical   prompts run in chunks of 64 that begin at its multiples, and only whole ones are reused

Per round, alternately: tokens a second of a prefill of 500 random tokens, of 64 single steps behind it, and the
milliseconds to the logits after the last word of that prompt is replaced. Ratios are of medians to `free`; a star marks
the plan that the self-check has chosen on this machine. With `--threads 1` the clock is the process's own, which other
programs hardly disturb. Guesses and batches are not part of this: where a plan forbids them, their gain is lost.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.bench import random_ids
from engine.loaded_model import LoadedModel, load_model
from engine.session import RunPlan, Session

ROOT = Path(__file__).resolve().parents[2]
PLANS = {"free": RunPlan(), "company": RunPlan(avoids_lone_rows=True), "canonical": RunPlan(is_canonical=True)}
FIGURES = ("prefill, tokens/s", "decode, tokens/s", "after an edit, ms")
PROMPT, STEPS = 500, 64

Figures = tuple[float, float, float]


def measured(session: Session, ids: Sequence[int], steps: int, clock: Callable[[], float]) -> Figures:
    """One round of one plan."""
    session.rewind(0)
    began = clock()
    session.prefill(ids)
    read = clock()
    for token in ids[:steps]:
        session.step(token)
    stepped = clock()
    edited = [*ids[:-2], ids[0], ids[1]]
    session.prefill(edited[session.align(edited) :])
    return len(ids) / (read - began), steps / (stepped - read), 1000 * (clock() - stepped)


def chosen(plan: RunPlan) -> str:
    """The name of a measured plan here."""
    return "canonical" if plan.is_canonical else "company" if plan.avoids_lone_rows else "free"


def rounds_of(model: LoadedModel, prompt: int, steps: int, rounds: int) -> dict[str, list[Figures]]:
    """Rounds of every plan in turn, each round in an order of its own; the first, which warms up, is left out."""
    sessions = {
        name: Session(model.graph, model.graph.new_cache(model.context_length), plan) for name, plan in PLANS.items()
    }
    found: dict[str, list[Figures]] = {name: [] for name in PLANS}
    dice = random.Random(1)
    clock = time.process_time if model.threads == 1 else time.perf_counter
    for number in range(rounds + 1):
        ids = random_ids(model, prompt, seed=number)
        for name in dice.sample(sorted(PLANS), len(PLANS)):
            figures = measured(sessions[name], ids, steps, clock)
            if number:
                found[name].append(figures)
                said = "  ".join(f"{what} {value:.1f}" for what, value in zip(FIGURES, figures, strict=True))
                print(f"round {number}, {name}: {said}", file=sys.stderr)
    return found


def table_lines(name: str, plan: RunPlan, found: dict[str, list[Figures]]) -> list[str]:
    """Medians and, in brackets, how many times as fast as `free` (for milliseconds: how many times as soon)."""
    medians = {one: [statistics.median(column) for column in zip(*rows, strict=True)] for one, rows in found.items()}
    lines = []
    for one, values in medians.items():
        ratios = [value / free for value, free in zip(values, medians["free"], strict=True)]
        ratios[2] = 1 / ratios[2]
        cells = " | ".join(f"{value:,.1f} ({ratio:.2f}x)" for value, ratio in zip(values, ratios, strict=True))
        lines.append(f"| {name} | {one}{' *' if one == chosen(plan) else ''} | {cells} |")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Print every round and the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.exactness_cost", description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, action="append", help="a model folder; may be given again")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int)
    given = parser.parse_args(arguments)
    lines = [f"| model | plan | {' | '.join(FIGURES)} |", "| --- | --- | ---: | ---: | ---: |"]
    for folder in given.model or [ROOT / "resources" / "models" / "tiny-zh-en"]:
        model = load_model(folder, "cpu", given.threads)
        steps = min(STEPS, model.context_length // 4)
        prompt = min(PROMPT, model.context_length - steps - 1)
        lines += table_lines(model.manifest.id, model.plan, rounds_of(model, prompt, steps, given.rounds))
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
