"""How many floating-point operations training takes: 6 N + 12 L H D T a token.

For: the dial for size, the share of the device's peak in the log, the plan of a run.
Knows: the usual count of a Transformer's training FLOPs. Must not know: torch, time, devices.

Each parameter that multiplies costs 2 operations forward and 4 backward (Kaplan et al. 2020, section 2.1); QKᵀ and
the product with V cost 4 L H D T forward and twice that backward, the causal half not taken off (Chowdhery et al.
2022, PaLM, appendix B; nanoGPT counts alike). A table that is only looked up multiplies nothing; a tied embedding is
also the head.
"""

from __future__ import annotations

import math

from export.model.config import ModelConfig
from export.model.recurrent_config import AnyConfig


def matrix_parameters(config: AnyConfig, head: bool = True) -> int:
    """Parameters that multiply: all matrices but looked-up tables; without the head where it is left out."""
    looked_up = {"token_embedding.weight", "position_embedding.weight", "head.weight"}
    shapes = config.tensor_shapes()
    inner = sum(
        math.prod(shape)
        for name, shape in shapes.items()
        if len(shape) == 2 and name not in looked_up and not name.startswith("value_embedding.")
    )
    last = shapes.get("head.weight", shapes["token_embedding.weight"])
    return inner + (math.prod(last) if head else 0)


def flops_per_token(config: AnyConfig, length: int, head: bool = True) -> int:
    """Forward and backward of one token in a window of `length` tokens."""
    if isinstance(config, ModelConfig):
        mixed = config.layers * config.heads * config.head_size
    else:
        mixed = config.units  # one layer of attention with one head
    return 6 * matrix_parameters(config, head) + 12 * mixed * length
