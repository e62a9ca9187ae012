"""Variants of one recipe, trained one after the other on the same text, in one table: what a choice is worth.

For: `python -m export.training.compare_recipes RECIPE --variant NAME [KEY=VALUE …] … --output DIR`: vocabularies and
kinds of tokenizer, blocks, mixtures.
Knows: how to give each variant the same amount of text, and which figures are put side by side.
Must not know: how training works.

Equal text, not equal tokens: a vocabulary that cuts text into fewer tokens gets fewer of them, so that every variant
has read the same bytes; its bits per byte are then comparable, and so are the seconds that it took.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.contracts.errors import NextstrokeError
from export.training.corpus import PackedGroup, read_documents
from export.training.files import write_json
from export.training.model_card import read_json, training_shares
from export.training.recipe import Recipe, load_recipe
from export.training.tokenizer import TextTokenizer
from export.training.train_command import find_recipe
from export.training.trainer import Trainer


@dataclass(frozen=True)
class Variant:
    """A name and the `table.key=value` overrides that make it."""

    name: str
    overrides: tuple[str, ...]


def tokens_per_byte(recipe: Recipe, packed: Sequence[PackedGroup]) -> float:
    """Tokens for a byte of the recipe's mixture; a group's share is one of tokens, as the sampler draws it."""
    shares, size = training_shares(recipe.source), 0.0
    for item in packed:
        text = sum(len(text.encode()) for path in item.group.files for text in read_documents(path))
        size += shares[item.group.name] * text / max(1, len(item.tokens))  # bytes that this share of a token stands for
    return 1 / size


def compare(path: Path, variants: Sequence[Variant], folder: Path) -> list[dict[str, Any]]:
    """Train every variant; one row of figures each. The first one's tokens decide how much text all of them read."""
    rows: list[dict[str, Any]] = []
    text_bytes = 0.0
    for variant in variants:
        place, cache = folder / variant.name, folder / "packed"
        recipe = load_recipe(path, variant.overrides)
        first = Trainer(recipe, place, cache)
        density = tokens_per_byte(recipe, first.packed)
        text_bytes = text_bytes or recipe.training.tokens / density
        tokens = round(text_bytes * density)
        recipe = load_recipe(path, [*variant.overrides, f"training.tokens={tokens}"])
        Trainer(recipe, place, cache).run(resume=True)
        rows.append(_row(variant, recipe, place, first.tokenizer))
        write_json(folder / "comparison.json", rows)
    return rows


def _row(variant: Variant, recipe: Recipe, place: Path, tokenizer: TextTokenizer) -> dict[str, Any]:
    evaluation = read_json(place / "evaluation.json")
    return {
        "name": variant.name,
        "overrides": list(variant.overrides),
        "parameters": recipe.model.parameters,
        "vocabulary": tokenizer.vocabulary,
        "tokens": evaluation["progress"]["tokens"],
        "seconds": evaluation["progress"]["seconds"],
        "bytes_per_token": {
            name: part["bytes"] / max(1, part["tokens"]) for name, part in evaluation["languages"].items()
        },
        "bits_per_byte": {
            **{name: part["bits_per_byte"] for name, part in evaluation["languages"].items()},
            "all": evaluation["all"]["bits_per_byte"],
        },
        "groups": {name: part["bits_per_byte"] for name, part in evaluation["groups"].items()},
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as Markdown, bytes per token and bits per byte by language."""
    languages = list(rows[0]["bytes_per_token"])
    head = ["variant", "parameters", *(f"bytes a token, {name}" for name in languages), "tokens", "seconds"]
    head += [f"bits per byte, {name}" for name in [*languages, "all"]]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        cells = [row["name"], f"{row['parameters']:,}", *(f"{row['bytes_per_token'][name]:.2f}" for name in languages)]
        cells += [f"{row['tokens']:,}", f"{row['seconds']:.0f}"]
        cells += [f"{row['bits_per_byte'][name]:.3f}" for name in [*languages, "all"]]
        lines.append(cells)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train the variants and print their table; `comparison.json` in the folder has every group too."""
    parser = argparse.ArgumentParser(prog="python -m export.training.compare_recipes", description=main.__doc__)
    parser.add_argument("recipe", metavar="RECIPE")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides", help="for all")
    parser.add_argument("--variant", action="append", nargs="+", required=True, metavar=("NAME", "KEY=VALUE"))
    parser.add_argument("--output", required=True, type=Path, metavar="DIR")
    options = parser.parse_args(arguments)
    variants = [Variant(name, (*options.overrides, *own)) for name, *own in options.variant]
    try:
        rows = compare(find_recipe(options.recipe), variants, options.output)
    except NextstrokeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
