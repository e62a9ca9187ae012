"""MODEL_CARD.md of a converted checkpoint: what it is, where it comes from, what the conversion cost, its limits.

Knows the manifest and the certificate. What is not known is said to be unknown; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.contracts.manifest import Manifest
from export.certificate import Certificate
from export.model.recurrent_config import read_config
from export.training.model_card import Beside, as_table
from export.training.model_card import model_card as training_card


def model_card(manifest: Manifest, certificate: Certificate, training: Mapping[str, Any]) -> str:
    """The text of the card; `training` is what the checkpoint says of its own training, possibly nothing."""
    parts = [
        f"# {manifest.name}",
        _what(manifest),
        _source(manifest, training),
        _quality(certificate),
        _limits(manifest),
    ]
    if training.get("evaluation"):
        # Trained here and measured: the trainer's own card, and what the conversion did to it.
        meta = {"config": manifest.config, "recipe": training["recipe"], "progress": training["progress"]}
        card = training_card(meta, training["evaluation"], Beside.of(training))
        parts = [card.strip(), _quality(certificate)]
    return "\n\n".join(parts) + "\n"


def _what(manifest: Manifest) -> str:
    config = read_config(manifest.config)
    groups = ", ".join(f"{group} {precision}" for group, precision in sorted(manifest.precision.items()))
    rows = [*config.parts(), ("vocabulary", f"{config.vocabulary_size:,} tokens"), ("precision", groups)]
    head = f"A {config.kind} of {config.parameters:,} parameters, of the family `{manifest.family}`."
    return f"{head}\n\n{as_table(('part', 'value'), rows)}"


def _source(manifest: Manifest, training: Mapping[str, Any]) -> str:
    lines = [f"Licence: {manifest.licence}. Languages: {', '.join(manifest.languages) or 'not stated'}.", ""]
    progress = training.get("progress") or {}
    if progress.get("tokens"):
        lines += [f"Trained on {int(progress['tokens']):,} tokens in {int(progress.get('step', 0)):,} steps.", ""]
    lines += ["| source file | SHA-256 |", "|---|---|"]
    lines += [f"| {file['name']} | `{file['sha256']}` |" for file in manifest.source.get("files", [])]
    return "## Source\n\n" + "\n".join(lines)


def _quality(certificate: Certificate) -> str:
    columns = ("text", "tokens", "perplexity before", "after", "KL divergence", "same most probable token")
    head = f"| {' | '.join(columns)} |\n|---|{'---:|' * (len(columns) - 1)}"
    rows = []
    for text in certificate.texts:
        before, after = text.perplexities
        figures = f"{before:,.2f} | {after:,.2f} | {text.kl_divergence:.5f} | {text.same_top_1:.1%}"
        rows.append(f"| {text.name} | {text.tokens} | {figures} |")
    table = "\n".join([head, *rows])
    return f"## Conversion\n\n{certificate.words()}\n\n{table}\n\nThe whole comparison is in `certificate.json`."


def _limits(manifest: Manifest) -> str:
    return (
        "## Limits\n\n"
        f"It sees at most {manifest.context_length} tokens. It continues text; it knows nothing, checks nothing, and "
        "writes plausible falsehoods. Read what it wrote before you use it."
    )
