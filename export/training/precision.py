"""Which number format a run multiplies in: float32, or bfloat16 with float32 weights ("mixed precision").

For: the trainer.
Knows: what `training.autocast` may say, and how a processor is asked whether bfloat16 works and pays; of a network its
width. Must not know: data, optimizers, what a step is.

Weights, their gradients' sum and the optimizer's state are float32 in every format (Micikevicius et al. 2018); only
the products inside autocast are not. Some processors announce bfloat16 and die of it (illegal instruction), others
emulate it slowly. So a CPU is asked by a child process that multiplies in both formats: if it dies, it dies alone.
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

from engine.contracts.errors import RecipeError
from export.model.config import ModelConfig
from export.training.distributed import Team
from export.training.recipe import Recipe

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
WORTH = 1.3  # times float32's speed from which `auto` takes bfloat16 on a CPU
_PROBE_ROWS = 2048  # of the matrix a processor is asked to multiply: as many as microbatches usually have
NARROWEST = 96  # width below which a step is no faster however fast the products: 0.94x at 64, 1.5x at 128 (measured)
_CHILD_SECONDS = 60

_CHILD = """
import json, sys, time
try:
    import resource
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the death that may come is no news to a crash collector
except ImportError:
    pass
import torch
threads, rows, inner, outer = map(int, sys.argv[1:])
torch.set_num_threads(threads)
for name in ("float32", "bfloat16"):
    kind = getattr(torch, name)
    one, two = torch.ones(rows, inner, dtype=kind), torch.ones(inner, outer, dtype=kind)
    best = float("inf")
    for _ in range(8):
        start = time.perf_counter()
        one @ two
        best = min(best, time.perf_counter() - start)
    print(json.dumps([name, 2 * rows * inner * outer / best]), flush=True)
"""


@dataclass(frozen=True)
class Probe:
    """What the child measured, in FLOP/s; None where it did not live to tell."""

    float32: float | None
    bfloat16: float | None

    @property
    def gain(self) -> float:
        """How many times faster bfloat16 is; 0 where it does not work."""
        return self.bfloat16 / self.float32 if self.bfloat16 and self.float32 else 0.0


@functools.cache
def probe_cpu(threads: int, rows: int, inner: int, outer: int) -> Probe:
    """(rows, inner) x (inner, outer) in both formats, in a child process; about two seconds, asked once a process."""
    command = [sys.executable, "-c", _CHILD, *map(str, (threads, rows, inner, outer))]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_CHILD_SECONDS, check=False)
        output = done.stdout
    except subprocess.TimeoutExpired as late:
        output = late.stdout or b""
    except OSError:  # no process to be had: float32 it is
        output = b""
    speeds: dict[str, float] = dict(json.loads(line) for line in output.splitlines())
    return Probe(speeds.get("float32"), speeds.get("bfloat16"))


@dataclass(frozen=True)
class Precision:
    """The format of a run's products, and why it is that one."""

    name: str
    reason: str

    @property
    def dtype(self) -> torch.dtype:
        """The same, as PyTorch calls it."""
        return DTYPES[self.name]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the log."""
        return asdict(self)


def choose_precision(setting: str, device: str, width: int, probe: Callable[[], Probe]) -> Precision:
    """The format that `training.autocast` asks for on a device of type `device`, for a network of that width.

    `probe` is called only where the answer depends on the processor. A bfloat16 that was asked for and does not work
    is refused, for the process would die of it.
    """
    if setting not in ("auto", *DTYPES):
        raise RecipeError(f"[training]: autocast is {setting!r}, but must be auto, {' or '.join(DTYPES)}")
    if setting == "float32":
        return Precision(setting, "as the recipe says")
    if device != "cpu":
        return Precision("bfloat16", "as the recipe says" if setting == "bfloat16" else f"usual on {device}")
    if setting == "auto" and width < NARROWEST:
        return Precision("float32", f"width {width} is too narrow for bfloat16 to pay")
    found = probe()
    if found.bfloat16 is None and setting == "bfloat16":
        raise RecipeError(
            "[training]: autocast is bfloat16, but a test multiplication in it fails on this processor; "
            "use float32, or continue the run on the machine it began on"
        )
    if setting == "bfloat16":
        return Precision(setting, f"as the recipe says; {found.gain:.2f} times float32's speed here")
    if found.bfloat16 is None:
        return Precision("float32", "bfloat16 does not work on this processor")
    name = "bfloat16" if found.gain >= WORTH else "float32"
    return Precision(name, f"bfloat16 multiplies {found.gain:.2f} times as fast here; {WORTH} are asked for")


def settle_precision(recipe: Recipe, device: str, team: Team) -> tuple[Recipe, Precision]:
    """What `training.autocast` means here, and a recipe, so also every checkpoint of it, that says it outright."""
    model = recipe.model
    inner = model.mlp_width if isinstance(model, ModelConfig) else 4 * model.units

    def choose() -> bytes:
        chosen = choose_precision(
            recipe.training.autocast,
            device,
            model.width,
            lambda: probe_cpu(torch.get_num_threads(), _PROBE_ROWS, model.width, inner),
        )
        return json.dumps(chosen.to_dict()).encode()

    precision = Precision(**json.loads(team.from_leader(choose)))  # another process may measure otherwise
    return recipe.with_training(autocast=precision.name), precision


def as_it_began(recipe: Recipe, began: Mapping[str, Any], device: str) -> Recipe:
    """A recipe that goes on in the format of the run that `began`, its source, whatever would be chosen today."""
    if recipe.training.autocast != "auto":
        return recipe
    name = began["training"].get("autocast", "auto")
    if name == "auto":  # a checkpoint from before the format was measured
        name = "float32" if device == "cpu" else "bfloat16"
    return recipe.with_training(autocast=name)
