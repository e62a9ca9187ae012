"""The GPT itself, in one file that reads from top to bottom.

For: training, evaluation, and as the reference that every exported graph is compared with.
Knows: ModelConfig and the maths of a pre-norm Transformer decoder.
Must not know: files, tokenizers, text, sampling, or any model family's name.

What is unusual here:
- Three forwards of the same weights must agree: `naive` (softmax(QKᵀ/√d)V written out: the judge), the default one
  (fused, or in blocks of queries while training on a CPU) and the cached one (a KVCache, any number of new tokens).
- Sources: Vaswani et al. 2017 (attention), Radford et al. 2019 (pre-norm GPT-2), Su et al. 2021 (rotary positions),
  Zhang & Sennrich 2019 (RMSNorm), Shazeer 2020 (SwiGLU), Ainslie et al. 2023 (grouped-query attention).
- Matrices are separate (query, key, value, gate, up), so that the state_dict's keys are the canonical names.

Shapes: B batch, T new tokens, S all tokens so far (cached + new), C width, H heads, K key/value heads, D head size,
V vocabulary.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from export.model.block_attention import block_attention, block_attention_serves
from export.model.config import ModelConfig
from export.model.language_model import LanguageModel
from export.model.lean_ops import lean_ops_serve, lean_rms_norm, lean_rotate, product_dtype


class KVCache:
    """Keys and values of the tokens so far, preallocated: (layers, B, K, capacity, D), of which `length` are filled."""

    def __init__(self, config: ModelConfig, batch: int = 1, capacity: int | None = None) -> None:
        self.capacity = config.context_length if capacity is None else capacity
        shape = (config.layers, batch, config.kv_heads, self.capacity, config.head_size)
        self.keys = torch.zeros(shape)
        self.values = torch.zeros(shape)
        self.length = 0

    def append(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Write the new tokens behind the committed ones and return all: (B, K, S, D). Commit with `length +=`."""
        end = self.length + key.shape[2]
        self.keys[layer, :, :, self.length : end] = key
        self.values[layer, :, :, self.length : end] = value
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]


class Norm(nn.Module):
    """LayerNorm, or RMSNorm: x / rms(x) * weight."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.is_rms = config.norm == "rms"
        self.epsilon = config.norm_epsilon
        self.weight = nn.Parameter(torch.ones(config.width))
        self.bias = nn.Parameter(torch.zeros(config.width)) if config.norm_bias else None

    def forward(self, x: Tensor) -> Tensor:
        """x (..., C) -> the same shape, rounded once to what the products that follow multiply in."""
        size, dtype = (x.shape[-1],), product_dtype(x)
        if not self.is_rms:
            return F.layer_norm(x, size, self.weight, self.bias, self.epsilon).to(dtype)
        if self.bias is None and lean_ops_serve(x):
            return lean_rms_norm(x, self.weight, self.epsilon, dtype)
        scaled = F.rms_norm(x, size, self.weight, self.epsilon)
        return (scaled if self.bias is None else scaled + self.bias).to(dtype)


class Attention(nn.Module):
    """Causal self-attention; H query heads share K key/value heads, H / K each."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        query, kv = config.heads * config.head_size, config.kv_heads * config.head_size
        self.head_size, self.groups, self.scale = config.head_size, config.heads // config.kv_heads, config.scale
        self.query = nn.Linear(config.width, query, bias=config.qkv_bias)
        self.key = nn.Linear(config.width, kv, bias=config.qkv_bias)
        self.value = nn.Linear(config.width, kv, bias=config.qkv_bias)
        self.output = nn.Linear(query, config.width, bias=config.projection_bias)

    def forward(
        self,
        x: Tensor,
        rotation: Tensor | None,
        cache: KVCache | None = None,
        layer: int = 0,
        naive: bool = False,
        looked_up: Tensor | None = None,
    ) -> Tensor:
        value = self.value(x)
        if looked_up is not None:  # (B, T, K*D): this layer's rows for the tokens themselves
            value = value + looked_up.to(value.dtype)
        q, k, v = self._heads(self.query(x)), self._heads(self.key(x)), self._heads(value)  # (B, H|K, T, D)
        if rotation is not None:
            q, k = rotate(q, rotation), rotate(k, rotation)
        if cache is not None:
            k, v = cache.append(layer, k, v)  # (B, K, S, D)
        k, v = self._share(k), self._share(v)  # (B, H, S, D)
        if naive:
            mixed = naive_attention(q, k, v, self.scale)
        elif cache is None and block_attention_serves(q):
            mixed = block_attention(q, k, v, self.scale)
        else:
            # A single new token may look at everything; several need the causal rule shifted to the end of S.
            shifted = q.shape[2] > 1 and q.shape[2] != k.shape[2]
            mask = causal_mask(q.shape[2], k.shape[2], q.device) if shifted else None
            causal = q.shape[2] > 1 and not shifted
            mixed = F.scaled_dot_product_attention(q, k, v, mask, is_causal=causal, scale=self.scale)
        result: Tensor = self.output(mixed.transpose(1, 2).flatten(2))  # (B, T, H, D) -> (B, T, H*D) -> (B, T, C)
        return result

    def weights(self, x: Tensor, rotation: Tensor | None) -> Tensor:
        """How much each of the tokens x (B, T, C) takes from each, (B, H, T, T)."""
        q, k = self._heads(self.query(x)), self._heads(self.key(x))
        if rotation is not None:
            q, k = rotate(q, rotation), rotate(k, rotation)
        return attention_weights(q, self._share(k), self.scale)

    def own_value(self, x: Tensor) -> Tensor:
        """The output where every token takes from itself alone, (B, T, C)."""
        result: Tensor = self.output(self._share(self._heads(self.value(x))).transpose(1, 2).flatten(2))
        return result

    def _heads(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (-1, self.head_size)).transpose(1, 2)  # (B, T, H*D) -> (B, H, T, D)

    def _share(self, x: Tensor) -> Tensor:
        return x if self.groups == 1 else x.repeat_interleave(self.groups, dim=1)  # (B, K, S, D) -> (B, H, S, D)


