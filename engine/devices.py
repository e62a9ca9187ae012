"""What this machine's processor and graphics card are, as far as results depend on it.

For: the choice of a device, the number of threads, and the honest line in a generation record.
Knows: the operating system's tables and NVIDIA's driver library. Must not know: ONNX Runtime or any model.
"""

from __future__ import annotations

import ctypes
import os
import platform
from dataclasses import dataclass
from pathlib import Path

CPU = "cpu"
CUDA = "cuda:0"

_CPU_INFO = Path("/proc/cpuinfo")
_TOPOLOGY = Path("/sys/devices/system/cpu")
_CGROUP_LIMIT = Path("/sys/fs/cgroup/cpu.max")
# The instruction sets that ONNX Runtime chooses its kernels by, the best first.
_KERNEL_FLAGS = ("avx512_vnni", "avx_vnni", "avx512bw", "avx2", "avx", "asimddp")
_DRIVER_NAMES = ("libcuda.so.1", "nvcuda.dll")
_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_*


@dataclass(frozen=True)
class DeviceChoice:
    """Where a model runs. `note` is a sentence for the person, empty when there is nothing to say."""

    name: str
    note: str
    kernel_class: str


@dataclass(frozen=True)
class GraphicsCard:
    """The first NVIDIA card: its name and architecture ("sm_90")."""

    name: str
    architecture: str


def cpu_kernel_class() -> str:
    """Processor family and the best instruction set that decides which kernels run, such as "x86_64 avx512_vnni"."""
    machine = platform.machine() or "unknown"
    flags = _cpu_flags()
    best = next((flag for flag in _KERNEL_FLAGS if flag in flags), "")
    return f"{machine} {best}".strip()


def default_threads() -> int:
    """Physical cores that this process may use: a second thread on one core does not make matrices faster."""
    try:
        allowed = os.sched_getaffinity(0)
    except AttributeError:  # not on macOS and Windows
        return max(1, (os.cpu_count() or 2) // 2)
    cores = {_core_of(processor) for processor in allowed}
    return max(1, min(len(cores), _quota()))


def graphics_card() -> GraphicsCard | None:
    """The first NVIDIA card that the driver shows, or None."""
    driver = _load_driver()
    if driver is None or driver.cuInit(0) != 0:
        return None
    device, name = ctypes.c_int(), ctypes.create_string_buffer(256)
    if driver.cuDeviceGet(ctypes.byref(device), 0) != 0 or driver.cuDeviceGetName(name, 256, device) != 0:
        return None
    digits = []
    for attribute in (_MAJOR, _MINOR):
        value = ctypes.c_int()
        driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, device)
        digits.append(str(value.value))
    return GraphicsCard(name.value.decode("utf-8", "replace"), "sm_" + "".join(digits))


def _load_driver() -> ctypes.CDLL | None:
    for name in _DRIVER_NAMES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


def _cpu_flags() -> frozenset[str]:
    try:
        lines = _CPU_INFO.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return frozenset()
    for line in lines:
        label, _, value = line.partition(":")
        if label.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()


def _core_of(processor: int) -> str:
    """The processors that share a physical core, as the kernel writes them; the processor itself when unknown."""
    try:
        return (_TOPOLOGY / f"cpu{processor}" / "topology" / "thread_siblings_list").read_text().strip()
    except OSError:
        return str(processor)


def _quota() -> int:
    """How many processors' time a container may use; many when there is no limit."""
    try:
        quota, period = _CGROUP_LIMIT.read_text().split()
        return max(1, int(quota) // int(period))
    except (OSError, ValueError):  # "max", another version of control groups, or none
        return os.cpu_count() or 1
