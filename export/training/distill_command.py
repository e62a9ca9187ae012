"""`nextstroke distill RECIPE --teacher PATH`: train the recipe's network on a teacher's probabilities and the text.

Knows: its arguments, and the order of things. Must not know: torch at import time (help must be instant).
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine.contracts.errors import CheckpointError
from export.training.train_command import add_run_arguments, recipe_and_folder

if TYPE_CHECKING:
    from export.training.distill import OpenTeacher
    from export.training.distributed import Team
    from export.training.recipe import Recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add_run_arguments(parser)
    parser.add_argument(
        "--teacher",
        required=True,
        type=Path,
        metavar="PATH",
        help="a checkpoint or a model folder with the same tokens",
    )
    parser.add_argument("--tokenizer", type=Path, metavar="PATH", help="where the teacher's checkpoint brings none")


def run(arguments: argparse.Namespace) -> int:
    """Train; 0 when finished, 130 when stopped early by a signal (a checkpoint is there)."""
    from export.training.distributed import as_team

    return as_team(lambda team: _train(arguments, team))


def _train(arguments: argparse.Namespace, team: Team) -> int:
    from export.training.distill import open_teacher
    from export.training.distillation import Distillation
    from export.training.start import started
    from export.training.trainer import Trainer

    recipe, folder = recipe_and_folder(arguments)
    opened = open_teacher(
        arguments.teacher,
        getattr(arguments, "device", "auto"),
        getattr(arguments, "threads", None),
        tokenizer_file=arguments.tokenizer,
    )
    if arguments.resume:
        _same_teacher(folder, opened)
    recipe, model = started(_taught_by(recipe, opened), folder, arguments.resume)
    team.in_turn(lambda: _lay_out_tokenizer(recipe, folder, opened))
    how = recipe.distillation
    if team.leads:
        print(f"teacher: {opened.name}, temperature {how.temperature:g}, mix {how.mix:g}", file=sys.stderr)
    cache = Path(arguments.cache) if arguments.cache else None
    trainer = Trainer(recipe, folder, cache, model, Distillation(opened.teacher, how), team)
    return 0 if trainer.run(resume=arguments.resume) else 130


def _taught_by(recipe: Recipe, opened: OpenTeacher) -> Recipe:
    """The recipe as its checkpoints will hold it: with the teacher's name and digest, and no path of this computer."""
    how = replace(recipe.distillation, teacher=opened.name, teacher_sha256=opened.sha256)
    table = {
        "temperature": how.temperature,
        "mix": how.mix,
        "teacher": how.teacher,
        "teacher_sha256": how.teacher_sha256,
    }
    return replace(recipe, distillation=how, source={**recipe.source, "distillation": table})


def _lay_out_tokenizer(recipe: Recipe, folder: Path, opened: OpenTeacher) -> None:
    """Give the run the tokenizer that its recipe names, else the teacher's; refuse one that is not the teacher's."""
    from export.training.distill import check_teacher
    from export.training.files import write_atomically
    from export.training.tokenizer import TextTokenizer

    kept, named = folder / "tokenizer.model", recipe.tokenizer.file
    tokenizer = opened.tokenizer
    if kept.exists() or named:
        tokenizer = TextTokenizer.open(kept if kept.exists() else Path(named))
    check_teacher(opened, recipe, tokenizer)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(kept, tokenizer.model)


def _same_teacher(folder: Path, opened: OpenTeacher) -> None:
    """A run that goes on under another teacher would be neither run."""
    from export.training.checkpoint import newest_recipe

    recipe = newest_recipe(folder)
    before = str((recipe or {}).get("distillation", {}).get("teacher_sha256", ""))
    if recipe is not None and before != opened.sha256:
        known = f"by {before[:12]}…" if before else "without a teacher"
        raise CheckpointError(
            f"the run in {folder} was trained {known}, and the teacher given is {opened.sha256[:12]}…, so going on "
            "would be neither run; give the teacher it began with, or another --output"
        )