class MLP(nn.Module):
    """GELU(x U) D, or SwiGLU: (SiLU(x G) * x U) D."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        bias = config.projection_bias
        self.approximate = "tanh" if config.mlp == "gelu_tanh" else "none"
        self.gate = nn.Linear(config.width, config.mlp_width, bias=bias) if config.mlp == "swiglu" else None
        self.up = nn.Linear(config.width, config.mlp_width, bias=bias)
        self.down = nn.Linear(config.mlp_width, config.width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        up = self.up(x)  # (B, T, M)
        inner = F.gelu(up, approximate=self.approximate) if self.gate is None else F.silu(self.gate(x)) * up
        result: Tensor = self.down(inner)
        return result


class Block(nn.Module):
    """One layer: two residual branches, each behind its own norm."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.attention_norm = Norm(config)
        self.attention = Attention(config)
        self.mlp_norm = Norm(config)
        self.mlp = MLP(config)

    def forward(
        self,
        x: Tensor,
        rotation: Tensor | None,
        cache: KVCache | None = None,
        layer: int = 0,
        naive: bool = False,
        looked_up: Tensor | None = None,
    ) -> Tensor:
        x = x + self.attention(self.attention_norm(x), rotation, cache, layer, naive, looked_up)
        result: Tensor = x + self.mlp(self.mlp_norm(x))
        return result


