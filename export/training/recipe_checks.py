"""What the values of a recipe may be: ranges, choices, and how they must fit together.

For: `recipe.py`, which has read their types already.
Knows: the bounds below, and the one line that each mistake deserves.
Must not know: TOML, files, torch.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from engine.contracts.errors import RecipeError

if TYPE_CHECKING:
    from export.training.recipe import Recipe, Stage

STRATEGIES = ("ddp", "fsdp")
OPTIMIZERS = ("muon", "adamw")
TOKENIZER_KINDS = ("bpe", "unigram")
LEAST_COVERAGE = 0.98  # below it SentencePiece refuses

# [training]: whole numbers and their least value; fractions that must be above 0, or at least 0.
_LEAST = {
    **dict.fromkeys(
        ("tokens", "batch_tokens", "microbatch_tokens", "workers", "log_every_steps", "checkpoints_kept"), 1
    ),
    **dict.fromkeys(("evaluate_every_tokens", "samples_every_tokens"), 1),
    **dict.fromkeys(("seed", "threads", "warmup_tokens", "decay_tokens", "evaluation_bytes", "sample_tokens"), 0),
}
_ABOVE_ZERO = ("muon_rate", "adam_rate", "clip")
_AT_LEAST_ZERO = ("weight_decay", "checkpoint_minutes")


def check(recipe: Recipe) -> None:
    """Raises RecipeError at the first value that no run could have."""
    if not re.fullmatch(r"[^/\\\0]+", recipe.name) or recipe.name in (".", ".."):
        raise RecipeError(f"name is {recipe.name!r}, but the run's folder is called so: take a name without / and \\")
    _check_training(recipe)
    _check_tokenizer(recipe)
    if not recipe.groups:
        raise RecipeError("the recipe names no text; add at least one [[corpus.group]]")
    _check_stages(recipe)
    _check_other_tables(recipe)


def _check_training(recipe: Recipe) -> None:
    training = recipe.training
    for name, least in _LEAST.items():
        if getattr(training, name) < least:
            raise RecipeError(f"[training]: {name} must be at least {least}, not {getattr(training, name)}")
    for name in (*_ABOVE_ZERO, *_AT_LEAST_ZERO):
        value = getattr(training, name)
        low = name in _ABOVE_ZERO and value == 0
        if not 0 <= value < math.inf or low:  # also false for NaN
            bound = "above 0" if name in _ABOVE_ZERO else "at least 0"
            raise RecipeError(f"[training]: {name} must be {bound} and a number, not {value}")
    if not 0 <= training.final_rate <= 1:
        raise RecipeError(f"[training]: final_rate is a share of the peak, so from 0 to 1, not {training.final_rate}")
    if training.optimizer not in OPTIMIZERS:
        raise RecipeError(f"[training]: optimizer is {training.optimizer!r}, but must be {' or '.join(OPTIMIZERS)}")


def _check_tokenizer(recipe: Recipe) -> None:
    tokenizer = recipe.tokenizer
    if tokenizer.kind not in TOKENIZER_KINDS:
        raise RecipeError(f"[tokenizer]: kind is {tokenizer.kind!r}, but must be {' or '.join(TOKENIZER_KINDS)}")
    if tokenizer.sample_characters < 1:
        raise RecipeError(f"[tokenizer]: sample_characters must be at least 1, not {tokenizer.sample_characters}")
    if not LEAST_COVERAGE <= tokenizer.character_coverage <= 1:
        raise RecipeError(
            f"[tokenizer]: character_coverage must be from {LEAST_COVERAGE} to 1, not {tokenizer.character_coverage}"
        )


def _check_stages(recipe: Recipe) -> None:
    for stage in recipe.stages:
        if stage.tokens < 0:
            raise RecipeError(f"stage {stage.name!r} has {stage.tokens} tokens; leave tokens out, or give at least 1")
    if len([stage for stage in recipe.stages if not stage.tokens]) != 1:
        raise RecipeError("exactly one [[stage]] must have no tokens of its own: it takes the rest of training.tokens")
    previous = 0
    for stage, end in zip(recipe.stages, recipe.stage_ends(), strict=True):
        if end <= previous:
            raise RecipeError(
                f"training.tokens = {recipe.training.tokens} leaves nothing for stage {stage.name!r}; raise it"
            )
        previous = end
        _check_windows(recipe, stage)
        _check_weights(recipe, stage)


def _check_windows(recipe: Recipe, stage: Stage) -> None:
    training = recipe.training
    if not 1 < stage.length <= recipe.model.context_length:
        raise RecipeError(f"stage length {stage.length} is outside 2 to context_length {recipe.model.context_length}")
    if training.microbatch_tokens % stage.length or training.batch_tokens % training.microbatch_tokens:
        raise RecipeError(
            "microbatch_tokens must be a multiple of each stage's length, batch_tokens of microbatch_tokens"
        )


def _check_weights(recipe: Recipe, stage: Stage) -> None:
    unknown = set(stage.weights) - {group.name for group in recipe.groups}
    if unknown:
        raise RecipeError(f"stage {stage.name!r} weighs {', '.join(sorted(unknown))}, which no [[corpus.group]] names")
    if not any(stage.weights.get(group.name, group.weight) > 0 for group in recipe.groups):
        raise RecipeError(f"stage {stage.name!r} draws no text: all its groups weigh 0; give one a weight above 0")


def _check_other_tables(recipe: Recipe) -> None:
    if not recipe.distillation.temperature > 0 or not 0 <= recipe.distillation.mix <= 1:
        raise RecipeError("[distillation]: temperature must be above 0, and mix between 0 and 1")
    if recipe.distributed.strategy not in STRATEGIES:
        raise RecipeError(
            f"[distributed]: strategy is {recipe.distributed.strategy!r}, but must be {' or '.join(STRATEGIES)}"
        )
    if recipe.start.tokens < 0:
        raise RecipeError(f"[start]: tokens must be at least 0, not {recipe.start.tokens}")
    recipe.ngrams.check(frozenset(group.name for group in recipe.groups))
