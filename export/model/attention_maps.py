"""What each token of a text attends to, in either network.

For: figures and explanations. Knows: where in each network the weights of `attention_weights` arise.
Must not know: tokenizers, text, drawing.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from export.model.gpt import GPT, Attention, attention_weights
from export.model.language_model import LanguageModel
from export.model.recurrent import RecurrentNetwork


@torch.no_grad()
def attention_maps(model: LanguageModel, tokens: list[int]) -> Tensor:
    """(layers, heads, T, T): row i of a map is how much token i takes from each token; no cache, float32."""
    row = torch.tensor([tokens])
    if isinstance(model, RecurrentNetwork):
        return _recurrent_maps(model, row)
    assert isinstance(model, GPT), type(model)
    return _gpt_maps(model, row)


def _recurrent_maps(model: RecurrentNetwork, row: Tensor) -> Tensor:
    outputs = model.hidden(row, naive=True)[:, None, :, : model.config.units]  # one head: (1, 1, T, U)
    return attention_weights(outputs, outputs, model.scale)


def _gpt_maps(model: GPT, row: Tensor) -> Tensor:
    maps: list[Tensor] = []

    def keep(attention: nn.Module, given: tuple[Any, ...]) -> None:
        assert isinstance(attention, Attention)
        maps.append(attention.weights(given[0], given[1]))  # (1, H, T, T)

    found = [module for module in model.modules() if isinstance(module, Attention)]
    hooks = [attention.register_forward_pre_hook(keep) for attention in found]
    try:
        model.hidden(row, naive=True)
    finally:
        for hook in hooks:
            hook.remove()
    return torch.cat(maps)
