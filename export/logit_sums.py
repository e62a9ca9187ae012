"""Running sums over pairs of logits, the reference's and the converted model's: what a certificate says of a text.

For: `verify.py`. A large vocabulary makes 64 rows of logits 13 MB, and in float64, which the sums need, several times
that; so a few rows at a time, which stay in a processor's cache, on every processor. Knows numpy. Must not know models.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.contracts.errors import VerificationError
from export.all_cores import on_all_cores
from export.certificate import TextReport

FloatArray = NDArray[np.float32]
IdArray = NDArray[np.int64]

_NUMBERS_AT_ONCE = 1 << 17  # of a part's logits: 1 MB in float64


@dataclass(frozen=True)
class _Part:
    """The sums of a few rows. `nats`: negative log-likelihood of the following tokens, by the reference and by us."""

    largest: float
    absolute: float
    squared: float
    energy: float
    divergence: float
    same: int
    nats: tuple[float, float]


class LogitSums:
    """Add rows of logits, ask for the report."""

    def __init__(self) -> None:
        self._rows = self._numbers = self._scored = 0
        self._parts: list[_Part] = []

    def add(self, wanted: FloatArray, found: FloatArray, following: IdArray) -> None:
        """Rows (n, vocabulary) of both, and the tokens that follow them: n, or one fewer at the end of a text.

        Raises `VerificationError` for numbers that are not finite.
        """
        rows = max(_NUMBERS_AT_ONCE // wanted.shape[1], 1)
        cuts = [slice(start, start + rows) for start in range(0, len(wanted), rows)]
        self._parts += on_all_cores(lambda cut: _compare(wanted[cut], found[cut], following[cut]), cuts)
        self._rows += len(wanted)
        self._numbers += wanted.size
        self._scored += len(following)

    def report(self, name: str, natural: bool) -> TextReport:
        """What all rows came to."""
        parts, rows, scored = self._parts, self._rows, max(self._scored, 1)
        squared, energy = math.fsum(p.squared for p in parts), max(math.fsum(p.energy for p in parts), 1e-30)
        return TextReport(
            name=name,
            natural=natural,
            tokens=rows,
            max_error=max(p.largest for p in parts),
            mean_error=math.fsum(p.absolute for p in parts) / rows,
            rms_logits=math.sqrt(energy / max(self._numbers, 1)),
            nmse=squared / energy,
            kl_divergence=max(math.fsum(p.divergence for p in parts) / rows, 0.0),
            same_top_1=sum(p.same for p in parts) / rows,
            nats_reference=math.fsum(p.nats[0] for p in parts) / scored,
            nats_converted=math.fsum(p.nats[1] for p in parts) / scored,
        )


def _compare(wanted: FloatArray, found: FloatArray, following: IdArray) -> _Part:
    """KL divergence of a row: Σ p (log p - log q) = Σ e^a (a - b) / Σ e^a - log Σ e^a + log Σ e^b."""
    distance = np.abs(found - wanted)
    largest = float(distance.max())
    if not math.isfinite(largest):
        raise VerificationError("the converted model answers with numbers that are not finite; nothing was written")
    theirs, ours = _below_the_best(wanted), _below_the_best(found)
    weights = np.exp(theirs)
    total = weights.sum(axis=1)
    their_log, our_log = np.log(total), np.log(np.exp(ours).sum(axis=1))
    divergence = np.einsum("rv,rv->r", weights, theirs - ours) / total - their_log + our_log
    rows = np.arange(len(following))
    return _Part(
        largest=largest,
        absolute=float(distance.mean(axis=1, dtype=np.float64).sum()),
        squared=float(np.square(distance, dtype=np.float64).sum()),
        energy=float(np.square(wanted, dtype=np.float64).sum()),
        divergence=float(divergence.sum()),
        same=int((wanted.argmax(1) == found.argmax(1)).sum()),
        nats=(
            float((their_log[rows] - theirs[rows, following]).sum()),
            float((our_log[rows] - ours[rows, following]).sum()),
        ),
    )


def _below_the_best(logits: FloatArray) -> NDArray[np.float64]:
    """Logits (rows, vocabulary) with each row's largest at 0."""
    shifted: NDArray[np.float64] = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    return shifted
