"""`nextstroke train RECIPE`: the face of the trainer.

Knows: its arguments. Must not know: torch at import time (help must be instant).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from engine.contracts.command_line import positive_int
from engine.contracts.errors import RecipeError

if TYPE_CHECKING:
    from export.training.distributed import Team
    from export.training.recipe import Recipe

_RECIPES = Path(__file__).parent / "recipes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    add_run_arguments(parser)
    parser.add_argument(
        "--processes",
        type=positive_int,
        default=1,
        metavar="N",
        help="share the work out among N processes of this machine: one for each GPU (default: 1)",
    )
    parser.add_argument(
        "--plan", action="store_true", help="print what the run would take in time and memory, and train nothing"
    )
    parser.add_argument("--devices", type=positive_int, metavar="N", help="plan for N devices (default: --processes)")
    parser.add_argument(
        "--device-kind",
        default="cpu",
        metavar="KIND",
        help="plan for h100, a100-80, … (default: this processor, timed)",
    )
    parser.add_argument(
        "--share-of-peak",
        type=float,
        default=0.4,
        metavar="X",
        help="how much of its peak a device is taken to reach (default: 0.4)",
    )


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
    if arguments.plan:
        return _print_plan(arguments)
    from export.training.distributed_launch import is_launched, launch

    if arguments.processes > 1 and not is_launched():
        return launch(arguments.processes, sys.argv[1:])
    from export.training.distributed import as_team

    return as_team(lambda team: _train(arguments, team))


def _print_plan(arguments: argparse.Namespace) -> int:
    from export.model.config import ModelConfig
    from export.training.plan import make_plan
    from export.training.plan_devices import device_kind
    from export.training.plan_report import plan_lines

    recipe, _ = recipe_and_folder(arguments)
    config = recipe.model
    inner = config.mlp_width if isinstance(config, ModelConfig) else 4 * config.units
    kind = device_kind(arguments.device_kind, config.width, inner)
    plan = make_plan(recipe, arguments.devices or arguments.processes, kind, arguments.share_of_peak)
    print("\n".join(plan_lines(plan)))
    return 0


def _train(arguments: argparse.Namespace, team: Team) -> int:
    from export.training.start import started
    from export.training.trainer import Trainer

    recipe, folder = recipe_and_folder(arguments)
    recipe, model = started(recipe, folder, arguments.resume)
    trainer = Trainer(recipe, folder, Path(arguments.cache) if arguments.cache else None, model, team=team)
    return 0 if trainer.run(resume=arguments.resume) else 130


def recipe_and_folder(arguments: argparse.Namespace) -> tuple[Recipe, Path]:
    """The recipe with all that the command line changes in it, and the folder of the run."""
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
        from export.training.checkpoint import newest_recipe

        recipe = load_recipe(find_recipe(arguments.recipe), overrides, earlier=newest_recipe(folder))
    return recipe, folder


def find_recipe(name: str) -> Path:
    """A path as given, or a bundled recipe by its name."""
    path = Path(name)
    if path.is_dir():
        raise RecipeError(f"{path} is a folder, not a recipe; give a .toml file or the name of a bundled recipe")
    if path.exists():
        return path
    bundled = _RECIPES / f"{name.removesuffix('.toml')}.toml"
    if bundled.exists():
        return bundled
    names = ", ".join(sorted(item.stem for item in _RECIPES.glob("*.toml")))
    raise RecipeError(f"there is no recipe {name}; give a file, or one of: {names}")
