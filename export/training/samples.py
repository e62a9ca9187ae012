"""Unedited samples from a model under training.

For: the run's log and the model card.
Knows: temperature and top-p over PyTorch logits, with a seed per sample; a small stand-in for the engine.
Must not know: files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from export.model.language_model import LanguageModel
from export.training.tokenizer import END_OF_TEXT_ID, TextTokenizer


@dataclass(frozen=True)
class Sample:
    """A prompt, how it was continued, and with what settings."""

    prompt: str
    continuation: str
    seed: int
    temperature: float
    top_p: float
    ended: bool  # the model ended its text; else the limit did

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


@torch.no_grad()
def sample(
    model: LanguageModel,
    tokenizer: TextTokenizer,
    prompt: str,
    tokens: int,
    seed: int,
    temperature: float = 0.8,
    top_p: float = 0.95,
) -> Sample:
    """Continue `prompt` by at most `tokens` tokens; the same arguments give the same text."""
    random = np.random.Generator(np.random.Philox(seed))
    start = [END_OF_TEXT_ID, *tokenizer.encode(prompt)]
    room = model.config.context_length - len(start)
    pending, made, ended = torch.tensor([start]), list[int](), False
    cache = model.new_cache()
    while len(made) < min(tokens, room) and not ended:
        logits = model(pending, cache)[0, -1].double().numpy()
        token = _draw(logits, random.random(), temperature, top_p)
        ended = token == END_OF_TEXT_ID
        if not ended:
            made.append(token)
        pending = torch.tensor([[token]])
    return Sample(prompt, tokenizer.decode(made), seed, temperature, top_p, ended)


def samples(
    model: LanguageModel, tokenizer: TextTokenizer, prompts: Sequence[str], tokens: int, seed: int
) -> list[Sample]:
    """One sample a prompt; the model is used on the CPU, where a seed means the same everywhere."""
    return [sample(model, tokenizer, prompt, tokens, seed + index) for index, prompt in enumerate(prompts)]


def _draw(logits: np.ndarray[Any, Any], uniform: float, temperature: float, top_p: float) -> int:
    order = np.argsort(-logits, kind="stable")
    weights = np.exp((logits[order] - logits[order[0]]) / temperature)
    cumulative = np.cumsum(weights / weights.sum())
    kept = int(np.searchsorted(cumulative, top_p)) + 1
    return int(order[int(np.searchsorted(cumulative[:kept] / cumulative[kept - 1], uniform))])
