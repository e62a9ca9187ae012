"""How fast a run is: tokens and FLOPs a second, and the share of what its device could do.

For: the log of a run. Knows: seconds of steps and `compute`'s count of FLOPs. Must not know: torch, what a step does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from export.model.recurrent_config import AnyConfig
from export.training.compute import flops_per_token


@dataclass(frozen=True)
class Speed:
    """Of the steps since the last reading; evaluations, samples and checkpoints between them do not count."""

    tokens_per_second: float
    flops_per_second: float
    share_of_peak: float | None  # "model FLOPs utilization" (Chowdhery et al. 2022); None where the peak is unknown

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the log, rounded to what a clock can tell."""
        return {
            "tokens_per_second": round(self.tokens_per_second, 1),
            "flops_per_second": float(f"{self.flops_per_second:.4g}"),
            "share_of_peak": None if self.share_of_peak is None else round(self.share_of_peak, 4),
        }

    def words(self) -> str:
        """The same for a person."""
        share = "" if self.share_of_peak is None else f" ({self.share_of_peak:.0%} of peak)"
        return f"{self.tokens_per_second:,.0f}/s, {self.flops_per_second / 1e9:,.1f} GFLOP/s{share}"


class Meter:
    """Adds up steps until it is read."""

    def __init__(self, config: AnyConfig, peak: float | None) -> None:
        self._config, self._peak = config, peak
        self._clear()

    def add(self, tokens: int, length: int, seconds: float) -> None:
        """One step of `tokens` in windows of `length`."""
        self._tokens += tokens
        self._flops += tokens * flops_per_token(self._config, length)
        self._seconds += seconds

    def read(self) -> Speed:
        """What was added since the last reading."""
        seconds = max(self._seconds, 1e-9)
        flops = self._flops / seconds
        speed = Speed(self._tokens / seconds, flops, flops / self._peak if self._peak else None)
        self._clear()
        return speed

    def _clear(self) -> None:
        self._tokens, self._flops, self._seconds = 0, 0, 0.0
