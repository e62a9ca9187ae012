"""`nextstroke bench`: how fast a model folder is on this computer.

Knows flags, JSON keys and tables; must not know how anything is measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from engine.commands.inputs import add_draft_argument, open_model
from engine.contracts.command_line import positive_int

if TYPE_CHECKING:
    from engine.bench import Round
    from engine.loaded_model import LoadedModel

PROMPT_TOKENS, NEW_TOKENS, ROUNDS = 512, 64, 5  # the defaults, cut down to the model's context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags of cli.md."""
    parser.add_argument("folder", nargs="?", metavar="FOLDER", help="model folder or name (default: the bundled one)")
    parser.add_argument("--prompt-tokens", type=positive_int, metavar="N", help=f"default {PROMPT_TOKENS}")
    parser.add_argument("--new-tokens", type=positive_int, metavar="N", help=f"default {NEW_TOKENS}")
    parser.add_argument("--rounds", type=positive_int, default=ROUNDS, metavar="N", help=f"default {ROUNDS}")
    add_draft_argument(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Measure and print: rounds as they come to standard error, the medians to standard output."""
    model = open_model(arguments, arguments.folder)
    new_tokens = arguments.new_tokens or min(NEW_TOKENS, model.context_length // 4)
    prompt_tokens = arguments.prompt_tokens or min(PROMPT_TOKENS, model.context_length - new_tokens)
    from engine.bench import measure

    rounds: list[dict[str, float]] = []

    def on_round(number: int, found: Round) -> None:
        rounds.append(asdict(found))
        figures = "  ".join(f"{name} {value:.1f}" for name, value in rounds[-1].items())
        print(f"round {number}: {figures}", file=sys.stderr)

    median = measure(model, prompt_tokens, new_tokens, arguments.rounds, on_round)
    answer = asdict(median) | facts(model, prompt_tokens, new_tokens)
    if model.draft is not None:
        answer |= draft_facts(model, model.draft.name)
    if arguments.json:
        print(json.dumps(answer | {"rounds": rounds}, ensure_ascii=False))
        return 0
    for name, value in answer.items():
        print(f"{name}: {value:,.1f}" if isinstance(value, float) else f"{name}: {value}")
    return 0


def draft_facts(model: LoadedModel, name: str) -> dict[str, Any]:
    """The draft model tried anew, every round to standard error; what stands above was measured as it is used."""
    if not model.plan.ahead:
        return {"draft_model": name, "draft_gain": None, "draft_tokens": 0}
    from engine.draft_trial import measure

    def on_round(number: int, gains: Mapping[int, float]) -> None:
        figures = "  ".join(f"{length} ahead: {gain:.2f}" for length, gain in gains.items())
        print(f"draft round {number}: times as fast with {figures}", file=sys.stderr)

    trial = measure(model, on_round)
    return {"draft_model": name, "draft_gain": trial.gain, "draft_tokens": trial.longest if trial.is_faster else 0}


def facts(model: LoadedModel, prompt_tokens: int, new_tokens: int) -> dict[str, Any]:
    """What the figures were measured with."""
    from engine.bench import bytes_read_per_token, peak_memory_bytes

    return {
        "peak_memory_bytes": peak_memory_bytes(),
        "bytes_read_per_token": bytes_read_per_token(model.manifest, prompt_tokens + new_tokens / 2),
        "device": model.device.name,
        "kernel_class": model.device.kernel_class,
        "threads": model.threads,
        "device_trial": model.trial.words if model.trial else "none: one setting only, or named on the command line",
        "versions": dict(model.versions),
        "model": model.manifest.name,
        "prompt_tokens": prompt_tokens,
        "new_tokens": new_tokens,
    }
