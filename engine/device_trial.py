"""Which device and how many threads answer fastest with one model on this machine: the trial and its outcome.

For: loading a model where nobody named a number of threads. Knows: settings, clocks. Must not know: ONNX Runtime,
folders, or what an answer computes: whoever asks says how a setting is opened.

    for each setting:   one short answer unmeasured | up to three on the clock, the fastest counts
    chosen:             the first setting, unless another is faster by more than noise

Settings run one after the other, never in turn: the threads of one still spin for a while after an answer and would
take the other's cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.contracts.errors import NextstrokeError

ROUNDS = 3
AGREEING = 2  # trials in a row that must choose the same before it is kept for good
WORTH = 1.1  # times as fast as the first setting; below, noise decides
_ENOUGH_SECONDS = 0.5  # for all settings: a large model gets fewer rounds, never fewer than one
_MILLISECONDS = 1000
_CPU = "cpu"

Answer = Callable[[], object]


@dataclass(frozen=True)
class Setting:
    """Where a model may run: "cpu" or "cuda", and on how many threads."""

    device: str
    threads: int

    @property
    def words(self) -> str:
        """For a person."""
        if self.device != _CPU:
            return "graphics card"
        return "1 thread" if self.threads == 1 else f"{self.threads} threads"


@dataclass(frozen=True)
class DeviceTrial:
    """The settings that could be opened, in the order tried, how long a short answer took, the chosen one's place."""

    settings: tuple[Setting, ...]
    milliseconds: tuple[float, ...]
    chosen: int
    agreed: int = 1  # trials in a row that chose the same

    @property
    def choice(self) -> Setting:
        """The setting to use."""
        return self.settings[self.chosen]

    @property
    def is_settled(self) -> bool:
        """Whether no further trial is needed."""
        return self.agreed >= AGREEING

    def after(self, earlier: DeviceTrial | None) -> DeviceTrial:
        """The same as the one that followed `earlier`."""
        if earlier is None or (earlier.settings, earlier.choice) != (self.settings, self.choice):
            return self
        return replace(self, agreed=earlier.agreed + 1)

    @property
    def words(self) -> str:
        """What was measured and chosen, in one line."""
        pairs = zip(self.settings, self.milliseconds, strict=True)
        measured = ", ".join(f"{setting.words} {time:.1f} ms" for setting, time in pairs)
        return f"a short answer takes: {measured}; used: {self.choice.words}"

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        rows = [
            {"device": setting.device, "threads": setting.threads, "milliseconds": time}
            for setting, time in zip(self.settings, self.milliseconds, strict=True)
        ]
        return {"tried": rows, "chosen": self.chosen, "agreed": self.agreed}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> DeviceTrial:
        """The trial of such data. Raises `ValueError`, `KeyError` or `TypeError` where it is none."""
        rows, chosen = list(plain["tried"]), int(plain["chosen"])
        if not 0 <= chosen < len(rows):
            raise ValueError(f"{chosen} is none of {len(rows)} settings")
        settings = tuple(Setting(str(row["device"]), int(row["threads"])) for row in rows)
        return cls(settings, tuple(float(row["milliseconds"]) for row in rows), chosen, int(plain["agreed"]))


def thread_counts(most: int) -> tuple[int, ...]:
    """Numbers of threads worth a trial, `most` first: those of a small model may wait longer than they work."""
    return tuple(dict.fromkeys((most, max(most // 2, 1), 1)))


def try_settings(
    settings: Sequence[Setting],
    open_setting: Callable[[Setting], Answer],
    clock: Callable[[], float] = time.perf_counter,
) -> DeviceTrial:
    """Let every setting answer, and choose; one that cannot be opened or run is left out, but for the first.

    Raises what opening the first one raises.
    """
    found: dict[Setting, float] = {}
    for setting in settings:
        try:
            found[setting] = _fastest(open_setting(setting), _ENOUGH_SECONDS / len(settings), clock)
        except NextstrokeError:
            if setting == settings[0]:
                raise
    times = tuple(found.values())
    best = min(range(len(times)), key=times.__getitem__)
    milliseconds = tuple(_MILLISECONDS * time for time in times)
    return DeviceTrial(tuple(found), milliseconds, best if WORTH * times[best] < times[0] else 0)


def _fastest(answer: Answer, enough: float, clock: Callable[[], float]) -> float:
    """Seconds of the fastest answer."""
    began, fastest = clock(), float("inf")
    answer()
    for _ in range(ROUNDS):
        start = clock()
        answer()
        end = clock()
        fastest = min(fastest, end - start)
        if end - began > enough:
            break
    return fastest
