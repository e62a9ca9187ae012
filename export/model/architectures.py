"""Which module a configuration builds, and greedy continuation with either kind.

For: the trainer, its samples and its evaluation, and the reference of a conversion.
"""

from __future__ import annotations

import torch

from export.model.gpt import GPT
from export.model.language_model import LanguageModel
from export.model.recurrent import RecurrentNetwork
from export.model.recurrent_config import AnyConfig, RecurrentConfig


def build(config: AnyConfig) -> LanguageModel:
    """The module of that configuration, its weights not yet set."""
    return RecurrentNetwork(config) if isinstance(config, RecurrentConfig) else GPT(config)


@torch.no_grad()
def generate_greedy(model: LanguageModel, prompt: list[int], new_tokens: int, stop: int | None = None) -> list[int]:
    """The most probable continuation, token by token through the cache; ends at `stop` or when the context is full."""
    pending, made = torch.tensor([prompt]), list[int]()
    cache = model.new_cache()
    limit = min(new_tokens, model.config.context_length - len(prompt) + 1)
    while len(made) < limit:
        token = int(model(pending, cache)[0, -1].argmax())
        if token == stop:
            break
        made.append(token)
        pending = torch.tensor([[token]])
    return made
