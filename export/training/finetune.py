"""Teach a trained network one's own style: its checkpoint, one's own texts, and the recipe that brings them together.

For: `nextstroke finetune`.
Knows: how the settings of a run follow from the amount of text, what full and low-rank tuning train, and what the run's
checkpoints say of where they came from.
Must not know: how a step is done (`trainer.py`), how texts are read (`own_texts.py`), how figures are told
(`finetune_table.py`).

    OUTPUT/texts/training.jsonl, heldout.jsonl   the texts as they were read, frozen: a run that goes on sees the same
    OUTPUT/…                                     what every run leaves; final/ is an ordinary checkpoint, merged
    OUTPUT/before.json, finetune.json            held-out bits per byte before, and before beside after
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from engine.contracts.errors import CheckpointError, CorpusError, RecipeError, UsageError
from export.model.lora import add_adapters, narrowest
from export.training.corpus import Group
from export.training.recipe import Recipe, parse_recipe
from export.training.starting_point import StartingPoint

FULL, LORA = "full", "lora"
METHODS = (LORA, FULL)
OWN = "own_texts"  # the group's name in evaluations
RATES = {FULL: 1e-3, LORA: 5e-3}  # AdamW's peak rate; measured, see resources/manual/en/teaching_your_own_style.md
EPOCHS = 3  # how often the texts are read where --tokens says nothing
LEAST_TOKENS = 200  # about half a page

_MUON_PER_ADAM = 3.0  # of the rates with which such networks are trained from the start
_LONGEST_WINDOW, _LARGEST_BATCH, _FEWEST_STEPS = 512, 4096, 50
_ALPHA_PER_RANK = 2.0  # Hu et al. keep alpha fixed while the rank is tried; a rank's rate then stays what it is


@dataclass(frozen=True)
class Settings:
    """What the command line decides."""

    method: str = LORA
    rank: int = 8
    tokens: int | None = None
    rate: float | None = None
    seed: int = 1
    device: str = "auto"
    threads: int | None = None


@dataclass(frozen=True)
class Replay:
    """General text mixed in, so that less is forgotten: a recipe's groups, and their share of all windows."""

    recipe: Recipe
    share: float

    def groups(self) -> tuple[Group, ...]:
        """The recipe's groups by their weights in it, which together weigh `share` beside 1 - share of own text."""
        total = sum(group.weight for group in self.recipe.groups)
        kept = [group for group in self.recipe.groups if group.weight > 0]
        return tuple(replace(group, weight=self.share * group.weight / total, heldout=()) for group in kept)


def prepare_network(start: StartingPoint, settings: Settings) -> None:
    """Let the network learn as the method says. Raises `UsageError` or `CheckpointError` where it cannot."""
    if settings.method == FULL:
        return
    most = narrowest(start.model)
    if not most:
        raise CheckpointError(
            f"{start.name} is a recurrent network and has no attention or MLP matrices that adapters could be put on; "
            "use --method full"
        )
    if settings.rank > most:
        raise UsageError(
            f"--rank {settings.rank} is more than the {most} that this network's narrowest matrix has, so adapters "
            f"would be larger than what they adapt; take at most {most}, usually 4 to 32"
        )
    add_adapters(start.model, settings.rank, _ALPHA_PER_RANK * settings.rank, settings.seed)


def make_recipe(
    start: StartingPoint, files: tuple[Path, Path], counts: tuple[int, int], settings: Settings, replay: Replay | None
) -> Recipe:
    """The recipe of the run: `files` are training and held-out texts, `counts` their tokens."""
    if counts[0] < LEAST_TOKENS:
        raise CorpusError(
            f"the texts to learn from have {counts[0]} tokens together, too few to learn a style from; give at least a "
            "few pages"
        )
    text = files[0].read_text(encoding="utf-8")
    own = Group(OWN, 1.0 - (replay.share if replay else 0.0), files[:1], files[1:], language_of(text), "one's own")
    own = replace(own, description="texts of the person who fine-tuned this model")
    groups = (own, *(replay.groups() if replay else ()))
    source = _source(start, groups, counts[0], settings)
    recipe = parse_recipe(source, files[0].parent)
    table = finetuning_table(start, counts, settings, replay)
    return replace(recipe, groups=groups, source={**source, "finetuning": table})


