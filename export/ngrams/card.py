"""What MODEL_CARD.md says of n-grams beside a network.

For: the writer of the folder. Knows: figures, Markdown, the card's own headings. Must not know: torch, files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.contracts.errors import CheckpointError
from export.training.model_card import as_table

if TYPE_CHECKING:
    from export.ngrams.build import Built, Figures
    from export.training.recipe import Recipe

HEADING = "## N-grams beside the network"
_BEFORE = "## Samples, unedited"


@dataclass(frozen=True)
class Compared:
    """Other models on the same text; None: not asked for."""

    ppmd: Mapping[str, Any] | None = None
    before: Mapping[str, Any] | None = None  # with its "name"

    def check(self) -> None:
        """Raises `CheckpointError` where a file is none of these: before hours of work, not after."""
        for found, flag, key in ((self.ppmd, "--ppmd", "order"), (self.before, "--before", "name")):
            if found is None:
                continue
            groups = found.get("groups") if isinstance(found, dict) else None
            parts = groups.values() if isinstance(groups, dict) else [None]
            complete = all(isinstance(part, dict) and {"bytes", "bits_per_byte"} <= set(part) for part in parts)
            if not isinstance(found, dict) or key not in found or not complete:
                raise CheckpointError(
                    f'{flag} takes a JSON object with "groups" of "bytes" and "bits_per_byte", and a "{key}"; '
                    "add what is missing"
                )


def table_of(figures: Mapping[str, Figures], compared: Compared) -> str:
    """A Markdown table, a row for each held-out group."""
    head = ["held-out text", "bytes", "network", "n-grams", "both"]
    head += [f"PPMd order {compared.ppmd['order']}"] if compared.ppmd else []
    head += [str(compared.before["name"]), "change"] if compared.before else []
    rows = []
    for name, found in figures.items():
        row = [f"`{name}`", f"{found.bytes:,}", *(f"{v:.3f}" for v in (found.network, found.ngrams, found.both))]
        row += [_bits(compared.ppmd, name, found)] if compared.ppmd else []
        if compared.before:
            old = _bits(compared.before, name, found)
            row += [old, f"{found.both / float(old) - 1:+.1%}" if old else ""]
        rows.append(row)
    return as_table(head, rows)


def section_of(built: Built, figures: Mapping[str, Figures], compared: Compared, recipe: Recipe) -> str:
    """The section of the card: what was counted, how it is used, what it is worth."""
    ngrams, settings = built.ngrams, recipe.ngrams
    counted = [group for group in recipe.groups if settings.weights.get(group.name, 1.0) > 0]
    texts = ", ".join(f"`{group.name}` ({group.licence or 'licence not stated'})" for group in counted)
    text = (
        f"{HEADING}\n\n"
        f"The folder holds {ngrams.entries:,} n-grams, up to order {ngrams.order} ({len(built.content) / 1e6:.1f} MB): "
        "interpolated Kneser-Ney, pruned to the most useful. For every token a gate weighs them against the network, "
        "by the network's logits and by how much the n-grams know. Programs that read the graph alone, as "
        "onnxruntime-genai does, run the network without them.\n\n"
        f"Counted in the text of the recipe `{recipe.name}`: {texts}. Of each group {settings.reserved:.1%} of the "
        f"documents were not counted; the gate was fitted to at most {settings.gate_tokens:,} of their tokens, which "
        "the network may have been trained on."
    )
    if not figures:
        return f"{text}\n\nThe recipe kept no text aside, so there are no figures.\n"
    return (
        f"{text}\n\n"
        "Bits per byte of UTF-8 text that neither has seen, each document on its own; lower is better. The network is "
        'this folder\'s rounded one; this program answers as the column "both" says.\n\n'
        f"{table_of(figures, compared)}\n"
    )


def with_section(card: str, section: str) -> str:
    """The card with the section in it, in the place of an older one."""
    start = card.find(HEADING)
    if start >= 0:
        end = card.find("\n## ", start + 1)
        card = card[:start] + (card[end + 1 :] if end >= 0 else "")
    place = card.find(_BEFORE)
    if place < 0:
        return f"{card.rstrip()}\n\n{section}"
    return f"{card[:place]}{section}\n{card[place:]}"


def _bits(model: Mapping[str, Any] | None, name: str, found: Figures) -> str:
    part = (model or {}).get("groups", {}).get(name)
    return f"{part['bits_per_byte']:.3f}" if part and part["bytes"] == found.bytes else ""
