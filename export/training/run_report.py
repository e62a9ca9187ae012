"""What a run tells: lines in RUN/log.jsonl, lines for a person, RUN/curve.svg.

For: the trainer, which says what happened. Knows: which figures belong to an event and how they are worded.
Must not know: how a step, an evaluation or a sample is made.

In a team of processes only the leading one tells anything.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from export.training.checkpoint import Progress
from export.training.curves import Curve, Panel, draw_panels, smoothed
from export.training.device import Peak, peak_memory_bytes
from export.training.files import write_atomically
from export.training.precision import Precision
from export.training.recipe import Recipe
from export.training.run_log import RunLog, read_log
from export.training.throughput import Meter

_SMOOTH_SHARE = 50  # the loss is smoothed over this part of the lines


class RunReport:
    """One run's voice from `start` to `end`; `progress` is where the run stands when it begins or goes on."""

    def __init__(
        self, folder: Path, recipe: Recipe, progress: Progress, device: torch.device, peak: Peak, leads: bool = True
    ) -> None:
        self._folder, self._recipe, self._device, self._peak, self._leads = folder, recipe, device, peak, leads
        self._log = RunLog(folder / "log.jsonl", progress.step, silent=not leads)
        self._first, self._started = progress, time.monotonic()
        self.meter = Meter(recipe.model, peak.flops_per_second)

    def start(self, precision: Precision) -> None:
        """The run begins or goes on."""
        model, tokens = self._recipe.model, self._recipe.training.tokens
        self._log.write(
            "start",
            step=self._first.step,
            parameters=model.parameters,
            device=str(self._device),
            precision=precision.to_dict(),
            peak_flops_per_second=self._peak.flops_per_second,
            peak_source=self._peak.source,
            derived=self._recipe.derived_values(),
            recipe=self._recipe.source,
        )
        self._say(f"{model.parameters:,} parameters, {tokens:,} tokens, on {self._device} in {precision.name}")
        for name, value in self._recipe.derived_values().items():
            self._say(f"  from the depth: {name} = {value}")

    def step(self, progress: Progress, rate: float) -> None:
        """The steps since the last such line; `rate` is the learning rate's share of its peak."""
        loss, speed = progress.loss_sum / progress.loss_steps, self.meter.read()
        memory = peak_memory_bytes(self._device)
        self._log.write(
            "step",
            step=progress.step,
            tokens=progress.tokens,
            loss=loss,
            rate=round(rate, 5),
            **speed.to_dict(),
            peak_memory_bytes=memory,
            seconds=round(progress.seconds, 1),
        )
        spent = (time.monotonic() - self._started) / max(1, progress.tokens - self._first.tokens)
        minutes = max(0, self._recipe.training.tokens - progress.tokens) * spent / 60
        held = "" if memory is None else f" · {memory / 1e9:.1f} GB"
        where = f"step {progress.step} · {progress.tokens:,} tokens"
        self._say(f"{where} · loss {loss:.4f} · {speed.words()}{held} · {minutes:.0f} min left")

    def evaluation(self, progress: Progress, report: Mapping[str, Any]) -> None:
        """Bits per byte on held-out text, part of it, while training."""
        bits = {
            kind: {name: round(part["bits_per_byte"], 4) for name, part in report[kind].items()}
            for kind in ("groups", "languages")
        }
        self._log.write(
            "evaluation",
            step=progress.step,
            tokens=progress.tokens,
            bits_per_byte=bits["groups"],
            languages=bits["languages"],
        )
        everywhere = {**bits["groups"], **{f"all {name}": value for name, value in bits["languages"].items()}}
        self._say("bits per byte: " + "  ".join(f"{name} {value:.3f}" for name, value in everywhere.items()))
        self.draw()

    def samples(self, progress: Progress, made: Sequence[Mapping[str, Any]]) -> None:
        """Texts that the model wrote."""
        self._log.write("samples", step=progress.step, tokens=progress.tokens, samples=made)
        for item in made:
            self._say(f"sample: {item['prompt']}|{item['continuation']}")

    def end(self, progress: Progress, report: Mapping[str, Any]) -> None:
        """The run is finished; `report` is of all held-out text."""
        for name, part in report["groups"].items():
            self._say(f"{name:34} {part['bits_per_byte']:.4f} bits per byte")
        self._log.write("end", step=progress.step, tokens=progress.tokens)
        self.draw()
        self._say("finished")

    def draw(self) -> None:
        """Write curve.svg anew from the log."""
        if self._leads:
            picture = draw_panels(panels(read_log(self._log.path)), "tokens")
            write_atomically(self._folder / "curve.svg", picture.encode())

    def _say(self, text: str) -> None:
        if self._leads:
            say(text)


def panels(lines: Sequence[Mapping[str, Any]]) -> list[Panel]:
    """The pictures of a log: training loss, held-out bits per byte by group, and by language."""
    steps = [line for line in lines if line["event"] == "step"]
    loss = [(line["tokens"], line["loss"]) for line in steps]
    smooth = smoothed(loss, len(loss) / _SMOOTH_SHARE)
    evaluations = [line for line in lines if line["event"] == "evaluation"]

    def curves(key: str) -> list[Curve]:
        names = dict.fromkeys(name for line in evaluations for name in line.get(key, {}))
        return [
            Curve(name, [(line["tokens"], line[key][name]) for line in evaluations if name in line.get(key, {})])
            for name in names
        ]

    return [
        Panel(
            "training loss, nats per token",
            [Curve("each line of the log", loss, pale=True), Curve("smoothed", smooth, wide=True)],
        ),
        Panel("held-out bits per byte, by group", curves("bits_per_byte")),
        Panel("held-out bits per byte, by language", curves("languages")),
    ]


def say(text: str) -> None:
    """One line for a person."""
    print(text, file=sys.stderr, flush=True)
