"""`nextstroke finetune CHECKPOINT TEXTS --output DIR`: teach a trained network one's own style, and measure it.

Knows: its arguments, and the order of things. Must not know: torch at import time (help must be instant).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.contracts.command_line import positive_int
from engine.contracts.errors import CheckpointError, UsageError

if TYPE_CHECKING:
    from export.model.language_model import LanguageModel
    from export.training.evaluation import HeldOut
    from export.training.finetune import Replay, Settings
    from export.training.recipe import Recipe
    from export.training.tokenizer import TextTokenizer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "checkpoint", type=Path, metavar="CHECKPOINT", help="what is taught: a checkpoint or a model folder"
    )
    parser.add_argument("texts", type=Path, metavar="TEXTS", help="a folder of .txt, .md and .docx files, or one file")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="the run's folder")
    parser.add_argument("--method", choices=("lora", "full"), default="lora", help="adapters, or every weight")
    parser.add_argument(
        "--rank", type=positive_int, default=8, metavar="N", help="of the adapters (default: %(default)s)"
    )
    parser.add_argument(
        "--tokens", type=positive_int, metavar="N", help="how many are read (default: the texts 3 times)"
    )
    parser.add_argument(
        "--rate", type=_between_0_and_1, metavar="R", help="peak learning rate (default: 5e-3 lora, 1e-3 full)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="order of the windows, and the adapters' start"
    )
    parser.add_argument(
        "--general", metavar="PLACE", help="what else is measured: a folder or a recipe (default: the sample texts)"
    )
    parser.add_argument("--replay", metavar="RECIPE", help="mix a recipe's texts in, so that less is forgotten")
    parser.add_argument(
        "--replay-share", type=_between_0_and_1, default=0.25, metavar="X", help="of all windows (default: 0.25)"
    )
    parser.add_argument("--corpus", metavar="DIR", help="where the texts of those two recipes lie")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="where packed text is kept (default: DIR/packed)")
    parser.add_argument("--tokenizer", type=Path, metavar="PATH", help="where the checkpoint brings none")
    parser.add_argument("--resume", action="store_true", help="continue from the newest checkpoint of that folder")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Tune; 0 when finished, 130 when stopped early by a signal (a checkpoint is there)."""
    from export.training.distributed import Place
    from export.training.files import write_atomically
    from export.training.finetune import check_output, make_recipe, prepare_network
    from export.training.starting_point import open_starting_point
    from export.training.trainer import Trainer

    if Place.from_environment().count > 1:
        raise UsageError("fine-tuning runs in one process, and several were started; start it without torchrun")
    folder, settings = arguments.output, _settings(arguments)
    check_output(folder, arguments.texts, arguments.resume)
    start = open_starting_point(arguments.checkpoint, arguments.tokenizer)
    files = _frozen_texts(arguments)
    counts = (_count(files[0], start.tokenizer), _count(files[1], start.tokenizer))
    recipe = make_recipe(start, files, counts, settings, _replay(arguments))
    if arguments.resume:
        _same_run(folder, recipe)
    measured = _measured(arguments, recipe, start.tokenizer)
    prepare_network(start, settings)
    write_atomically(folder / "tokenizer.model", start.tokenizer.model)
    trainer = Trainer(recipe, folder, arguments.cache, model=start.model)
    before = _before(folder, trainer.model, start.name, measured, arguments.resume)
    if not trainer.run(resume=arguments.resume):
        return 130
    _report(folder, trainer, measured, before, arguments.json)
    return 0


def _settings(arguments: argparse.Namespace) -> Settings:
    from export.training.finetune import Settings

    return Settings(
        method=arguments.method,
        rank=arguments.rank,
        tokens=arguments.tokens,
        rate=arguments.rate,
        seed=arguments.seed,
        device=getattr(arguments, "device", "auto"),
        threads=getattr(arguments, "threads", None),
    )


