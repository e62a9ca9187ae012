"""The device of a run: opened by name, its peak speed, the memory a run took, whether it can compile.

For: the trainer and its log. Knows: what PyTorch and the operating system tell about a device.
Must not know: models, recipes.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
import time
from dataclasses import dataclass

import torch

from engine.contracts.errors import RecipeError

# Dense bfloat16 products with float32 sums, FLOP/s, from NVIDIA's data sheets; the first name that a device's holds.
_GPU_PEAKS = (
    ("B200", 2250e12),
    ("H200", 989e12),
    ("H100 NVL", 835e12),
    ("H100 PCIe", 756e12),
    ("H100", 989e12),
    ("H800", 989e12),
    ("A100", 312e12),
    ("A800", 312e12),
    ("L40S", 362e12),
    ("L40", 181e12),
    ("L4", 121e12),
    ("A10G", 70e12),
    ("A10", 125e12),
    ("A30", 165e12),
    ("A40", 150e12),
    ("RTX 4090", 165e12),
    ("RTX 3090", 71e12),
)
_SIDE = 1024  # of the square matrices that a CPU is measured with: too large for its first caches, done in milliseconds
_SECONDS = (
    0.3  # of trying: the first tries still find sleeping cores, and another program may be in the way for a while
)


@dataclass(frozen=True)
class Peak:
    """The most FLOP/s that a device does in a run's number format, and how that is known."""

    flops_per_second: float | None  # None: unknown
    source: str

    def times(self, count: int) -> Peak:
        """Of that many such devices."""
        return Peak(None if self.flops_per_second is None else count * self.flops_per_second, self.source)


def open_device(name: str) -> torch.device:
    """The device of that name; `auto` is a GPU where there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.zeros(1, device=name).device
    except (RuntimeError, AssertionError) as error:
        raise RecipeError(f"[training]: device {name!r} cannot be used here ({error}); use auto or cpu") from error


def peak_of(device: torch.device, dtype: torch.dtype) -> Peak:
    """A CPU is measured, here and now; a GPU's bfloat16 peak is looked up."""
    if device.type == "cpu":
        return Peak(_measured(dtype, torch.get_num_threads()), f"a product of {_SIDE} x {_SIDE} matrices, measured")
    if device.type != "cuda" or dtype != torch.bfloat16:
        return Peak(None, "unknown")
    return gpu_peak(torch.cuda.get_device_name(device))


def gpu_peak(name: str) -> Peak:
    """What the table says about a GPU of that name."""
    words = f" {name} ".replace("-", " ")
    for part, peak in _GPU_PEAKS:
        if f" {part} " in words:
            return Peak(peak, f"data sheet of {part}")
    return Peak(None, "unknown")


@functools.cache
def _measured(dtype: torch.dtype, _threads: int) -> float:
    one, two = (torch.ones(_SIDE, _SIDE, dtype=dtype) for _ in range(2))
    best, end = float("inf"), time.perf_counter() + _SECONDS
    while (start := time.perf_counter()) < end:
        one @ two
        best = min(best, time.perf_counter() - start)
    return 2 * _SIDE**3 / best


def peak_memory_bytes(device: torch.device) -> int | None:
    """The most memory that this process held so far: of the GPU, or resident; None where nobody counts."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    try:
        import resource  # not on Windows
    except ImportError:
        return None
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes if sys.platform == "darwin" else 1024 * kilobytes


def refuse_missing_compiler(device: torch.device) -> None:
    """`training.compile` on a CPU needs a C++ compiler: PyTorch finds out steps later and in many words."""
    wanted = [os.environ["CXX"]] if os.environ.get("CXX") else ["g++", "clang++", "cl"]
    if device.type == "cpu" and not any(shutil.which(name) for name in wanted):
        raise RecipeError(
            f"[training]: compile is true, but there is no C++ compiler ({', '.join(wanted)}); install one, or set "
            "training.compile=false"
        )
