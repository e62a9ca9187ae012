"""How well a model predicts text it has never seen: bits per byte, by group and language.

For: the trainer (in part, while training; in full, at the end) and the model card.
Knows: how a long document is cut into windows, and what is counted.
Must not know: optimizers, checkpoints.

Counted: every token of every held-out document, each given END_OF_TEXT and the text before it. The END_OF_TEXT that
would follow the document is neither predicted nor counted, so bits and bytes speak of exactly the same text. A document
longer than the context is read in windows that move by half a context, so each token sees at least that much before it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from export.model.language_model import LanguageModel
from export.model.loss import IGNORED, token_losses
from export.training.corpus import Group, read_documents
from export.training.tokenizer import END_OF_TEXT_ID, TextTokenizer


@dataclass(frozen=True)
class HeldOut:
    """Held-out documents of one group."""

    group: str
    language: str
    documents: tuple[tuple[list[int], int], ...]  # (token ids, bytes of text)


def read_heldout(groups: Sequence[Group], tokenizer: TextTokenizer, limit_bytes: int | None = None) -> list[HeldOut]:
    """All held-out documents, or the first `limit_bytes` of each group; files are read to their ends all the same, so
    that damage is found before a run and not at its end.
    """
    result = []
    for group in groups:
        left, documents = math.inf if limit_bytes is None else limit_bytes, []
        for text in (text for path in group.heldout for text in read_documents(path)):
            if left <= 0:
                continue
            if len(text) > left:
                text = text[: int(left)]
            documents.append((tokenizer.encode(text), len(text.encode())))
            left -= documents[-1][1]
        if documents:
            result.append(HeldOut(group.name, group.language, tuple(documents)))
    return result


Windows = Sequence[tuple[list[int], list[int]]]
"""(inputs, targets) of one forward pass."""
Total = Callable[[Callable[[LanguageModel, Windows], float], Sequence[Windows]], float]
"""(task, pieces) -> the sum of task(model, piece); several processes share the pieces out."""


@torch.no_grad()
def evaluate(
    model: LanguageModel, heldout: Sequence[HeldOut], rows: int = 8, total_of: Total | None = None
) -> dict[str, Any]:
    """{"groups": {name: …}, "languages": {name: …}, "all": …}, each {bits_per_byte, nats_per_token, tokens, bytes}."""
    if total_of is None:
        total_of = lambda task, pieces: sum(task(model, piece) for piece in pieces)  # noqa: E731
    groups: dict[str, tuple[float, int, int]] = {}
    languages: dict[str, tuple[float, int, int]] = {}
    total = (0.0, 0, 0)
    for item in heldout:
        windows = [w for ids, _ in item.documents for w in cut_windows(ids, model.config.context_length)]
        windows.sort(key=lambda pair: len(pair[0]))  # rows of one batch have similar lengths
        nats = total_of(_nats, [windows[start : start + rows] for start in range(0, len(windows), rows)])
        part = (nats, sum(len(ids) for ids, _ in item.documents), sum(size for _, size in item.documents))
        groups[item.group] = part
        languages[item.language] = _plus(languages.get(item.language, (0.0, 0, 0)), part)
        total = _plus(total, part)
    return {
        "groups": {name: _report(*part) for name, part in groups.items()},
        "languages": {name: _report(*part) for name, part in languages.items()},
        "all": _report(*total),
    }


def cut_windows(ids: list[int], context: int) -> list[tuple[list[int], list[int]]]:
    """(inputs, targets) of at most `context` tokens; every token of `ids` is a target exactly once."""
    inputs = [END_OF_TEXT_ID, *ids][: len(ids)]
    windows = []
    done = 0
    while done < len(ids):
        end = min(len(ids), done + (context if done == 0 else context // 2))
        start = max(0, end - context)
        windows.append((inputs[start:end], [IGNORED] * (done - start) + ids[done:end]))
        done = end
    return windows


def _nats(model: LanguageModel, windows: Windows) -> float:
    longest = max(len(inputs) for inputs, _ in windows)
    # Padding stands behind the text, where causal attention cannot see it.
    tokens = torch.tensor([inputs + [0] * (longest - len(inputs)) for inputs, _ in windows])
    targets = torch.tensor([goals + [IGNORED] * (longest - len(goals)) for _, goals in windows])
    device = model.head_weight.device
    hidden: Tensor = model.hidden(tokens.to(device))
    return float(token_losses(hidden, model.head_weight, targets.to(device)).double().sum())


def _plus(one: tuple[float, int, int], two: tuple[float, int, int]) -> tuple[float, int, int]:
    return one[0] + two[0], one[1] + two[1], one[2] + two[2]


def _report(nats: float, tokens: int, size: int) -> dict[str, float | int]:
    bits = nats / math.log(2) / max(1, size)
    return {"bits_per_byte": bits, "nats_per_token": nats / max(1, tokens), "tokens": tokens, "bytes": size}
