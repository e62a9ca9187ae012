"""Where the compiled operators are, and whether this machine can run them.

For: the runtime. Knows: the file that the set-up compiles from the sources beside it (optional: without a C compiler
there is none, and ONNX Runtime's own kernels serve). Must not know: ONNX Runtime, graphs.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

SWITCH = "NEXTSTROKE_KERNELS"  # "off": ONNX Runtime's kernels; "avx2": the ones for processors without AVX-512
OFF = "off"
VERSION = 2  # as in node.h; raise both when results or operators change: records and kept measurements name it
_NAME = "_operators"


def own_kernels() -> Path | None:
    """The library of own operators, where it is there, runs on this processor, and was not switched off."""
    if os.environ.get(SWITCH) == OFF:
        return None
    return _found()


@cache
def _found() -> Path | None:
    folder = Path(__file__).parent
    for suffix in EXTENSION_SUFFIXES:
        path = folder / f"{_NAME}{suffix}"
        if path.is_file() and _runs_here(path):
            return path
    return None


def _runs_here(path: Path) -> bool:
    try:
        library = ctypes.CDLL(str(path))
        return library.nextstroke_kernels_version() == VERSION and bool(library.nextstroke_kernels_run_here())
    except (OSError, AttributeError):  # of another system, damaged, or no library of these sources
        return False
