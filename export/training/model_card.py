"""MODEL_CARD.md: what a trained model is, what it was made of, how good it is, and what it cannot do.

For: `python -m export.training.model_card CHECKPOINT --ppmd ppmd.json --output MODEL_CARD.md`, and the writer of model
folders.
Knows: checkpoint.json, evaluation.json, samples.json of a run and the baseline's JSON; Markdown.
Must not know: torch. Numbers are printed as measured, also where the baseline is better; samples are printed unedited.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.contracts.errors import CheckpointError, NextstrokeError, file_error
from export.model.recurrent_config import AnyConfig, read_config
from export.tasks.card import tasks_section
from export.training.card_words import abstract, languages, limits, training_rows
from export.training.files import write_atomically


@dataclass(frozen=True)
class Beside:
    """What a run may have beside its evaluation; each part of the card is left out where there is none."""

    samples: Sequence[Mapping[str, Any]] = ()
    ppmd: Mapping[str, Any] | None = None  # what ppmd_baseline wrote
    before: Mapping[str, Any] | None = None  # an earlier model's evaluation.json, with its "name"
    judgement: str = ""  # Markdown by a person who read the samples
    tasks: Mapping[str, Any] | None = None  # what export.tasks.score wrote

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Beside:
        """Taken from reports by name."""
        fields = (field.name for field in dataclasses.fields(cls))
        return cls(**{name: found[name] for name in fields if name in found})


def model_card(
    meta: Mapping[str, Any],
    evaluation: Mapping[str, Any],
    beside: Beside,
) -> str:
    """The card's Markdown; `meta` is the content of checkpoint.json, `evaluation` of evaluation.json."""
    try:
        config, recipe = read_config(meta["config"]), meta["recipe"]
        tokens, title = int(meta["progress"]["tokens"]), str(recipe.get("title", recipe.get("name", "model")))
        parts = [
            f"# {title}",
            _what_it_is(config, recipe, tokens),
            "## Architecture\n\n" + _architecture(config),
            "## Training text\n\n" + "\n\n".join([_data(recipe), *_earlier_data(recipe.get("finetuning"))]),
            "## Training\n\n" + as_table(("what", "value"), training_rows(config, recipe)),
            "## Quality on held-out text\n\n" + _quality(evaluation, beside.ppmd, beside.before),
            *(["## Tasks\n\n" + tasks_section(beside.tasks)] if beside.tasks else []),
            "## Samples, unedited\n\n" + _samples(beside.samples),
            *_judgement(beside.judgement),
            "## Limits\n\n" + limits(config, recipe),
            abstract(config, recipe, compared=beside.ppmd is not None),
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"the run's files do not fit together ({error!r}); take all of them from one run"
        ) from error
    return "\n\n".join(parts) + "\n"


def _what_it_is(config: AnyConfig, recipe: Mapping[str, Any], tokens: int) -> str:
    licence = recipe.get("licence") or "not stated"
    start = recipe.get("start", {})
    how = f"{'trained' if start.get('name') else 'trained from scratch'} on {tokens:,} tokens with the recipe "
    how += f"`{recipe.get('name', '')}`.{_start(config, start)}{_teacher(recipe)}"
    if recipe.get("finetuning"):
        how = f"{_finetuned(recipe['finetuning'])} on {tokens:,} tokens."
    text = f"{languages(recipe)} text".strip()
    return (
        f"A {config.kind} of {config.parameters:,} parameters for continuing {text} offline, {how}"
        f"\n\nLicence of the weights: {licence}."
    )


def _finetuned(table: Mapping[str, Any]) -> str:
    base = table["base"]
    adapters = f" with low-rank adapters (rank {table['rank']}, merged)" if "rank" in table else ""
    return f"fine-tuned{adapters} from {_escaped(base['name'])} (SHA-256 `{base['sha256']}`)"


