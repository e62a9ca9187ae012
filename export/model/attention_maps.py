"""What each token of a text attends to, in either network, and what is left when none may look back.

For: figures and explanations. Knows: where in each network the weights of `attention_weights` arise.
Must not know: tokenizers, text, drawing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.hooks import RemovableHandle

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


@torch.no_grad()
def logits_without_looking_back(model: LanguageModel, tokens: list[int]) -> Tensor:
    """(T, V): in a GPT every token sees itself alone; in the recurrent network nothing comes back from attention."""
    row = torch.tensor([tokens])
    if isinstance(model, RecurrentNetwork):
        hidden = model.hidden(row)
        hidden[..., model.config.units :] = 0
        return F.linear(hidden, model.head_weight)[0]
    assert isinstance(model, GPT), type(model)

    def see_itself(attention: nn.Module, given: tuple[Any, ...], _output: Tensor) -> Tensor:
        assert isinstance(attention, Attention)
        return attention.own_value(given[0])

    with _hooked(model, lambda attention: attention.register_forward_hook(see_itself)):
        return model(row)[0]


def _recurrent_maps(model: RecurrentNetwork, row: Tensor) -> Tensor:
    outputs = model.hidden(row, naive=True)[:, None, :, : model.config.units]  # one head: (1, 1, T, U)
    return attention_weights(outputs, outputs, model.scale)


def _gpt_maps(model: GPT, row: Tensor) -> Tensor:
    maps: list[Tensor] = []

    def keep(attention: nn.Module, given: tuple[Any, ...]) -> None:
        assert isinstance(attention, Attention)
        maps.append(attention.weights(given[0], given[1]))  # (1, H, T, T)

    with _hooked(model, lambda attention: attention.register_forward_pre_hook(keep)):
        model.hidden(row, naive=True)
    return torch.cat(maps)


@contextmanager
def _hooked(model: GPT, hook: Callable[[Attention], RemovableHandle]) -> Iterator[None]:
    handles = [hook(module) for module in model.modules() if isinstance(module, Attention)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