def _frozen_texts(arguments: argparse.Namespace) -> tuple[Path, Path]:
    """The texts of this run as files: read now, or as they were read when the run began."""
    from export.training.own_texts import read_own_texts, split, write_split

    place = arguments.output / "texts"
    paths = place / "training.jsonl", place / "heldout.jsonl"
    if arguments.resume and all(path.exists() for path in paths):
        _say("going on with the texts as they were read when the run began")
        return paths
    found = read_own_texts(arguments.texts)
    for name, reason in found.left_out:
        _say(f"left out: {name} {reason}")
    parts = split([text for _, text in found.documents])
    _say(f"{len(found.documents)} texts; {len(parts.heldout)} of them or a tail kept aside to measure on")
    return write_split(place, parts)


def _count(path: Path, tokenizer: TextTokenizer) -> int:
    from export.training.corpus import read_documents

    return sum(len(tokenizer.encode(text)) + 1 for text in read_documents(path))


def _replay(arguments: argparse.Namespace) -> Replay | None:
    from export.training.finetune import Replay

    return Replay(_recipe(arguments.replay, arguments), arguments.replay_share) if arguments.replay else None


def _recipe(name: str, arguments: argparse.Namespace) -> Recipe:
    from export.training.recipe import load_recipe
    from export.training.train_command import find_recipe

    # Absolute: an override is read from where the recipe lies, and this one was typed where the person stands.
    folder = [f"corpus.folder={Path(arguments.corpus).absolute()}"] if arguments.corpus else []
    return load_recipe(find_recipe(name), folder)


def _measured(arguments: argparse.Namespace, recipe: Recipe, tokenizer: TextTokenizer) -> list[HeldOut]:
    """The style's held-out text first, then the general ones."""
    from export.training.evaluation import read_heldout
    from export.training.general_texts import general_of_folder, general_of_recipe, general_samples

    own, general = read_heldout(recipe.groups, tokenizer), arguments.general
    if not general:
        return own + general_samples(tokenizer)
    if Path(general).is_dir() or Path(general).suffix.lower() in (".txt", ".md", ".docx"):
        return own + general_of_folder(Path(general), tokenizer)
    return own + general_of_recipe(_recipe(general, arguments), tokenizer)


def _before(folder: Path, model: LanguageModel, name: str, measured: list[HeldOut], resume: bool) -> Any:
    """The evaluation of the untouched network, new adapters being nothing yet; kept for a run that goes on.

    With its name it is what the model card sets beside the new figures.
    """
    from export.training.evaluation import evaluate
    from export.training.files import write_json
    from export.training.model_card import read_json

    kept = folder / "before.json"
    if not (resume and kept.exists()):
        _say("measuring before")
        write_json(kept, {"name": name, **evaluate(model, measured)})
    return read_json(kept)


def _same_run(folder: Path, recipe: Recipe) -> None:
    from export.training.checkpoint import newest_recipe
    from export.training.finetune import same_run

    before = newest_recipe(folder)
    if before is not None and not same_run(before.get("finetuning", {}), recipe.source["finetuning"]):
        raise CheckpointError(
            f"the run in {folder} began with another checkpoint, method, rank or rate, so going on would be neither "
            "run; give what it began with, or another --output"
        )


def _report(folder: Path, trainer: Any, measured: list[HeldOut], before: Any, as_json: bool) -> None:
    from export.training.evaluation import evaluate
    from export.training.files import write_json
    from export.training.finetune_table import compare, table_lines

    _say("measuring after")
    after = evaluate(trainer.model, measured)
    progress, table = trainer.progress, trainer.recipe.source["finetuning"]
    report = compare(before, after, trainer.recipe.groups[0].name, table, progress.tokens, progress.seconds)
    write_json(folder / "finetune.json", report)
    write_json(folder / "evaluation.json", after)
    print(json.dumps(report, ensure_ascii=False) if as_json else "\n".join(table_lines(report)))


def _between_0_and_1(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
