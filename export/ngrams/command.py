"""`nextstroke ngrams RECIPE FOLDER OUTPUT`: the model folder once more, with n-grams of a text beside its network.

Knows: its arguments. Must not know: torch at import time (help must be instant).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.contracts.errors import UsageError
from engine.contracts.manifest import MANIFEST_NAME
from export.export_command import demand_extra, stopping_cleanly
from export.progress import part, reporter


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("recipe", metavar="RECIPE", help="a recipe file, or the name of a bundled one: text, [ngrams]")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="the model folder whose network they stand beside")
    parser.add_argument("output", metavar="OUTPUT", type=Path, help="the model folder to write")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides", help="change one recipe value"
    )
    parser.add_argument("--cache", type=Path, metavar="DIR", help="where packed text is kept (default: runs/packed)")
    parser.add_argument("--ppmd", type=Path, metavar="FILE", help="for the card: what ppmd_baseline wrote")
    parser.add_argument(
        "--before", type=Path, metavar="FILE", help='for the card: an earlier model\'s evaluation.json, with a "name"'
    )
    parser.add_argument("--force", action="store_true", help="replace OUTPUT if it is a model folder already")


def run(arguments: argparse.Namespace) -> int:
    """Count, fit, measure, write, and say what it is worth."""
    demand_extra()
    if not arguments.output.name:
        raise UsageError(f"{arguments.output} is no name for a folder; name one that does not exist yet")
    folder, output = arguments.folder.resolve(), arguments.output.resolve()
    if folder != output and folder.is_relative_to(output):
        raise UsageError(f"{arguments.folder} lies in {arguments.output}, which would be replaced; choose another name")
    if not (arguments.folder / MANIFEST_NAME).is_file():
        raise UsageError(
            f"{arguments.folder} is no model folder of this program; make one of a checkpoint with `nextstroke export`"
        )
    with stopping_cleanly():
        _run(arguments)
    return 0


def _run(arguments: argparse.Namespace) -> None:
    import torch

    from export.folder_writer import check_target
    from export.ngrams.build import build_ngrams, figures_of
    from export.ngrams.card import Compared, section_of, table_of
    from export.ngrams.folder import write_folder
    from export.ngrams.text import read_texts
    from export.training.corpus import pack
    from export.training.evaluation import read_heldout
    from export.training.model_card import read_json
    from export.training.recipe import load_recipe
    from export.training.starting_point import open_starting_point
    from export.training.train_command import find_recipe

    check_target(arguments.output, arguments.force)
    if getattr(arguments, "threads", None):
        torch.set_num_threads(arguments.threads)
    recipe = load_recipe(find_recipe(arguments.recipe), arguments.overrides)
    report = reporter(False)
    report(0.0, "reading")
    start = open_starting_point(arguments.folder)
    start.model.eval().requires_grad_(False)
    compared = Compared(*(read_json(file) if file else None for file in (arguments.ppmd, arguments.before)))
    compared.check()
    cache = arguments.cache or Path("runs") / "packed"
    heldout = read_heldout(recipe.groups, start.tokenizer)
    groups = [group for group in recipe.groups if recipe.ngrams.weights.get(group.name, 1.0) > 0]
    texts = read_texts([pack(group, start.tokenizer, cache) for group in groups], recipe.ngrams)
    built = build_ngrams(start.model, texts, recipe.ngrams, part(report, 0.05, 0.7))
    figures = figures_of(start.model, built, heldout, part(report, 0.7, 0.95))
    section = section_of(built, figures, compared, recipe)
    write_folder(arguments.folder, arguments.output, built.content, section, arguments.force)
    report(1.0, "done")
    print(
        f"{arguments.output}: {built.ngrams.entries:,} n-grams up to order {built.ngrams.order}, "
        f"{len(built.content) / 1e6:.1f} MB; bits per byte of held-out text:"
    )
    print(table_of(figures, compared))
    worse = [name for name, found in figures.items() if found.both > found.network]
    if worse:
        print(f"the n-grams make it worse on {', '.join(worse)}: give more text, or more entries", file=sys.stderr)
