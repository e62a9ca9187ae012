"""General text to measure on: how much a network forgets while it learns a style.

For: `nextstroke finetune`.
Knows: the three places such text comes from: the program's samples, a recipe's held-out files, a folder.
Must not know: training, adapters, how figures are told (`finetune_table.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.contracts.errors import CorpusError
from export.samples import read_text
from export.training.evaluation import HeldOut, read_heldout
from export.training.own_texts import read_own_texts
from export.training.recipe import Recipe
from export.training.tokenizer import TextTokenizer

GENERAL_BYTES = 30_000  # read of each general group
_SAMPLES = (("english", "en"), ("chinese", "zh"))


def general_samples(tokenizer: TextTokenizer) -> list[HeldOut]:
    """The program's own sample texts, one English and one Chinese, which its bundled model never saw."""
    return [_one(f"sample_{name}", language, [read_text(name)], tokenizer) for name, language in _SAMPLES]


def general_of_recipe(recipe: Recipe, tokenizer: TextTokenizer) -> list[HeldOut]:
    """The held-out documents of a recipe's groups. Raises `CorpusError` where it names none."""
    found = read_heldout(recipe.groups, tokenizer, GENERAL_BYTES)
    if not found:
        raise CorpusError(f"the recipe {recipe.name} names no held-out text, so nothing general can be measured on it")
    return found


def general_of_folder(place: Path, tokenizer: TextTokenizer) -> list[HeldOut]:
    """A folder of texts as one group, up to `GENERAL_BYTES` of it in the order of names."""
    texts, left = [], GENERAL_BYTES
    for _, text in read_own_texts(place).documents:
        if left > 0:
            texts.append(text[:left])
            left -= len(texts[-1].encode())
    return [_one("general", "", texts, tokenizer)]


def _one(name: str, language: str, texts: Sequence[str], tokenizer: TextTokenizer) -> HeldOut:
    return HeldOut(name, language, tuple((tokenizer.encode(text), len(text.encode())) for text in texts))
