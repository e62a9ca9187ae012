"""What fine-tuning changed: held-out bits per byte before and after, of the style and of general text.

For: `nextstroke finetune` and its finetune.json.
Knows: two evaluations' plain values and how they are laid side by side. Must not know: torch, texts, training.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def compare(
    before: Mapping[str, Any], after: Mapping[str, Any], own: str, table: Mapping[str, Any], tokens: int, seconds: float
) -> dict[str, Any]:
    """The content of finetune.json; `before` and `after` are evaluations, `own` the style's group in them."""
    groups = {
        name: {
            "bytes": part["bytes"],
            "before": before["groups"][name]["bits_per_byte"],
            "after": part["bits_per_byte"],
        }
        for name, part in after["groups"].items()
        if name in before["groups"]
    }
    return {
        "finetuning": dict(table),
        "tokens": tokens,
        "seconds": round(seconds, 1),
        "style": own,
        "bits_per_byte": groups,
    }


def rows(report: Mapping[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """Name, bytes, before, after and change of each group, the style first, as a person reads them."""
    groups = report["bits_per_byte"]
    ordered = sorted(groups, key=lambda name: name != report["style"])
    return [
        (
            name,
            f"{groups[name]['bytes']:,}",
            f"{groups[name]['before']:.3f}",
            f"{groups[name]['after']:.3f}",
            f"{change(groups[name]):+.1%}",
        )
        for name in ordered
    ]


def change(part: Mapping[str, float]) -> float:
    """Relative change of bits per byte."""
    return part["after"] / part["before"] - 1 if part["before"] else math.nan


def table_lines(report: Mapping[str, Any]) -> list[str]:
    """The table for a terminal, and a word where the style was not learned."""
    head = ("held-out text", "bytes", "before", "after", "change")
    lines = [f"{name:34} {size:>10} {one:>8} {two:>8} {by:>8}" for name, size, one, two, by in (head, *rows(report))]
    own = report["bits_per_byte"][report["style"]]
    if own["after"] >= own["before"]:
        lines.append("the held-out part of the texts got no better: give more text, fewer --tokens or a lower --rate")
    return lines
