"""The learning rate as a share of its peak: warm up, stay, decay to the end.

For: the trainer.
Knows: token counts only; because the stable part has no memory of the end, the end may move while a run is under way.
Must not know: optimizers, steps.

    share 1 |   ____________________
            |  /                    \\
            | /                       \\
     final  |/                          \\
            +--|---------------------|----|--> tokens
             warmup            total-decay total       (WSD: Hu et al. 2024, MiniCPM)
"""

from __future__ import annotations


def rate_share(tokens: int, total: int, warmup: int, decay: int, final: float) -> float:
    """Share of the peak rate after `tokens` of `total`."""
    rising = min(1.0, (tokens + 1) / warmup) if warmup else 1.0
    left = max(0, total - tokens)
    falling = final + (1.0 - final) * min(1.0, left / decay) if decay else 1.0
    return min(rising, falling)
