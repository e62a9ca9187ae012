"""`nextstroke train RECIPE`: the face of the trainer.

Knows: its arguments. Must not know: torch at import time (help must be instant).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from engine.contracts.errors import RecipeError

if TYPE_CHECKING:
    from export.training.distributed import Team
    from export.training.recipe import Recipe

_RECIPES = Path(__file__).parent / "recipes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add_run_arguments(parser)


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """What every command takes that trains from a recipe."""
    parser.add_argument("recipe", metavar="RECIPE", help="a recipe file, or the name of a bundled one")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides", help="change one recipe value"
    )
    parser.add_argument("--output", metavar="DIR", help="the run's folder (default: runs/NAME)")
    parser.add_argument("--cache", metavar="DIR", help="where packed training text is kept (default: DIR/packed)")
    parser.add_argument("--resume", action="store_true", help="continue from the newest checkpoint of that folder")


def run(arguments: argparse.Namespace) -> int:
    """Train; 0 when finished, 130 when stopped early by a signal (a checkpoint is there)."""
    from export.training.distributed import as_team

    return as_team(lambda team: _train(arguments, team))


def _train(arguments: argparse.Namespace, team: Team) -> int:
    from export.training.start import started
    from export.training.trainer import Trainer

    recipe, folder = recipe_and_folder(arguments)
    recipe, model = started(recipe, folder, arguments.resume)
    trainer = Trainer(recipe, folder, Path(arguments.cache) if arguments.cache else None, model, team=team)
    return 0 if trainer.run(resume=arguments.resume) else 130


def recipe_and_folder(arguments: argparse.Namespace) -> tuple[Recipe, Path]:
    """The recipe with all that the command line changes in it, and the folder of the run."""
    from export.training.checkpoint import newest_recipe
    from export.training.recipe import load_recipe

    overrides = list(arguments.overrides)
    # The flags that every command has; written like this they may also be absent.
    if getattr(arguments, "device", "auto") != "auto":
        overrides.append(f"training.device={arguments.device}")
    if getattr(arguments, "threads", None):
        overrides.append(f"training.threads={arguments.threads}")
    recipe = load_recipe(find_recipe(arguments.recipe), overrides)
    folder = Path(arguments.output) if arguments.output else Path("runs") / recipe.name
    if arguments.resume and recipe.derived:  # what the dial said when the run began, it says to its end
        recipe = load_recipe(find_recipe(arguments.recipe), overrides, earlier=newest_recipe(folder))
    return recipe, folder


def find_recipe(name: str) -> Path:
    """A path as given, or a bundled recipe by its name."""
    path = Path(name)
    if path.exists():
        return path
    bundled = _RECIPES / f"{name.removesuffix('.toml')}.toml"
    if bundled.exists():
        return bundled
    names = ", ".join(sorted(item.stem for item in _RECIPES.glob("*.toml")))
    raise RecipeError(f"there is no recipe {name}; give a file, or one of: {names}")