def finetuning_table(
    start: StartingPoint, counts: tuple[int, int], settings: Settings, replay: Replay | None
) -> dict[str, Any]:
    """What the checkpoints keep beside the recipe: method, amounts, the network it began with; no file's name."""
    adapters = {"rank": settings.rank, "alpha": _ALPHA_PER_RANK * settings.rank} if settings.method == LORA else {}
    mixed = {"replay": replay.recipe.name, "replay_share": replay.share} if replay else {}
    return {
        "method": settings.method,
        **adapters,
        "rate": settings.rate or RATES[settings.method],
        "training_tokens": counts[0],
        "heldout_tokens": counts[1],
        **mixed,
        "base": _base(start),
    }


def _base(start: StartingPoint) -> dict[str, Any]:
    recipe, progress = start.training.get("recipe") or {}, start.training.get("progress") or {}
    groups = (recipe.get("corpus") or {}).get("group", [])
    words = ("name", "language", "licence", "description")
    base = {
        "name": start.name,
        "sha256": start.sha256,
        "licence": start.licence,
        "tokens": progress.get("tokens", 0),
        "groups": [{word: group.get(word, "") for word in words} for group in groups],
    }
    earlier = recipe.get("finetuning")
    return {**base, "finetuning": earlier} if earlier else base


def same_run(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether a checkpoint's [finetuning] table and this run's describe one run."""
    return {**before, "base": before.get("base", {}).get("sha256")} == {**now, "base": now["base"]["sha256"]}


def _source(start: StartingPoint, groups: Sequence[Group], own_tokens: int, settings: Settings) -> dict[str, Any]:
    config, rate = start.model.config, settings.rate or RATES[settings.method]
    tasks = (start.training.get("recipe") or {}).get("tasks", [])  # it keeps their formats, and some of the skill
    total = settings.tokens or EPOCHS * own_tokens
    length, batch, microbatch = _sizes(own_tokens, total, config.context_length)
    on_cpu = settings.device == "cpu" or not torch.cuda.is_available()
    table = ("name", "weight", "language", "licence", "description")
    return {
        "name": "finetuned",
        "title": f"{start.name}, fine-tuned",
        "licence": start.licence,
        "tasks": tasks,
        "model": config.to_dict(),
        "tokenizer": {"vocabulary": start.tokenizer.vocabulary},
        "training": {
            "tokens": max(total, batch),
            "seed": settings.seed,
            "batch_tokens": batch,
            "microbatch_tokens": microbatch,
            "muon_rate": _MUON_PER_ADAM * rate,
            "adam_rate": rate,
            "warmup_tokens": total // 20,
            "decay_tokens": total - total // 20,
            "final_rate": 0.05,
            "device": settings.device,
            "threads": settings.threads or 0,
            "workers": batch // microbatch if on_cpu else 1,
            "evaluate_every_tokens": max(total // 4, 1),
            "samples_every_tokens": 2 * total,  # the end shows some
            "prompts": list(_prompts(groups[0].language)),
        },
        "stage": [{"name": "own style", "length": length}],
        "corpus": {"group": [{word: getattr(group, word) for word in table} for group in groups]},
    }


def _sizes(own_tokens: int, total: int, context: int) -> tuple[int, int, int]:
    """Window, batch and microbatch in tokens: powers of two, small enough for many windows and at least 50 steps."""
    length = _power_of_two(min(_LONGEST_WINDOW, context, own_tokens // 8))
    batch = max(length, _power_of_two(min(_LARGEST_BATCH, total // _FEWEST_STEPS)))
    two = batch > length and (os.cpu_count() or 1) > 1
    return length, batch, batch // 2 if two else batch


def _power_of_two(most: int) -> int:
    return 1 << (max(most, 2).bit_length() - 1)


def language_of(text: str) -> str:
    """Chinese ("zh") where a fifth of the characters are, else "en": enough for a card and two prompts."""
    chinese = sum(1 for character in text if "\u4e00" <= character <= "\u9fff")
    return "zh" if chinese >= 0.2 * max(len(text), 1) else "en"


def _prompts(language: str) -> tuple[str, ...]:
    return ("那天晚上，", "他说：“") if language == "zh" else ("That evening", "“I think,” she said,")


def check_output(folder: Path, texts: Path, resume: bool) -> None:
    """Refuse a folder that would be read as text, or that holds another run, before anything is read."""
    if texts.is_dir() and folder.resolve().is_relative_to(texts.resolve()):
        raise UsageError(f"--output {folder} lies among the texts and would be read as one of them; name another place")
    if not resume and any(folder.glob("checkpoint-*")):
        raise RecipeError(f"{folder} already holds a run; add --resume or name another --output")
