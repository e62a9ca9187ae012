"""Teach tasks to a network that can already write: a run of the trainer that starts from a checkpoint.

For: `python -m export.tasks.train CHECKPOINT --recipe RECIPE --output RUN`.
Knows: that the run keeps the checkpoint's network and tokenizer, and that the recipe mixes tasks with plain text.
Must not know: how steps are made, what a task is.

A recipe of tasks is one like any other: its groups are task groups (`export.tasks.make`) and, so that writing does not
suffer, a share of the text that the network grew up with. The same groups can stand in a recipe that starts from
nothing; then `nextstroke train` does it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.contracts.errors import NextstrokeError, RecipeError
from export.training.checkpoint import Checkpoint, list_checkpoints, load_checkpoint
from export.training.files import write_atomically
from export.training.recipe import Recipe, load_recipe

RECIPE = Path(__file__).with_name("tiny-zh-en-tasks.toml")


def train(checkpoint: Path, recipe: Recipe, output: Path, cache: Path | None = None, resume: bool = False) -> bool:
    """Run the recipe from the checkpoint's weights; True when finished, False when a signal stopped it.

    Raises `RecipeError` where the recipe describes another network than the checkpoint's.
    """
    from export.model.architectures import build
    from export.training.trainer import Trainer

    start = load_checkpoint(checkpoint)
    if start.config != recipe.model:
        raise RecipeError(f"[model] is not the network in {checkpoint}; give both the same sizes")
    model = build(start.config)
    model.load_state_dict(start.model)
    output.mkdir(parents=True, exist_ok=True)
    if not resume and not list_checkpoints(output):
        write_atomically(output / "tokenizer.model", start.tokenizer)  # where the trainer looks first
    trainer = Trainer(_with_start(recipe, start), output, cache, model)
    return trainer.run(resume=resume)


def _with_start(recipe: Recipe, start: Checkpoint) -> Recipe:
    """The recipe that says what it started from: the model card's reader wants to know."""
    before = {"recipe": start.recipe.get("name", ""), "tokens": start.progress.tokens}
    return replace(recipe, source={**recipe.source, "start": before})


def main(arguments: Sequence[str] | None = None) -> int:
    """Fine-tune a checkpoint for tasks; 130 when stopped by a signal (a checkpoint is there)."""
    parser = argparse.ArgumentParser(prog="python -m export.tasks.train", description=main.__doc__)
    parser.add_argument("checkpoint", type=Path, metavar="CHECKPOINT", help="a checkpoint of `nextstroke train`")
    parser.add_argument("--recipe", type=Path, default=RECIPE, metavar="FILE", help="default: the one beside this file")
    parser.add_argument("--output", type=Path, required=True, metavar="RUN", help="the run's folder")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="where packed training text is kept")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")
    parser.add_argument("--resume", action="store_true", help="continue from the newest checkpoint of that folder")
    options = parser.parse_args(arguments)
    try:
        recipe = load_recipe(options.recipe, options.overrides)
        finished = train(options.checkpoint, recipe, options.output, options.cache, options.resume)
    except NextstrokeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status
    return 0 if finished else 130


if __name__ == "__main__":
    sys.exit(main())
