"""The model card's section on tasks: every score beside its baselines, and samples as they came.

For: the writers of MODEL_CARD.md.
Knows: the report of `score.py`. Must not know: models, sacrebleu.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def tasks_section(report: Mapping[str, Any]) -> str:
    """Markdown. Raises `KeyError` or `TypeError` for a report that is none."""
    rows = [_row(name, entry) for name, entry in report["tasks"].items()]
    head = ["| task | held-out pairs | this model | baselines | beats them |", "|---|---:|---:|---|---|"]
    note = (
        f"chrF2 of greedy answers on held-out pairs, 0 to 100, higher is better (`{report['signature']}`). "
        "Copy: the source as it is. Dictionary: word for word, learnt from the same training pairs. First characters: "
        "as many as a target has on average. Ask for a task with `nextstroke generate --task NAME TEXT`."
    )
    samples = [_samples(name, entry) for name, entry in report["tasks"].items()]
    return "\n\n".join([note, "\n".join([*head, *rows]), "The first held-out pairs, unedited:", *samples])


def _row(name: str, entry: Mapping[str, Any]) -> str:
    scores = dict(entry["chrf"])
    ours = float(scores.pop("model"))
    others = ", ".join(f"{who} {value:.1f}" for who, value in scores.items())
    beaten = "yes" if all(ours > value for value in scores.values()) else "**no**"
    return f"| `{name}` | {entry['pairs']} | {ours:.1f} | {others} | {beaten} |"


def _samples(name: str, entry: Mapping[str, Any]) -> str:
    head = [f"`{name}`", "", "| source | what people wrote | the model's answer |", "|---|---|---|"]
    rows = [(sample["source"], sample["target"], sample["answer"]) for sample in entry["samples"]]
    return "\n".join([*head, *(f"| {' | '.join(_cell(text) for text in row)} |" for row in rows)])


def _cell(text: str) -> str:
    # One line, and the text's own characters, never their Markdown or HTML meaning.
    line = " ".join(text.split())
    return "".join(f"\\{character}" if character in "\\`*_<>[]#|&" else character for character in line)
