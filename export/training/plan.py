"""The plan of a run, computed and not tried: arithmetic, time, memory and traffic on given devices.

For: `nextstroke train RECIPE --plan`.
Knows: how a recipe becomes totals. Must not know: torch, how the plan is printed.

Sent by one device in a step, each sum or gathering over W devices by rings of (W - 1) / W of the data (Patarasuk &
Yuan 2009):

    ddp     gradients summed: 2 x 4 N
    fsdp    for each microbatch: layers gathered forward and backward in the products' format, gradients summed
            and dealt out in float32, embeddings and head gathered once
            and for Muon, matrices to their owners and back: 2 x 4 N / W
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.contracts.errors import RecipeError, UsageError
from export.training.compute import flops_per_token
from export.training.plan_devices import DeviceKind
from export.training.plan_memory import FULL, HALF, Memory, is_matrix, memory, optimizer_bytes
from export.training.recipe import Recipe


@dataclass(frozen=True)
class Way:
    """Training on several devices by one strategy, or on one device alone."""

    name: str
    memory: Memory
    sent: float  # bytes that one device sends in a step


@dataclass(frozen=True)
class Plan:
    """All that is known before a run."""

    name: str
    parameters: int
    inner: int  # of them inside the layers
    tokens: int
    batch: int
    microbatch: int
    flops: float  # of the whole run
    devices: int
    kind: DeviceKind
    share_of_peak: float
    ways: tuple[Way, ...]
    chosen: str  # the recipe's strategy
    checkpoint: int  # bytes of one that a run can go on from
    final: int  # of one that holds weights alone

    @property
    def steps(self) -> int:
        """Optimizer steps."""
        return math.ceil(self.tokens / self.batch)

    @property
    def seconds(self) -> float:
        """The whole run, computing alone."""
        return self.flops / (self.devices * self.kind.flops * self.share_of_peak)


def make_plan(recipe: Recipe, devices: int, kind: DeviceKind, share_of_peak: float = 0.4) -> Plan:
    """The plan of `recipe` on `devices` of one kind that reach `share_of_peak` of their peak."""
    training, config = recipe.training, recipe.model
    if not 0 < share_of_peak <= 1:
        raise UsageError(f"--share-of-peak is {share_of_peak}, but must be above 0 and at most 1")
    microbatches = training.batch_tokens // training.microbatch_tokens
    if microbatches % devices:
        raise RecipeError(
            f"[training]: a step of {microbatches} microbatches cannot be shared out evenly among {devices} devices; "
            "change batch_tokens, microbatch_tokens or the number of devices"
        )
    shapes = config.tensor_shapes()
    longest = max(stage.length for stage in recipe.stages)

    def way(name: str) -> Way:
        count, fsdp = (1 if name == "alone" else devices), name == "fsdp"
        held = memory(config, training.optimizer, training.microbatch_tokens, longest, kind, count, fsdp)
        return Way(name, held, _sent(recipe, kind, count, fsdp))

    weights = FULL * config.parameters
    return Plan(
        name=recipe.name,
        parameters=config.parameters,
        inner=sum(math.prod(shape) for name, shape in shapes.items() if name.startswith("layers.")),
        tokens=training.tokens,
        batch=training.batch_tokens,
        microbatch=training.microbatch_tokens,
        flops=_flops(recipe),
        devices=devices,
        kind=kind,
        share_of_peak=share_of_peak,
        ways=tuple(way(name) for name in (("alone", "ddp", "fsdp") if devices > 1 else ("alone",))),
        chosen=recipe.distributed.strategy,
        checkpoint=weights + optimizer_bytes(config, training.optimizer),
        final=weights,
    )


def _flops(recipe: Recipe) -> float:
    total, start = 0.0, 0
    for stage, end in zip(recipe.stages, recipe.stage_ends(), strict=True):
        total += (end - start) * flops_per_token(recipe.model, stage.length)
        start = end
    return total


def _sent(recipe: Recipe, kind: DeviceKind, devices: int, fsdp: bool) -> float:
    training, shapes = recipe.training, recipe.model.tensor_shapes()
    ring = (devices - 1) / devices
    if not fsdp:
        return 2 * ring * FULL * recipe.model.parameters
    s = HALF if kind.half and kind.fused else FULL
    layers = sum(math.prod(shape) for name, shape in shapes.items() if name.startswith("layers."))
    rest = recipe.model.parameters - layers
    matrices = sum(math.prod(shape) for name, shape in shapes.items() if is_matrix(name, shape))
    passes = training.batch_tokens // training.microbatch_tokens // devices
    muon = 2 * FULL * matrices / devices if training.optimizer == "muon" else 0
    return ring * (passes * ((2 * s + FULL) * layers + 2 * FULL * rest) + muon)
