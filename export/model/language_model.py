"""What every network here is: tokens in, a last hidden state out, and one matrix that makes logits of it.

For: training, evaluation, samples and the reference of a conversion, which need no more of a network than this.
Knows: how logits and the loss come from the hidden state. Must not know: any network's inside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from export.model.config import Config
from export.model.lora import is_factor, merged_weights
from export.model.loss import chunked_cross_entropy


class LanguageModel(nn.Module):
    """The verbs around `hidden`, `head_weight`, `initialize` and `new_cache`, which a network gives itself."""

    config: Config

    def __init__(self) -> None:
        super().__init__()
        self._hidden_for_loss: Callable[[Tensor], Tensor] = self.hidden

    def initialize(self, seed: int) -> None:
        """Initial weights from a seed of their own."""
        raise NotImplementedError

    def new_cache(self) -> Any:
        """What the tokens so far leave behind, before the first one."""
        raise NotImplementedError

    @property
    def head_weight(self) -> Tensor:
        """(V, C): logits are the hidden state times its transpose."""
        raise NotImplementedError

    def hidden(self, tokens: Tensor, cache: Any = None, naive: bool = False) -> Tensor:
        """tokens (B, T) -> the last hidden state (B, T, C); with a cache, tokens continue what it holds."""
        raise NotImplementedError

    def forward(self, tokens: Tensor, cache: Any = None, naive: bool = False) -> Tensor:
        """tokens (B, T) -> logits (B, T, V)."""
        return F.linear(self.hidden(tokens, cache, naive), self.head_weight)

    def loss(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Sum of next-token losses in nats; targets (B, T), IGNORED where none counts."""
        return chunked_cross_entropy(self.hidden_for_loss(tokens), self.head_weight, targets)

    def hidden_for_loss(self, tokens: Tensor) -> Tensor:
        """`hidden`, compiled where `compile_hidden` was asked for; for a loss of one's own."""
        return self._hidden_for_loss(tokens)

    def compile_hidden(self) -> None:
        """Let torch.compile fuse the layers for `loss`; the chunked loss itself is faster as it stands."""
        self._hidden_for_loss = torch.compile(self.hidden)

    def merged_state(self) -> dict[str, Tensor]:
        """The canonical tensors that a checkpoint holds, with low-rank adapters added into their matrices."""
        state = {**self.state_dict(), **merged_weights(self)}
        return {name: state[name] for name in self.config.tensor_shapes()}

    def adapter_state(self) -> dict[str, Tensor]:
        """The factors of low-rank adapters by name; empty for a network without them."""
        return {name: tensor for name, tensor in self.state_dict().items() if is_factor(name)}

    def fits(self, adapters: Mapping[str, Tensor]) -> bool:
        """Whether `adapters` are factors of the same matrices and ranks as its own."""
        own = self.adapter_state()
        return adapters.keys() == own.keys() and all(
            own[name].shape == tensor.shape for name, tensor in adapters.items()
        )

    def restore(self, tensors: Mapping[str, Tensor], adapters: Mapping[str, Tensor]) -> None:
        """Go on from what `merged_state` and `adapter_state` gave; under adapters the frozen weights stay."""
        self.load_state_dict(adapters or tensors, strict=not adapters)
