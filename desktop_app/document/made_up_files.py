"""Files that no disk holds: Linux makes up /proc and /sys at every reading, calls them regular, and some never end.

Knows the two mounts; must not know what is read.
"""

from __future__ import annotations

import os
from functools import cache

_MOUNTS = ("/proc", "/sys")


def is_made_up(status: os.stat_result) -> bool:
    """Whether the kernel makes this file up."""
    return status.st_dev in _devices()


@cache
def _devices() -> frozenset[int]:
    return frozenset(device for mount in _MOUNTS for device in _device_of(mount))


def _device_of(mount: str) -> tuple[int, ...]:
    try:
        # In a folder that is no mount of its own lie files like any other.
        return (os.stat(mount).st_dev,) if os.path.ismount(mount) else ()
    except OSError:
        return ()
