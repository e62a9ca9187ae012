"""One look at the logits of a whole vocabulary: the best of them and the sum of all weights.

For: sampling, at every token. Knows: the compiled library, and the same in NumPy where there is none.
Must not know: what tokens are, or what is done with the answer.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from engine.kernels.library import own_kernels

Logits = NDArray[np.float32]
Survey = tuple[int, float, float]  # first id of the highest logit, that logit, sum of exp(logit - highest)


def survey(logits: Logits) -> Survey:
    """The survey of `logits` (vocabulary,); the highest is NaN, and the rest without meaning, if any logit is."""
    compiled = _compiled()
    return _in_numpy(logits) if compiled is None or not _is_plain(logits) else compiled(logits)


def _is_plain(logits: Logits) -> bool:
    return logits.dtype == np.float32 and logits.flags.c_contiguous and logits.ndim == 1 and len(logits) > 0


def _in_numpy(logits: Logits) -> Survey:
    place = int(logits.argmax())
    highest = float(logits[place])
    if not math.isfinite(highest):
        return place, highest, math.nan
    # In 32 bits, as the library has it: a quarter of the time of 64, the sum good to some 1e-7.
    return place, highest, float(np.exp(logits - np.float32(highest)).sum(dtype=np.float64))


@cache
def _compiled() -> Callable[[Logits], Survey] | None:
    path = own_kernels()
    if path is None:
        return None
    function = ctypes.CDLL(str(path)).nextstroke_survey
    function.restype = ctypes.c_int64

    def look(logits: Logits) -> Survey:
        largest, total = ctypes.c_double(), ctypes.c_double()  # of this call: other threads may look at the same time
        answers = (ctypes.byref(largest), ctypes.byref(total))
        place = function(ctypes.c_void_p(logits.ctypes.data), ctypes.c_int64(len(logits)), *answers)
        return place, largest.value, total.value

    return look
