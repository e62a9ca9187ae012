"""What the quantizer must know of a model's activations, measured on sample texts by the PyTorch reference.

For: `convert.py`. Two measurements: how large each key and value channel gets (the scales of the int8 cache), and how
much each input channel of a matrix matters (its mean square, for the int4 scale search).
Knows the reference module. Must not know graphs or files.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from export.graph.blocks import CacheScales
from export.model.gpt import GPT, KVCache
from export.quantize import FloatArray

HEAD_ROOM = 1.05  # texts to come may reach a little further than the samples; beyond it a channel is clipped


@dataclass(frozen=True)
class Calibration:
    """Cache scales, and mean square of the inputs of each matrix by its canonical name without ".weight"."""

    scales: CacheScales
    importance: dict[str, FloatArray]


@torch.inference_mode()
def calibrate(model: GPT, texts: Sequence[Sequence[int]]) -> Calibration:
    """Run token lists (each at most the context) through the reference and measure."""
    config = model.config
    peaks = torch.zeros(2, config.layers, config.kv_heads, config.head_size)
    squares = _Squares(model)
    try:
        for tokens in texts:
            cache = KVCache(config, capacity=len(tokens))
            model.hidden(torch.tensor([list(tokens)]), cache)
            for index, filled in enumerate((cache.keys, cache.values)):  # (layers, 1, K, T, D)
                peaks[index] = torch.maximum(peaks[index], filled[:, 0].abs().amax(dim=2))
    finally:
        squares.detach()
    steps = (peaks * HEAD_ROOM / 127).clamp_min(1e-8).numpy()
    return Calibration(CacheScales(tuple(steps[0]), tuple(steps[1])), squares.means())


class _Squares:
    """Hooks that sum the squares of what every matrix multiplies."""

    def __init__(self, model: GPT) -> None:
        self._sums: dict[str, Tensor] = {}
        self._rows: dict[str, int] = {}
        matrices = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.Linear)]
        self._hooks = [module.register_forward_pre_hook(self._hook(name)) for name, module in matrices]

    def _hook(self, name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def add(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            rows = inputs[0].flatten(0, -2)
            self._sums[name] = self._sums.get(name, torch.zeros(rows.shape[1])) + rows.square().sum(0)
            self._rows[name] = self._rows.get(name, 0) + len(rows)

        return add

    def means(self) -> dict[str, FloatArray]:
        found = {name: (total / self._rows[name]).numpy() for name, total in self._sums.items()}
        # A channel that the samples left silent still counts a little.
        return {name: np.maximum(mean, mean.mean() * 1e-3 + 1e-12).astype(np.float32) for name, mean in found.items()}

    def detach(self) -> None:
        for hook in self._hooks:
            hook.remove()
