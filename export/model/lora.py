"""Low-rank adapters: a frozen matrix plus a small trained one of two factors (LoRA, Hu et al. 2021).

For: fine-tuning, which trains the factors alone and adds them into their matrices at the end.
Knows: the formula, and which matrices of a layer get adapters.
Must not know: trainers, files, text.

    x (…, in) ──┬── W (out, in), frozen ──────────────────────────────┬─ + ── y (…, out)
                └── A (rank, in), random ── B (out, rank), zero ── alpha / rank ──┘

B starts at zero, so an adapted network first computes exactly what it computed before.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ADAPTED = ("attention.query", "attention.key", "attention.value", "attention.output", "mlp.gate", "mlp.up", "mlp.down")
FACTORS = ("lora_a", "lora_b")  # how the factors are named beside their matrix


class AdaptedLinear(nn.Linear):
    """A linear layer whose own weight and bias stay as they are; only the factors A and B are trained."""

    def __init__(self, linear: nn.Linear, rank: int, alpha: float, generator: torch.Generator) -> None:
        nn.Module.__init__(self)  # takes the tensors of `linear` as its own instead of making new ones
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.weight, self.bias = linear.weight, linear.bias
        self.scale = alpha / rank
        bound = math.sqrt(3.0 / self.in_features)  # uniform of variance 1 / in: A x is as large as x
        factor = torch.empty(rank, self.in_features).uniform_(-bound, bound, generator=generator)
        self.lora_a = nn.Parameter(factor.to(self.weight.device))
        self.lora_b = nn.Parameter(torch.zeros(self.out_features, rank, device=self.weight.device))

    def forward(self, x: Tensor) -> Tensor:
        small = F.linear(F.linear(x, self.lora_a), self.lora_b)
        return F.linear(x, self.weight, self.bias) + self.scale * small

    def merged(self) -> Tensor:
        """W + alpha / rank · B A, (out, in)."""
        return self.weight.detach() + self.scale * (self.lora_b.detach() @ self.lora_a.detach())


def add_adapters(network: nn.Module, rank: int, alpha: float, seed: int) -> int:
    """Freeze `network` and give every ADAPTED matrix of its layers an adapter; returns the number of new parameters.

    0 where the network has no such matrix, as a recurrent one; the same seed gives the same factors.
    """
    network.requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    found = [(name, module) for name, module in network.named_modules() if name.endswith(ADAPTED)]
    added = 0
    for name, module in found:
        if isinstance(module, nn.Linear):
            parent, _, own_name = name.rpartition(".")
            adapted = AdaptedLinear(module, rank, alpha, generator)
            setattr(network.get_submodule(parent), own_name, adapted)
            added += adapted.lora_a.numel() + adapted.lora_b.numel()
    return added


def is_factor(name: str) -> bool:
    """Whether a tensor's name is that of an adapter's factor."""
    return name.endswith(FACTORS)


def merged_weights(network: nn.Module) -> dict[str, Tensor]:
    """The name of every adapted matrix -> itself with its adapter added."""
    modules = network.named_modules()
    return {f"{name}.weight": module.merged() for name, module in modules if isinstance(module, AdaptedLinear)}


def narrowest(network: nn.Module) -> int:
    """The largest rank that any ADAPTED matrix of the network can have; 0 where it has none."""
    modules = network.named_modules()
    shapes = [
        module.weight.shape for name, module in modules if name.endswith(ADAPTED) and isinstance(module, nn.Linear)
    ]
    return min((min(shape) for shape in shapes), default=0)
