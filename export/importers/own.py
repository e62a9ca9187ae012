"""The project's own checkpoints: a folder with checkpoint.json, model.safetensors and tokenizer.model.

Knows the layout of `export/training/checkpoint.py`. The tensors have canonical names: the table is the identity.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from engine.contracts.errors import CheckpointError, UsageError
from engine.contracts.tasks import read_tasks
from export.importers.opened import Family, Opened
from export.importers.readers import SafetensorsReader, read_json
from export.importers.rules import Rule, Table
from export.model.recurrent_config import read_config

FORMAT, VERSION = "nextstroke-checkpoint", 1
# Held-out bits per byte: the model's, PPMd's and an earlier model's; the scores of its tasks.
REPORTS = ("evaluation", "ppmd", "before", "tasks")
JUDGEMENT = "judgement.md"  # what a person who read its samples says of it


def _open(path: Path) -> Opened:
    folder = path if path.is_dir() else path.parent
    meta = read_json(folder / "checkpoint.json")
    if meta.get("format") != FORMAT:
        raise CheckpointError(
            f"{folder}/checkpoint.json does not describe a Nextstroke checkpoint; name another folder"
        )
    if meta.get("version") != VERSION:
        raise CheckpointError(
            f"{folder}/checkpoint.json has version {meta.get('version')}, this program reads {VERSION}; "
            "update the program"
        )
    if "shards" in meta:
        raise CheckpointError(
            f"{folder} holds its weights in parts, for a run to go on from; give the folder `final` of that run, which "
            "appears when it has ended"
        )
    config = read_config(_table(meta, "config"))
    recipe, progress = _table(meta, "recipe"), _table(meta, "progress")
    weights = folder / "model.safetensors"
    try:
        read_tasks(recipe.get("tasks", []))
    except UsageError as error:
        raise CheckpointError(f"{folder}/checkpoint.json is cut off or damaged ({error}); fetch it again") from error
    return Opened(
        family=FORMAT,
        config=config,
        table=Table(tuple(Rule(name, (name,)) for name in config.tensor_shapes())),
        reader=SafetensorsReader([weights]),
        files=(folder / "checkpoint.json", weights),
        tokenizer=folder,
        end_of_text=0,
        begins_with_end_of_text=True,
        languages=_languages(recipe),
        licence=str(recipe.get("licence", "unknown")),
        training={"recipe": recipe, "progress": progress, **_reports(folder)},
    )


def _table(meta: dict[str, Any], name: str) -> dict[str, Any]:
    value = meta.get(name)
    return value if isinstance(value, dict) else {}


def _reports(folder: Path) -> dict[str, Any]:
    """What the trainer measured, when it lies in the checkpoint or beside it (RUN/final, RUN/evaluation.json)."""
    places = [(name, place / f"{name}.json") for name in REPORTS for place in (folder.parent, folder)]
    found: dict[str, Any] = {name: read_json(file) for name, file in places if file.is_file()}
    samples = [file for file in (folder.parent / "samples.json", folder / "samples.json") if file.is_file()]
    if samples:
        found["samples"] = read_json(samples[-1], list)
    if (folder.parent / JUDGEMENT).is_file():
        found["judgement"] = (folder.parent / JUDGEMENT).read_text(encoding="utf-8", errors="replace")
    return found


def _languages(recipe: dict[str, Any]) -> tuple[str, ...]:
    """The languages of the training text, as its recipe lists them."""
    corpus = recipe.get("corpus")
    groups = corpus.get("group", []) if isinstance(corpus, dict) else []
    found = [str(group["language"]) for group in groups if isinstance(group, dict) and "language" in group]
    return tuple(dict.fromkeys(found))


def _recognises(path: Path) -> bool:
    folder = path.parent if path.name in ("checkpoint.json", "model.safetensors") else path
    return (folder / "checkpoint.json").is_file()


FAMILY = Family(FORMAT, "a checkpoint folder of `nextstroke train`", _recognises, _open)
