"""How well a model folder does its tasks: chrF on held-out pairs, beside baselines that need no model.

For: `python -m export.tasks.score MODEL_FOLDER GROUPS --output RUN/tasks.json`; the model card reads that file.
Knows: the files of `export.tasks.make`, sacrebleu's chrF (Popović 2015): chrF2, up to 6 characters.
Must not know: how answers are made.

    {"signature": …, "tasks": {name: {"pairs": n, "chrf": {"model": …, "copy": …, …}, "empty": share of empty answers,
                                      "samples": [{"source", "target", "answer"}, …]}}}

Samples are the first held-out pairs, whatever came out.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.contracts.errors import CorpusError, MissingExtraError, NextstrokeError, UsageError
from engine.contracts.manifest import MANIFEST_NAME, Manifest, read_manifest
from engine.contracts.tasks import TaskFormat
from export.tasks.answers import Engine, open_engine
from export.tasks.baselines import baselines
from export.tasks.formats import group_name
from export.tasks.pairs import Pair
from export.training.corpus import read_documents
from export.training.files import write_json

MOST_PAIRS = 200
SAMPLES = 5


def chrf(answers: Sequence[str], targets: Sequence[str]) -> tuple[float, str]:
    """(score from 0 to 100, sacrebleu's signature) over the whole of it."""
    try:
        from sacrebleu.metrics.chrf import CHRF
    except ImportError as error:
        raise MissingExtraError("scoring tasks needs the package sacrebleu; install the extra `test`") from error
    metric = CHRF()
    return float(metric.corpus_score(list(answers), [list(targets)]).score), str(metric.get_signature())


def read_pairs(task: TaskFormat, file: Path) -> list[Pair]:
    """The pairs of a task group. Raises `CorpusError` for a missing or damaged file."""
    try:
        return [task.parse(document) for document in read_documents(file)]
    except UsageError as error:
        raise CorpusError(f"{file}: {error}") from error


def score_task(engine: Engine, task: TaskFormat, groups: Path, most: int = MOST_PAIRS) -> dict[str, Any]:
    """One task's entry of the report; at most `most` held-out pairs, evenly spread."""
    name = group_name(task)
    held = read_pairs(task, groups / f"{name}.heldout.jsonl.xz")
    if not held:
        raise CorpusError(f"{groups} holds no held-out pair of the task {task.name}; make the groups again")
    held = [held[index * len(held) // min(most, len(held))] for index in range(min(most, len(held)))]
    sources, targets = [source for source, _ in held], [target for _, target in held]
    ours = [engine.answer(task, source) for source in sources]
    others = baselines(task, read_pairs(task, groups / f"{name}.jsonl.xz"), sources)
    scores = {who: round(chrf(said, targets)[0], 2) for who, said in {"model": ours, **others}.items()}
    rows = zip(sources, targets, ours, strict=True)
    samples = [{"source": source, "target": target, "answer": answer} for source, target, answer in rows][:SAMPLES]
    empty = sum(not answer for answer in ours) / len(ours)
    return {"pairs": len(held), "chrf": scores, "empty": round(empty, 3), "samples": samples}


def score(folder: Path, groups: Path, most: int = MOST_PAIRS) -> dict[str, Any]:
    """The report on all tasks of a model folder. Raises `UsageError` for a model without any."""
    manifest = _manifest(folder)
    if not manifest.tasks:
        raise UsageError(f"{folder} was trained for no task, so there is nothing to score; take another model folder")
    found = {}
    with open_engine(folder) as engine:
        for task in manifest.tasks:
            found[task.name] = score_task(engine, task, groups, most)
            figures = "  ".join(f"{who} {value:.1f}" for who, value in found[task.name]["chrf"].items())
            print(f"{task.name:18} {found[task.name]['pairs']:4} pairs   {figures}", file=sys.stderr)
    return {"signature": chrf(["a"], ["a"])[1], "tasks": found}


def _manifest(folder: Path) -> Manifest:
    try:
        return read_manifest((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{folder} is no model folder; convert a checkpoint with `nextstroke export`") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Score a model folder's tasks with chrF beside baselines."""
    parser = argparse.ArgumentParser(prog="python -m export.tasks.score", description=main.__doc__)
    parser.add_argument("folder", type=Path, metavar="MODEL_FOLDER")
    parser.add_argument("groups", type=Path, metavar="GROUPS", help="what `export.tasks.make` wrote")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the report for the model card")
    parser.add_argument(
        "--most", type=int, default=MOST_PAIRS, metavar="N", help=f"pairs a task (default {MOST_PAIRS})"
    )
    options = parser.parse_args(arguments)
    try:
        report = score(options.folder, options.groups, max(1, options.most))
        if options.output:
            write_json(options.output, report)
        else:
            print(json.dumps(report, ensure_ascii=False, indent=1))
    except NextstrokeError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main())