def _earlier_data(table: Mapping[str, Any] | None) -> list[str]:
    """What a fine-tuned network had read before, and before that."""
    if not table:
        return []
    base, words = table["base"], ("name", "description", "language", "licence")
    if not base["groups"]:
        told = f"What {_escaped(base['name'])}, which it started from, had read stands in the model card of its folder."
        return [told, *_earlier_data(base.get("finetuning"))]
    made_of = [tuple(str(group.get(word, "")) for word in words) for group in base["groups"]]
    sentence = f"{_escaped(base['name'])}, which it started from, had read {int(base['tokens']):,} tokens of:"
    table_of_groups = as_table(("group", "what", "language", "licence"), made_of)
    return [sentence, table_of_groups, *_earlier_data(base.get("finetuning"))]


def _start(config: AnyConfig, start: Mapping[str, Any]) -> str:
    if not start.get("name"):
        return ""
    size, tokens = int(start["parameters"]), int(start["tokens"])
    grown = ", which were grown so that they computed the same" if size != config.parameters else ""
    name = _escaped(start["name"])
    return f" It started from the weights of {name}, {size:,} parameters after {tokens:,} tokens{grown}."


def _teacher(recipe: Mapping[str, Any]) -> str:
    how = recipe.get("distillation", {})
    if not how.get("teacher_sha256"):
        return ""
    return (
        f" It was taught by {_escaped(how['teacher'])}, SHA-256 `{how['teacher_sha256']}`: its loss is the text's next "
        f"token and the teacher's probabilities of all tokens (temperature {how['temperature']:g}, mix {how['mix']:g})."
    )


def _architecture(config: AnyConfig) -> str:
    vocabulary = ("vocabulary", f"{config.vocabulary_size:,} SentencePiece pieces with byte fallback")
    return as_table(("part", "value"), [*config.parts(), vocabulary])


def training_shares(recipe: Mapping[str, Any]) -> dict[str, float]:
    """Each group's share of all training tokens, its weights in every stage taken together."""
    total, groups = recipe["training"]["tokens"], recipe["corpus"]["group"]
    stages = recipe.get("stage") or [{}]
    rest = total - sum(stage.get("tokens", 0) for stage in stages)  # what the stage without a number takes
    shares = dict.fromkeys((group["name"] for group in groups), 0.0)
    for stage in stages:
        own = stage.get("weights", {})
        weights = {group["name"]: own.get(group["name"], group.get("weight", 1)) for group in groups}
        for name, weight in weights.items():
            shares[name] += stage.get("tokens", rest) / total * weight / sum(weights.values())
    return shares


def _data(recipe: Mapping[str, Any]) -> str:
    shares = training_shares(recipe)
    rows = [
        (
            f"`{group['name']}`",
            group.get("description", ""),
            group.get("language", ""),
            group.get("licence", ""),
            f"{shares[group['name']]:.1%}",
        )
        for group in sorted(recipe["corpus"]["group"], key=lambda group: -shares[group["name"]])
    ]
    head = ("group", "what", "language", "licence", "share")
    return as_table(head, rows) + "\n\nShares are of the training tokens, all stages together."


def _quality(evaluation: Mapping[str, Any], ppmd: Mapping[str, Any] | None, before: Mapping[str, Any] | None) -> str:
    """One row a group, a language and for all; the columns of a comparison only where there is one."""
    if not evaluation["groups"]:
        return "The recipe kept no text aside, so there are no figures."
    head = ["held-out text", "bytes", "this model"]
    head += [f"PPMd order {ppmd['order']}", "beats it"] if ppmd else []
    head += [_escaped(str(before["name"])), "change"] if before else []

    def row(title: str, part: Mapping[str, Any], other: Any = None, old: Any = None) -> list[str]:
        bits = part["bits_per_byte"]
        cells = [title, f"{part['bytes']:,}", f"{bits:.3f}"]
        return cells + (_beaten(bits, other) if ppmd else []) + (_change(part, old) if before else [])

    others, olds = (ppmd or {"groups": {}})["groups"], before or {"groups": {}, "languages": {}, "all": None}
    rows = [row(f"`{n}`", part, others.get(n), olds["groups"].get(n)) for n, part in evaluation["groups"].items()]
    rows += [row(f"all {n}", part, None, olds["languages"].get(n)) for n, part in evaluation["languages"].items()]
    rows += [row("all", evaluation["all"], None, olds["all"])]
    note = (
        "Bits per byte of UTF-8 text, lower is better. Each document stands alone, after the end-of-text token; that "
        "token itself is not counted."
    )
    note += " PPMd read the whole training part of the group first." if ppmd else ""
    return note + "\n\n" + as_table(head, rows)


