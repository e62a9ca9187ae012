"""The network of the article this project started from: embedding, LSTM, attention, dense; made causal.

For: training beside a GPT on the same text, and as the reference of its exported graph.
Knows: RecurrentConfig and the maths of an LSTM cell and dot-product attention.
Must not know: files, tokenizers, text, sampling.

What is unusual here:
- The article's code reads a whole text and predicts one label, so it could not write. Here every position predicts
  the next token, and attention looks only at the outputs so far.
- Two forwards of the same weights must agree: `naive` (the cell's equations written out: the judge) and PyTorch's LSTM.
- Sources: Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000 (LSTM), Luong et al. 2015
  (dot-product attention, its result beside the state), Vaswani et al. 2017 (the factor 1/√units).

Shapes: B batch, T new tokens, S all tokens so far, E embedding width, U units, V vocabulary.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from export.model.gpt import causal_mask, naive_attention
from export.model.language_model import LanguageModel
from export.model.recurrent_config import RecurrentConfig


class RecurrentCache:
    """What the next token depends on: all outputs so far (B, S, U) and the last cell state (B, U)."""

    def __init__(self, config: RecurrentConfig) -> None:
        self.outputs = torch.zeros(1, 0, config.units)
        self.cell = torch.zeros(1, config.units)

    @property
    def length(self) -> int:
        """Tokens so far."""
        return self.outputs.shape[1]


class RecurrentNetwork(LanguageModel):
    """The whole network; its state_dict has exactly `config.tensor_shapes()`."""

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__()
        self.config: RecurrentConfig = config
        self.scale = 1.0 / math.sqrt(config.units)
        self.token_embedding = nn.Embedding(config.vocabulary_size, config.width)
        self.lstm = nn.LSTM(config.width, config.units, batch_first=True)
        self.head = nn.Linear(2 * config.units, config.vocabulary_size, bias=False)

    def initialize(self, seed: int) -> None:
        """Uniform in ±1/√fan-in from a seed of its own; forget gates start open (bias 1: Jozefowicz et al. 2015)."""
        generator = torch.Generator().manual_seed(seed)
        for parameter in self.parameters():
            if parameter.ndim == 2:
                bound = 1.0 / math.sqrt(parameter.shape[1])
                nn.init.uniform_(parameter, -bound, bound, generator=generator)
            else:
                nn.init.zeros_(parameter)
        with torch.no_grad():
            self.lstm.get_parameter("bias_ih_l0")[self.config.units : 2 * self.config.units] = 1.0

    def new_cache(self) -> RecurrentCache:
        """The state before the first token."""
        return RecurrentCache(self.config)

    @property
    def head_weight(self) -> Tensor:
        """(V, 2U)."""
        return self.head.weight

    def hidden(self, tokens: Tensor, cache: RecurrentCache | None = None, naive: bool = False) -> Tensor:
        """tokens (B, T) -> each output beside what it attends to, (B, T, 2U); with a cache, tokens continue it."""
        embedded = self.token_embedding(tokens)  # (B, T, E)
        batch = tokens.shape[0]
        if cache is None:
            before, cell = embedded.new_zeros(batch, 0, self.config.units), embedded.new_zeros(batch, self.config.units)
        else:
            before, cell = cache.outputs, cache.cell
        last = before[:, -1] if before.shape[1] else torch.zeros_like(cell)
        if naive:
            outputs, cell = self._cells(embedded, last, cell)
        else:
            outputs, (_, cells) = self.lstm.forward(
                embedded, (last.unsqueeze(0).contiguous(), cell.unsqueeze(0).contiguous())
            )
            cell = cells[0]
        so_far = torch.cat([before, outputs], dim=1)  # (B, S, U)
        if cache is not None:
            cache.outputs, cache.cell = so_far, cell
        return torch.cat([outputs, self._attend(outputs, so_far, naive)], dim=-1)

    def _cells(self, embedded: Tensor, output: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
        """The LSTM's equations, token by token: outputs (B, T, U) and the last cell state (B, U)."""
        from_token, from_output = self.lstm.get_parameter("weight_ih_l0"), self.lstm.get_parameter("weight_hh_l0")
        one, two = self.lstm.get_parameter("bias_ih_l0"), self.lstm.get_parameter("bias_hh_l0")
        outputs = []
        for token in embedded.unbind(1):
            gates = F.linear(token, from_token, one)
            gates = gates + F.linear(output, from_output, two)
            enter, forget, candidate, leave = gates.chunk(4, dim=-1)
            cell = forget.sigmoid() * cell + enter.sigmoid() * candidate.tanh()
            output = leave.sigmoid() * cell.tanh()
            outputs.append(output)
        return torch.stack(outputs, dim=1), cell

    def _attend(self, new: Tensor, so_far: Tensor, naive: bool) -> Tensor:
        query, seen = new.unsqueeze(1), so_far.unsqueeze(1)  # one head: (B, 1, T, U), (B, 1, S, U)
        if naive:
            return naive_attention(query, seen, seen, self.scale).squeeze(1)
        mask = causal_mask(query.shape[2], seen.shape[2], query.device)
        return F.scaled_dot_product_attention(query, seen, seen, mask, scale=self.scale).squeeze(1)
