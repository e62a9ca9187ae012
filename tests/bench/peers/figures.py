"""What a race found, as a JSON file, and the two ways to sum it up: medians, and ratios of each round with itself.

For: the command, which writes it, and the tables, which are made from nothing else. Knows the layout; must not know
who should win.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench.peers.contestants import Conversion
from tests.bench.peers.race import Outcome, Plan, Round
from tests.bench.peers.shapes import Shape

FORMAT, VERSION = "nextstroke-bench-peers", 1


@dataclass(frozen=True)
class Report:
    """One race over one shape. `left_out`: who did not take part, and why. `ours`: the names of our own folders."""

    shape: Shape
    plan: Plan
    machine: Mapping[str, Any]
    date: str
    ours: tuple[str, ...]
    left_out: Mapping[str, str]
    outcome: Outcome
    conversion: Conversion | None = None

    @property
    def names(self) -> list[str]:
        """All contestants, in their order."""
        return list(self.outcome.facts)

    def median(self, figure: str, name: str) -> float:
        """Of all rounds."""
        return statistics.median(self.values(figure, name))

    def ratio(self, figure: str, name: str, other_figure: str, other: str) -> float:
        """The median over the rounds of one figure over another of the same round."""
        pairs = zip(self.values(figure, name), self.values(other_figure, other), strict=True)
        return statistics.median(one / two for one, two in pairs)

    def values(self, figure: str, name: str) -> list[float]:
        """One a round."""
        return [found.figures[figure][name] for found in self.outcome.rounds]

    def memory_limit(self, past: int, name: str) -> float:
        """Tokens per second if one of ours did nothing but read its weights and its cache; the median of the rounds."""
        facts = self.outcome.facts[name]
        positions = past + self.plan.new_tokens / 2
        read = float(facts["weight_bytes"]) + positions * float(facts["cache_bytes_per_position"])  # type: ignore[arg-type]
        return statistics.median(found.bandwidth for found in self.outcome.rounds) / read

    def share_of_limit(self, past: int, name: str) -> float:
        """What decoding reaches of `memory_limit`, 1 = all of it; the median of the rounds, each with its bandwidth."""
        limit, middle = self.memory_limit(past, name), statistics.median(r.bandwidth for r in self.outcome.rounds)
        speeds = zip(self.values(f"decode {past}", name), self.outcome.rounds, strict=True)
        return statistics.median(speed / (limit * found.bandwidth / middle) for speed, found in speeds)

    def to_json(self) -> str:
        """The text of its file; figures of the rounds to five digits."""
        plain = {"format": FORMAT, "version": VERSION, **_rounded(asdict(self))}
        return json.dumps(plain, ensure_ascii=False, indent=1) + "\n"


def read_report(text: str) -> Report:
    """The report of `to_json`. Raises `ValueError` on another text."""
    plain = json.loads(text)
    if plain.pop("format", None) != FORMAT or plain.pop("version", None) != VERSION:
        raise ValueError("this file holds no figures of this benchmark; run it again")
    outcome = plain.pop("outcome")
    conversion = plain.pop("conversion")
    plan = plain.pop("plan")
    return Report(
        **{**plain, "ours": tuple(plain["ours"]), "shape": Shape(**plain["shape"])},
        plan=Plan(**{**plan, "pasts": tuple(plan["pasts"])}),
        outcome=Outcome(**{**outcome, "rounds": [Round(**found) for found in outcome["rounds"]]}),
        conversion=Conversion(**conversion) if conversion else None,
    )


def this_machine() -> dict[str, Any]:
    """What a reader must know of it."""
    return {"processor": _processor(), "cores": os.cpu_count(), "system": platform.system()}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, Mapping):
        return {key: _rounded(entry) for key, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_rounded(entry) for entry in value]
    return value