def _beaten(bits: float, other: Mapping[str, Any] | None) -> list[str]:
    if other is None:
        return ["", ""]
    return [f"{other['bits_per_byte']:.3f}", "yes" if bits < other["bits_per_byte"] else "**no**"]


def _change(now: Mapping[str, Any], old: Mapping[str, Any] | None) -> list[str]:
    if old is None or old["bytes"] != now["bytes"]:  # another text: figures that must not stand side by side
        return ["", ""]
    return [f"{old['bits_per_byte']:.3f}", f"{now['bits_per_byte'] / old['bits_per_byte'] - 1:+.1%}"]


def _judgement(text: str) -> list[str]:
    return [f"## What it can and cannot do\n\n{text.strip()}"] if text.strip() else []


def _samples(samples: Sequence[Mapping[str, Any]]) -> str:
    if not samples:
        return "None were kept."
    parts = []
    for item in samples:
        how = f"seed {item['seed']}, temperature {item['temperature']:g}, top-p {item['top_p']:g}"
        end = "" if item["ended"] else " […]"
        text = f"**{_escaped(item['prompt'])}**{_escaped(item['continuation'])}{end}"
        parts.append(f"{how}:\n\n" + "\n".join(f"> {line}" if line else ">" for line in text.split("\n")))
    return "The prompt is bold; the rest is as the model wrote it, the first try of each seed.\n\n" + "\n\n".join(parts)


def _escaped(text: str) -> str:
    # The card shows the text's own characters, never their Markdown or HTML meaning.
    return "".join(f"\\{character}" if character in "\\`*_<>[]#|&" else character for character in text)


def as_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)


def read_text(path: Path) -> str:
    """A text file beside a run, or one line that says which cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise file_error(error, f"read {path}") from error


def read_json(path: Path) -> Any:
    """A JSON file of a run, or one line that says which is missing or damaged."""
    try:
        return json.loads(read_text(path))
    except ValueError as error:
        raise CheckpointError(f"{path} is cut off or not JSON; run the training's last step again") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the model card of a checkpoint folder."""
    parser = argparse.ArgumentParser(prog="python -m export.training.model_card", description=main.__doc__)
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="the checkpoint folder, as RUN/final")
    parser.add_argument("--evaluation", metavar="FILE", help="default: evaluation.json beside the checkpoint")
    parser.add_argument("--samples", metavar="FILE", help="default: samples.json beside the checkpoint")
    parser.add_argument("--ppmd", metavar="FILE", help="what export.training.ppmd_baseline wrote")
    parser.add_argument("--before", metavar="FILE", help='evaluation.json of an earlier model, with a "name"')
    parser.add_argument("--tasks", metavar="FILE", help="what export.tasks.score wrote")
    parser.add_argument("--judgement", metavar="FILE", help="Markdown by a person who read the samples")
    parser.add_argument("--output", required=True, metavar="FILE")
    options = parser.parse_args(arguments)
    folder = Path(options.checkpoint)
    try:
        card = model_card(
            read_json(folder / "checkpoint.json"),
            read_json(Path(options.evaluation or folder.parent / "evaluation.json")),
            Beside(
                read_json(Path(options.samples or folder.parent / "samples.json")),
                read_json(Path(options.ppmd)) if options.ppmd else None,
                read_json(Path(options.before)) if options.before else None,
                read_text(Path(options.judgement)) if options.judgement else "",
                read_json(Path(options.tasks)) if options.tasks else None,
            ),
        )
        write_atomically(Path(options.output), card.encode())
    except NextstrokeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
