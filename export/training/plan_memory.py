"""The memory that training takes on one device, in bytes, by what it holds.

For: `--plan`.
Knows: what the trainer, its optimizers and its two strategies keep, and what autograd keeps of the GPT's forward pass.
Must not know: torch, devices' sizes, how it is printed. A test holds it to what PyTorch really keeps on a CPU.

Kept for every parameter, in float32 whatever the products are computed in (Micikevicius et al. 2018):

    weight 4    gradient 4    Muon's momentum 4, or AdamW's two moments 8

FSDP divides all three by the number of devices, row by row (ZeRO stage 3: Rajbhandari et al. 2020).

Activations are counted tensor by tensor as the layers save them for the backward pass, the way of Korthikanti et al.
2022 (section 4) for this GPT. Of one token, with s bytes in the products (2 in bfloat16, 4 in float32):

    each norm      input 4 C (`lean_ops` keeps x / rms in its place), and its statistics; an RMSNorm with a bias that
                   is not fused keeps both: 4 C more
    attention      input s C, q k v 3 s H D, output s H D;
                   fused: 4 H of statistics; on a CPU the probabilities, s H (T + block) / 2
    MLP            input s C, SwiGLU 4 s M, GELU 2 s M
    loss           s C of gradient that was computed ahead, 8 of token id
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from export.model.config import ModelConfig
from export.model.recurrent_config import AnyConfig
from export.training.plan_devices import DeviceKind

FULL, HALF = 4, 2  # bytes of float32, bfloat16
LOSS_CHUNK = 256  # tokens whose logits exist at a time (`loss.CHUNK_TOKENS`)
BLOCK = 128  # queries at a time on a CPU (`block_attention.BLOCK`)


@dataclass(frozen=True)
class Memory:
    """Bytes on one device."""

    weights: int
    gradients: int
    optimizer: int
    copies: int  # bfloat16 copies of matrices; under FSDP whole layers while they compute, and their gradients
    activations: int
    working: int  # the loss' logits, or a layer's gradients on their way back, whichever is more

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.gradients + self.optimizer + self.copies + self.activations + self.working


def memory(
    config: AnyConfig, rule: str, microbatch: int, length: int, kind: DeviceKind, devices: int = 1, fsdp: bool = False
) -> Memory:
    """What one of `devices` holds; `microbatch` tokens at a time in windows of `length`, matrices updated by `rule`."""
    shares = devices if fsdp else 1
    weights = FULL * sum(share_of(shape, shares) for shape in config.tensor_shapes().values())
    activations = activation_bytes(config, microbatch, length, kind) if isinstance(config, ModelConfig) else 0
    return Memory(
        weights=weights,
        gradients=weights,
        optimizer=optimizer_bytes(config, rule, shares),
        copies=_gathered(config, kind) if fsdp else _half_copies(config, kind),
        activations=activations,
        working=_working(config, microbatch, kind),
    )


def share_of(shape: tuple[int, ...], shares: int) -> int:
    """Numbers of the largest share of a tensor whose rows are dealt out."""
    return -(-shape[0] // shares) * math.prod(shape[1:])


def is_matrix(name: str, shape: tuple[int, ...]) -> bool:
    """Whether a tensor is a matrix inside the layers: Muon's, and multiplied in bfloat16."""
    return len(shape) == 2 and name.startswith("layers.")


def optimizer_bytes(config: AnyConfig, rule: str, shares: int = 1) -> int:
    """Muon's momenta and AdamW's moments and step counters, as `MixedOptimizer` deals parameters out to them."""
    total = 0
    for name, shape in config.tensor_shapes().items():
        by_muon = rule == "muon" and is_matrix(name, shape)
        total += FULL * share_of(shape, shares) * (1 if by_muon else 2) + (0 if by_muon else FULL)
    return total


def activation_bytes(config: ModelConfig, microbatch: int, length: int, kind: DeviceKind) -> int:
    """What the forward pass of one microbatch leaves for the backward pass."""
    s = HALF if kind.half else FULL
    width, mixed = config.width, config.heads * config.head_size
    rms = config.norm == "rms"
    both = rms and config.norm_bias and not kind.fused
    norm = FULL * (width * (2 if both else 1) + (1 if rms else 2))
    kept = min(length, (length + BLOCK) / 2)  # mean number of keys whose probabilities a query keeps
    scores = FULL * config.heads if kind.fused else s * config.heads * kept
    attention = s * (width + 3 * mixed + mixed) + scores
    mlp = s * (width + (4 if config.mlp == "swiglu" else 2) * config.mlp_width)
    token = config.layers * (2 * norm + attention + mlp) + norm + s * width + 8
    head = FULL * config.vocabulary_size * width  # the loss computes its gradient ahead as well
    return round(microbatch * token + head)


def _half_copies(config: AnyConfig, kind: DeviceKind) -> int:
    """Autocast keeps a bfloat16 copy of each matrix until the backward pass is through."""
    if not kind.half:
        return 0
    return HALF * sum(math.prod(shape) for name, shape in config.tensor_shapes().items() if is_matrix(name, shape))


def _gathered(config: AnyConfig, kind: DeviceKind) -> int:
    """FSDP: two layers whole (one computes, the next arrives) and one layer's gradient, as computed and as it is sent.

    The embeddings, the last norm and the head are whole in float32, their gradient too.
    """
    s = HALF if kind.half and kind.fused else FULL
    shapes = config.tensor_shapes()
    layer = sum(math.prod(shape) for name, shape in shapes.items() if name.startswith("layers.0."))
    rest = sum(math.prod(shape) for name, shape in shapes.items() if not name.startswith("layers."))
    copies = 0 if kind.fused else _half_copies(config, kind)
    return 2 * s * layer + (s + FULL) * layer + 3 * FULL * rest + copies


def _working(config: AnyConfig, microbatch: int, kind: DeviceKind) -> int:
    s = HALF if kind.half else FULL
    loss = LOSS_CHUNK * config.vocabulary_size * (s + 2 * FULL)
    if not isinstance(config, ModelConfig):
        return loss
    return max(loss, microbatch * (3 * s * config.mlp_width + 2 * FULL * config.width))
