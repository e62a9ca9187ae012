"""What MODEL_CARD.md says of n-grams beside a network.

For: the writer of the folder. Knows: figures, Markdown, the card's own headings. Must not know: torch, files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from export.training.model_card import as_table

if TYPE_CHECKING:
    from export.ngrams.build import Beside, Figures
    from export.ngrams.settings import NgramSettings

HEADING = "## N-grams beside the network"
_BEFORE = "## Samples, unedited"


@dataclass(frozen=True)
class Compared:
    """Other models on the same text; None: not asked for."""

    ppmd: Mapping[str, Any] | None = None
    before: Mapping[str, Any] | None = None  # with its "name"


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


def with_section(
    card: str, beside: Beside, figures: Mapping[str, Figures], compared: Compared, settings: NgramSettings
) -> str:
    """The card with the section in it, in the place of an older one."""
    ngrams = beside.ngrams
    text = (
        f"{HEADING}\n\n"
        f"The folder holds {ngrams.entries:,} n-grams of the training text, up to order {ngrams.order} "
        f"({len(beside.content) / 1e6:.1f} MB): interpolated Kneser-Ney, pruned to the most useful. For every token a "
        "gate weighs them against the network, by the network's logits and by how much the n-grams know; it was fitted "
        f"to {settings.reserved:.1%} of the documents, which were not counted. Programs that read the graph alone, as "
        "onnxruntime-genai does, run the network without them.\n\n"
        "Bits per byte of UTF-8 text, counted as above, lower is better; the network is this folder's rounded one. "
        'This program\'s answers are those of the column "both".\n\n'
        f"{table_of(figures, compared)}\n\n"
    )
    start = card.find(HEADING)
    if start >= 0:
        end = card.find("\n## ", start + 1)
        card = card[:start] + (card[end + 1 :] if end >= 0 else "")
    place = card.find(_BEFORE)
    return f"{card.rstrip()}\n\n{text.rstrip()}\n" if place < 0 else card[:place] + text + card[place:]


def _bits(model: Mapping[str, Any] | None, name: str, found: Figures) -> str:
    part = (model or {}).get("groups", {}).get(name)
    return f"{part['bits_per_byte']:.3f}" if part and part["bytes"] == found.bytes else ""
