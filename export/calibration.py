"""What the quantizer must know of a model's activations, measured on sample texts by the PyTorch reference.

For: `convert.py`. Two measurements: how large each key and value channel gets (the scales of the int8 cache), made at
once; and the second moments of what each matrix is given (for rounding with feedback), made when they are asked for.
Knows the reference module. Must not know graphs or files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from export.graph.blocks import CacheScales
from export.layer_inputs import LayerInputs
from export.model.gpt import GPT, KVCache
from export.quantize import FloatArray

Texts = Sequence[Sequence[int]]

HEAD = "head"
HEAD_ROOM = 1.05  # texts to come may reach a little further than the samples; beyond it a channel is clipped


@dataclass(frozen=True)
class Calibration:
    """Cache scales, and what goes into the matrices: of the layers, and the mean of x xᵀ of what the head is given."""

    scales: CacheScales
    inputs: LayerInputs
    head: FloatArray

    def second_moment(self, name: str) -> FloatArray | None:
        """Of the inputs of a matrix by its canonical name, as `LayerInputs.second_moment`."""
        return self.head if name == HEAD else self.inputs.second_moment(name)


@torch.inference_mode()
def calibrate(model: GPT, texts: Texts, inputs_of: Texts | None = None) -> Calibration:
    """Run token lists (each at most the context) through the reference and measure.

    `texts` for the cache, whose far positions must be seen; `inputs_of` for the matrices, or the same ones.
    """
    config = model.config
    peaks = torch.zeros(2, config.layers, config.kv_heads, config.head_size)
    head = torch.zeros(config.width, config.width)
    for tokens in texts:
        cache = KVCache(config, capacity=len(tokens))
        hidden = model.hidden(torch.tensor([list(tokens)]), cache)[0]  # (T, C)
        head.addmm_(hidden.T, hidden)
        for index, filled in enumerate((cache.keys, cache.values)):  # (layers, 1, K, T, D)
            peaks[index] = torch.maximum(peaks[index], filled[:, 0].abs().amax(dim=2))
    steps = (peaks * HEAD_ROOM / 127).clamp_min(1e-8).numpy()
    rows = sum(len(tokens) for tokens in texts)
    scales = CacheScales(tuple(steps[0]), tuple(steps[1]))
    return Calibration(scales, LayerInputs(model, inputs_of or texts), head.div_(rows).numpy())
