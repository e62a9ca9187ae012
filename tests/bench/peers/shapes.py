"""The networks that are measured: shapes of published models, the weights are random.

For: whoever writes their checkpoint or converts it. Knows sizes; must not know files, or a program that runs them.
"""

from __future__ import annotations

from dataclasses import dataclass

GPT2, LLAMA = "gpt2", "llama"


@dataclass(frozen=True)
class Shape:
    """`family` decides the maths: GPT-2's, or Llama's (rotary positions, RMS norm, SwiGLU); the head is tied."""

    title: str
    family: str
    vocabulary: int
    context: int
    layers: int
    width: int
    heads: int
    kv_heads: int
    mlp_width: int

    @property
    def head_size(self) -> int:
        """Channels of a head."""
        return self.width // self.heads


SHAPES = {
    "gpt2-124m": Shape("GPT-2 124M", GPT2, 50257, 1024, 12, 768, 12, 12, 3072),
    "llama-135m": Shape("Llama 135M", LLAMA, 49152, 1024, 30, 576, 9, 3, 1536),
    # To see that everything runs; nothing is learned from their figures.
    "tiny-gpt2": Shape("tiny GPT-2", GPT2, 4096, 1024, 2, 64, 2, 2, 256),
    "tiny-llama": Shape("tiny Llama", LLAMA, 4096, 1024, 2, 96, 3, 1, 192),
}
