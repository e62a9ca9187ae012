"""What the networks of a checkpoint attend to, as plain numbers for a JSON file.

For: the manual's page on the two networks.
Knows: checkpoints, tokenizers, attention maps, and how far numbers are rounded.
Must not know: drawing.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from export.model.architectures import build
from export.model.attention_maps import attention_maps, logits_without_looking_back
from export.model.language_model import LanguageModel
from export.training.checkpoint import load_checkpoint
from export.training.tokenizer import END_OF_TEXT_ID, TextTokenizer

DIGITS = 4
START = ""  # the label of the token that every text starts with; a figure has its own word for it


@torch.no_grad()
def attended(checkpoint: Path, texts: tuple[str, ...]) -> list[dict[str, Any]]:
    """For each text {text, tokens, maps (layers, heads, T, T), next: [token, probability] after each position}."""
    model, tokenizer = _opened(checkpoint)
    found = []
    for text in texts:
        ids = [END_OF_TEXT_ID, *tokenizer.encode(text)]
        logits = model(torch.tensor([ids]), naive=True)[0]  # (T, V)
        found.append(
            {
                "text": text,
                "tokens": [START, *(tokenizer.decode([token]) for token in ids[1:])],
                "maps": _rounded(attention_maps(model, ids).tolist()),
                "next": [_most_probable(row, tokenizer) for row in logits],
            }
        )
    return found


@torch.no_grad()
def answers(checkpoint: Path, prompts: tuple[str, ...]) -> list[dict[str, Any]]:
    """For each prompt {prompt, seeing, blind}: the next [token, probability], with attention on and off."""
    model, tokenizer = _opened(checkpoint)
    found = []
    for prompt in prompts:
        ids = [END_OF_TEXT_ID, *tokenizer.encode(prompt)]
        seeing, blind = model(torch.tensor([ids]))[0, -1], logits_without_looking_back(model, ids)[-1]
        found.append(
            {"prompt": prompt, "seeing": _most_probable(seeing, tokenizer), "blind": _most_probable(blind, tokenizer)}
        )
    return found


def _most_probable(logits: Tensor, tokenizer: TextTokenizer) -> list[Any]:
    probability, token = logits.softmax(dim=-1).max(dim=-1)
    return [tokenizer.decode([int(token)]), round(float(probability), DIGITS)]


def _opened(checkpoint: Path) -> tuple[LanguageModel, TextTokenizer]:
    found = load_checkpoint(checkpoint)
    model = build(found.config)
    model.load_state_dict(found.model)
    return model, TextTokenizer(found.tokenizer)


def _rounded(value: Any) -> Any:
    return [_rounded(item) for item in value] if isinstance(value, list) else round(value, DIGITS)
