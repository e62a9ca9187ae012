"""A plan as the lines that `nextstroke train RECIPE --plan` prints.

For: the train command, and the manual's page, which shows the same table. Knows: words and units. Must not know: how
anything is computed.
"""

from __future__ import annotations

from collections.abc import Callable

from export.training.plan import Plan, Way
from export.training.plan_devices import GIGA, NETWORKS
from export.training.plan_memory import Memory

_LABEL, _COLUMN = 34, 12
_TITLES = {"alone": "one device", "ddp": "ddp", "fsdp": "fsdp"}
_PARTS: tuple[tuple[str, Callable[[Memory], int]], ...] = (
    ("weights", lambda held: held.weights),
    ("gradients", lambda held: held.gradients),
    ("optimizer state", lambda held: held.optimizer),
    ("copies, gathered layers", lambda held: held.copies),
    ("activations", lambda held: held.activations),
    ("working memory", lambda held: held.working),
    ("together", lambda held: held.total),
)


def plan_lines(plan: Plan) -> list[str]:
    """The whole report."""
    kind, outside = plan.kind, plan.parameters - plan.inner
    format_name = "bfloat16" if kind.half else "float32"
    link = f", {_bytes(kind.link)}/s to the next" if kind.link else ""
    each = plan.flops / plan.tokens
    lines = [
        _line("parameters", f"{plan.parameters:,}: {plan.inner:,} in the layers, {outside:,} outside"),
        _line("tokens", f"{plan.tokens:,} in {plan.steps:,} steps of {plan.batch:,}"),
        _line("arithmetic", f"{each / GIGA:.3g} GFLOP a token (6 N + 12 L H D T), {plan.flops:.3g} FLOP in all"),
        _line("devices", f"{plan.devices} x {kind.name}: {kind.flops / 1e12:.4g} TFLOP/s in {format_name}{link}"),
        _line(f"time at {plan.share_of_peak:.0%} of that", _time_words(plan)),
        _line("checkpoint", f"{_bytes(plan.checkpoint)} to go on from, {_bytes(plan.final)} at the end"),
        "",
        _row("memory of each device", [_TITLES[way.name] for way in plan.ways]),
        *(_row(f"  {label}", [_bytes(part(way.memory)) for way in plan.ways]) for label, part in _PARTS),
        _row(f"  of {_bytes(kind.memory)}", [_share(way, kind.memory) for way in plan.ways]),
    ]
    if plan.devices > 1:
        lines += ["", *_traffic(plan)]
    return lines


def _time_words(plan: Plan) -> str:
    speed = plan.tokens / plan.seconds
    return f"{_duration(plan.seconds)}, {speed:,.0f} tokens/s, {_duration(plan.seconds / plan.steps)} a step"


def _traffic(plan: Plan) -> list[str]:
    ways = [("its own link", plan.kind.link)] if plan.kind.link else []
    ways += list(NETWORKS.items())
    return [
        _row("sent by each device in a step", ["" if w.name == "alone" else _bytes(w.sent) for w in plan.ways]),
        *(
            _row(f"  over {name}", ["" if w.name == "alone" else _duration(w.sent / speed) for w in plan.ways])
            for name, speed in ways
            if speed
        ),
    ]


def _share(way: Way, memory: float) -> str:
    if not memory:
        return "?"
    share = way.memory.total / memory
    return f"{share:.0%}" if share <= 1 else f"{share:.0%}: no"


def _line(label: str, text: str) -> str:
    return f"{label:<{_LABEL - 12}}{text}"


def _row(label: str, cells: list[str]) -> str:
    return f"{label:<{_LABEL}}{''.join(f'{cell:>{_COLUMN}}' for cell in cells)}".rstrip()


def _bytes(count: float) -> str:
    for unit, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.0f} B"


def _duration(seconds: float) -> str:
    for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"
