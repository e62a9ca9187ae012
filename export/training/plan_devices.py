"""What a plan must know of a device: its peak, its memory, its link to the next one.

For: `--plan`.
Knows: the data sheets of some GPUs, and how this computer's processor is measured. Must not know: models, recipes.

Peaks are dense bfloat16 products summed in float32, without the factor two of structured sparsity that data sheets put
first. A link is what one device sends to the others of its machine, one direction.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from engine.contracts.errors import UsageError

GIGA = 1e9


@dataclass(frozen=True)
class DeviceKind:
    """One kind of device; `link` is None where there is no other beside it."""

    name: str
    flops: float  # FLOP/s
    memory: float  # bytes
    link: float | None  # bytes/s
    half: bool = True  # bfloat16; else float32
    fused: bool = True  # GPU kernels: flash attention, fused RMSNorm


def _gpu(name: str, teraflops: float, gigabytes: float, link: float) -> DeviceKind:
    return DeviceKind(name, teraflops * 1e12, gigabytes * GIGA, link * GIGA)


GPUS = {
    kind.name: kind
    for kind in (
        _gpu("a100-40", 312, 40, 300),  # NVIDIA A100 data sheet (2021): SXM, NVLink 600 GB/s both directions
        _gpu("a100-80", 312, 80, 300),
        _gpu("h100", 989, 80, 450),  # NVIDIA H100 data sheet (2023): SXM, NVLink 900 GB/s both directions
        _gpu("h200", 989, 141, 450),  # NVIDIA H200 data sheet (2023)
        _gpu("b200", 2250, 180, 900),  # NVIDIA HGX B200 data sheet (2024): NVLink 1.8 TB/s both directions
        _gpu("l40s", 362, 48, 32),  # NVIDIA L40S data sheet (2023): PCIe 4.0 x16
        _gpu("rtx-3090", 71, 24, 32),  # NVIDIA GA102 whitepaper (2021), table 9: PCIe 4.0 x16
        _gpu("rtx-4090", 165, 24, 32),  # NVIDIA Ada whitepaper (2022), appendix A: PCIe 4.0 x16
    )
}
NETWORKS = {  # between machines, bytes/s in one direction
    "400 Gbit/s": 50 * GIGA,
    "100 Gbit/s": 12.5 * GIGA,
    "10 Gbit/s": 1.25 * GIGA,
}


def device_kind(name: str, width: int, inner: int) -> DeviceKind:
    """A GPU by name, or this computer's processor ("cpu"), timed at products of (2048, width) x (width, inner)."""
    if name != "cpu":
        if name not in GPUS:
            raise UsageError(f"--device-kind {name} is not known; take one of cpu, {', '.join(GPUS)}")
        return GPUS[name]
    from export.training.precision import WORTH, probe_cpu

    found = probe_cpu(os.cpu_count() or 1, 2048, width, inner)
    half = found.gain >= WORTH
    speed = (found.bfloat16 if half else found.float32) or 1.0
    memory = float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")) if hasattr(os, "sysconf") else 0.0
    return DeviceKind("cpu", speed, memory, None, half, fused=False)
