"""Train, export and time both networks as a person would: the program's own commands, each in a process of its own.

For: `python -m export.comparison`.
Knows: the commands, and the files that a run leaves. Must not know: networks, drawing, words.

Timings alternate between the two networks in one go, and the best of the rounds counts: what disturbs a machine only
ever makes it slower. Everything else must come out the same in every round, or the comparison is refused.
"""

from __future__ import annotations

import itertools
import json
import math
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.contracts.errors import VerificationError
from export.training.recipe import load_recipe
from export.training.run_log import read_log
from export.training.train_command import find_recipe

NETWORKS = ("gpt", "lstm")
PROMPTS = ("我喜欢吃", "他喜欢吃", "她喜欢吃")
PROMPT_TOKENS, NEW_TOKENS, BENCH_ROUNDS = 176, 64, 3  # together inside the small context of the books' networks


def measure(work: Path, rounds: int) -> dict[str, Any]:
    """All figures by subject and network: {"article": {"gpt": …, "lstm": …}, "books": {…}, "machine": …}.

    Raises `VerificationError` when a command fails, and when two trainings of one recipe differ.
    """
    figures: dict[str, Any] = {subject: _train_both(work, subject, rounds) for subject in ("article", "books")}
    for network in NETWORKS:
        for subject in ("article", "books"):
            source, folder = run_folder(work, subject, network) / "final", work / f"{subject}-{network}"
            _run("export", "export", str(source), str(folder), "--precision", "fp32", "--force")
        greedy = ("--model", str(work / f"article-{network}"), "--temperature", "0", "--max-tokens", "3")
        completions = {prompt: _run("engine", "generate", prompt, *greedy).strip() for prompt in PROMPTS}
        figures["article"][network]["completions"] = completions
    return figures | {"machine": _time_engine(work, figures["books"], rounds)}


def _train_both(work: Path, subject: str, rounds: int) -> dict[str, Any]:
    found: dict[str, list[dict[str, Any]]] = {network: [] for network in NETWORKS}
    for number in range(rounds):
        for network in NETWORKS:
            _say(f"{subject}-{network}, round {number + 1} of {rounds}")
            found[network].append(_trained(f"{subject}-{network}", run_folder(work, subject, network, number)))
    return {network: _best(network, runs) for network, runs in found.items()}


def _time_engine(work: Path, figures: dict[str, Any], rounds: int) -> dict[str, Any]:
    """Write each network's speed beside its other figures; returns what they were measured with."""
    found: dict[str, list[dict[str, Any]]] = {network: [] for network in NETWORKS}
    for number in range(rounds):
        for network in NETWORKS:
            _say(f"engine, books-{network}, round {number + 1} of {rounds}")
            found[network].append(_benched(work / f"books-{network}"))
    for network in NETWORKS:
        keys = ("prefill_tokens_per_second", "decode_tokens_per_second")
        figures[network]["engine"] = {key: round(max(run[key] for run in found[network]), 1) for key in keys}
    machine = {key: found["gpt"][0][key] for key in ("device", "threads")}
    return machine | {"prompt_tokens": PROMPT_TOKENS, "new_tokens": NEW_TOKENS, "rounds": rounds}


def run_folder(work: Path, subject: str, network: str, number: int = 0) -> Path:
    """Where that round's run lies."""
    return work / "runs" / f"{subject}-{network}-{number}"


def read_run(folder: Path) -> dict[str, Any]:
    """Of a finished run: learning curves, final evaluation, samples, and the speed between evaluations."""
    lines = read_log(folder / "log.jsonl")
    steps = [line for line in lines if line["event"] == "step"]
    evaluations = [line for line in lines if line["event"] == "evaluation"]
    groups = list(evaluations[0]["bits_per_byte"]) if evaluations else []
    return {
        "training_loss": [[line["tokens"], line["loss"]] for line in steps],
        "heldout": {
            group: [[line["tokens"], line["bits_per_byte"][group]] for line in evaluations] for group in groups
        },
        "samples": [
            {"prompt": item["prompt"], "continuation": item["continuation"]}
            for item in json.loads((folder / "samples.json").read_text(encoding="utf-8"))
        ],
        "tokens_per_second": _speed(lines),
    }


def _speed(lines: list[dict[str, Any]]) -> float:
    """Tokens per second over the log's steps, leaving out those in which something else was done as well."""
    tokens = seconds = 0.0
    for before, after in itertools.pairwise(lines):
        if before["event"] == after["event"] == "step":
            tokens += after["tokens"] - before["tokens"]
            seconds += after["seconds"] - before["seconds"]
    return round(tokens / max(seconds, 0.1), 1)


def _trained(recipe: str, folder: Path) -> dict[str, Any]:
    began = time.monotonic()
    _run("export", "train", recipe, "--output", str(folder))
    seconds = round(time.monotonic() - began, 1)
    config = load_recipe(find_recipe(recipe)).model
    buffers, heads, size = config.cache_rows
    return read_run(folder) | {
        "recipe": recipe,
        "seconds": seconds,
        "parameters": config.parameters,
        "parts": _parts(config.tensor_shapes()),
        "kept_per_token": 2 * buffers * heads * size,  # each buffer is one of keys and one of values
    }


def _parts(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    """Parameters in the embeddings, in the head, and in what lies between."""
    counts = dict.fromkeys(("embedding", "inside", "head"), 0)
    for name, shape in shapes.items():
        part = "embedding" if "embedding" in name else "head" if name.startswith("head") else "inside"
        counts[part] += math.prod(shape)
    return counts


def _best(network: str, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    timings = ("seconds", "tokens_per_second")
    first, *others = ({key: value for key, value in found.items() if key not in timings} for found in rounds)
    if any(other != first for other in others):
        raise VerificationError(
            f"two trainings of {first['recipe']} came out differently, so the {network} curves mean nothing; "
            "run the comparison again, and report this if it stays so"
        )
    return first | {
        "seconds": min(found["seconds"] for found in rounds),
        "tokens_per_second": max(found["tokens_per_second"] for found in rounds),
    }


def _benched(folder: Path) -> dict[str, Any]:
    lengths = ("--prompt-tokens", str(PROMPT_TOKENS), "--new-tokens", str(NEW_TOKENS), "--rounds", str(BENCH_ROUNDS))
    found: dict[str, Any] = json.loads(_run("engine", "bench", str(folder), *lengths, "--json"))
    return found


def _run(side: str, *arguments: str) -> str:
    """Standard output of `python -m SIDE …`; raises with the command's own last line where it fails."""
    done = subprocess.run([sys.executable, "-m", side, *arguments], capture_output=True, text=True, encoding="utf-8")
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1].removeprefix("error: ")
        raise VerificationError(f"{' '.join(arguments[:2])} failed, so there is nothing to compare: {last}")
    return done.stdout


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
