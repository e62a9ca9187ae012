"""Tensors bound to a graph's inputs and outputs by address, and one run of what is bound.

For: everything that runs a graph. Knows: ONNX Runtime's binding object, which it is handed, and NumPy arrays in the
computer's memory. Must not know: how graphs are loaded, what their tensors mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from engine.contracts.errors import EngineError

_LONGEST_WORDS = 300


def bind_input(binding: Any, name: str, array: NDArray[Any]) -> None:
    """The graph reads this array, which must live until the run is over."""
    binding.bind_input(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)


def bind_output(binding: Any, name: str, array: NDArray[Any]) -> None:
    """The graph writes into this array, whose shape must be the output's."""
    binding.bind_output(name, "cpu", 0, array.dtype, array.shape, array.ctypes.data)


def run_bound(run: Callable[[Any], None], binding: Any) -> None:
    """One run. Raises `EngineError` in ONNX Runtime's first words."""
    try:
        run(binding)
    except Exception as error:
        demand_memory(error)
        raise EngineError(
            f"ONNX Runtime could not run the model: {first_words(error)}; restart, or try --device cpu"
        ) from error


def demand_memory(error: Exception) -> None:
    """Say so where an allocation failed: neither the model nor the device is to blame."""
    if isinstance(error, MemoryError) or re.search(r"bad[_ ]?alloc|allocate memory|out of memory", str(error), re.I):
        raise EngineError(
            "the computer's memory is full; close programs, shorten the text, or take a smaller model"
        ) from error


def first_words(error: BaseException) -> str:
    """The first line of a library's message without its codes and colours."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip()
    line = text.splitlines()[0] if text else type(error).__name__
    return line if len(line) <= _LONGEST_WORDS else line[:_LONGEST_WORDS] + "…"