class GPT(LanguageModel):
    """The whole decoder; its state_dict has exactly `config.tensor_shapes()`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config: ModelConfig = config
        self.token_embedding = nn.Embedding(config.vocabulary_size, config.width)
        learned = config.positions == "learned"
        self.position_embedding = nn.Embedding(config.context_length, config.width) if learned else None
        tables = filter(config.has_value_embedding, range(config.layers))
        size = config.kv_heads * config.head_size
        self.value_embedding = nn.ModuleDict({str(n): nn.Embedding(config.vocabulary_size, size) for n in tables})
        self.layers = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.final_norm = Norm(config)
        self.head = None if config.tied_head else nn.Linear(config.width, config.vocabulary_size, bias=False)
        angles = None if learned else rotary_angles(config)
        self.register_buffer("rotation", angles, persistent=False)  # (2, context, D): cosines and sines

    def initialize(self, seed: int) -> None:
        """GPT-2's initial weights from a seed of their own: N(0, 0.02), residual outputs smaller by √(2 layers)."""
        generator = torch.Generator().manual_seed(seed)
        for name, parameter in self.named_parameters():
            if name.endswith(".bias"):
                nn.init.zeros_(parameter)
            elif parameter.ndim == 2:
                residual = name.endswith(("attention.output.weight", "mlp.down.weight"))
                deviation = 0.02 / math.sqrt(2 * self.config.layers) if residual else 0.02
                nn.init.normal_(parameter, std=deviation, generator=generator)

    def new_cache(self) -> KVCache:
        """Room for a whole context, nothing in it yet."""
        return KVCache(self.config)

    @property
    def head_weight(self) -> Tensor:
        """(V, C): the untied head, or the token embedding."""
        return self.token_embedding.weight if self.head is None else self.head.weight

    def hidden(self, tokens: Tensor, cache: KVCache | None = None, naive: bool = False) -> Tensor:
        """tokens (B, T) -> the normalised last hidden state (B, T, C); with a cache, tokens continue what it holds."""
        start = 0 if cache is None else cache.length
        x = self.embedded(tokens, start)
        for index in range(len(self.layers)):
            x = self.through_layer(index, x, tokens, start, cache, naive)
        if cache is not None:
            cache.length += tokens.shape[1]
        result: Tensor = self.final_norm(x)
        return result

    def embedded(self, tokens: Tensor, start: int = 0) -> Tensor:
        """What the first layer is given: tokens (B, T) at the positions from `start` on -> (B, T, C)."""
        x: Tensor = self.token_embedding(tokens)
        if self.position_embedding is not None:
            x = x + self.position_embedding.weight[start : start + tokens.shape[1]]
        return x

    def through_layer(
        self,
        index: int,
        x: Tensor,
        tokens: Tensor,
        start: int = 0,
        cache: KVCache | None = None,
        naive: bool = False,
    ) -> Tensor:
        """x (B, T, C) of the tokens at the positions from `start` on, one layer further."""
        rotation = self.rotation
        part = rotation[:, start : start + tokens.shape[1]] if isinstance(rotation, Tensor) else None  # (2, T, D)
        looked_up = None
        if self.config.has_value_embedding(index):
            looked_up = self.value_embedding[str(index)](tokens)  # (B, T, K*D)
        result: Tensor = self.layers[index](x, part, cache, index, naive, looked_up)
        return result


def naive_attention(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    """softmax(QKᵀ · scale + causal mask) V, written out; q (B, H, T, D), k and v (B, H, S, D) -> (B, H, T, D)."""
    return attention_weights(q, k, scale) @ v


def attention_weights(q: Tensor, k: Tensor, scale: float) -> Tensor:
    """softmax(QKᵀ · scale + causal mask): q (B, H, T, D), k (B, H, S, D) -> (B, H, T, S), whose rows sum to one."""
    scores = q @ k.transpose(-2, -1) * scale  # (B, H, T, S)
    allowed = causal_mask(q.shape[2], k.shape[2], q.device)
    return scores.masked_fill(~allowed, -math.inf).softmax(dim=-1)


def causal_mask(new: int, total: int, device: torch.device) -> Tensor:
    """True where new token i (the last `new` of `total`) may look at token j: (new, total)."""
    return torch.ones(new, total, dtype=torch.bool, device=device).tril(total - new)


def rotary_angles(config: ModelConfig, positions: int | None = None) -> Tensor:
    """Cosines and sines of position x frequency, (2, positions, D), of the whole context where no number is given.

    Both halves of D carry the same frequencies.
    """
    half = torch.arange(0, config.head_size, 2, dtype=torch.float64) / config.head_size
    frequencies = config.rotary_base**-half  # (D / 2,)
    angles = torch.outer(torch.arange(positions or config.context_length, dtype=torch.float64), frequencies)
    angles = torch.cat([angles, angles], dim=-1)  # (context, D)
    return torch.stack([angles.cos(), angles.sin()]).float()


def rotate(x: Tensor, rotation: Tensor) -> Tensor:
    """Turn each pair (i, i + D/2) of x (B, H, T, D) by its angle; rotation (2, T, D)."""
    if lean_ops_serve(x):
        return lean_rotate(x, rotation)
    first, second = x.chunk(2, dim=-1)
    turned = torch.cat([-second, first], dim=-1)
    result: Tensor = x * rotation[0] + turned * rotation[1]
    return result.to(x.dtype)
