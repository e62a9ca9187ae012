"""MODEL_CARD.md of a converted checkpoint: what it is, where it comes from, what the conversion cost, its limits.

Knows the manifest and the certificate. What is not known is said to be unknown; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.contracts.manifest import Manifest
from export.certificate import Certificate


def model_card(manifest: Manifest, certificate: Certificate, training: Mapping[str, Any]) -> str:
    """The text of the card; `training` is what the checkpoint says of its own training, possibly nothing."""
    parts = [
        f"# {manifest.name}",
        _what(manifest),
        _source(manifest, training),
        _data(training),
        _heldout(training),
        _quality(certificate),
        _limits(manifest),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _what(manifest: Manifest) -> str:
    config = manifest.config
    sizes = (
        f"{config['layers']} layers, width {config['width']}, {config['heads']} heads over {config['kv_heads']} "
        f"key/value heads, {config['positions']} positions, {config['norm']} norm, {config['mlp']} MLP"
    )
    groups = ", ".join(f"{group} {precision}" for group, precision in sorted(manifest.precision.items()))
    return (
        f"A decoder-only Transformer (family `{manifest.family}`): {sizes}. Context {manifest.context_length} tokens, "
        f"vocabulary {manifest.vocabulary_size}.\n\nPrecision: {groups}."
    )


def _source(manifest: Manifest, training: Mapping[str, Any]) -> str:
    lines = [f"Licence: {manifest.licence}. Languages: {', '.join(manifest.languages) or 'not stated'}.", ""]
    progress = training.get("progress") or {}
    if progress.get("tokens"):
        lines += [f"Trained on {int(progress['tokens']):,} tokens in {int(progress.get('step', 0)):,} steps.", ""]
    lines += ["| source file | SHA-256 |", "|---|---|"]
    lines += [f"| {file['name']} | `{file['sha256']}` |" for file in manifest.source.get("files", [])]
    return "## Source\n\n" + "\n".join(lines)


def _data(training: Mapping[str, Any]) -> str:
    groups = ((training.get("recipe") or {}).get("corpus") or {}).get("group") or []
    if not groups:
        return ""
    lines = ["| text | share | licence |", "|---|---:|---|"]
    total = sum(float(group.get("weight", 0)) for group in groups) or 1.0
    for group in groups:
        share = float(group.get("weight", 0)) / total
        lines.append(f"| {group.get('description', group.get('name'))} | {share:.1%} | {group.get('licence')} |")
    return "## Training text\n\n" + "\n".join(lines)


def _heldout(training: Mapping[str, Any]) -> str:
    """Bits per byte on text that the model never saw; PPMd of order 6 was fed the training text of each group first."""
    measured = (training.get("evaluation") or {}).get("groups") or {}
    if not measured:
        return ""
    baseline = (training.get("ppmd6") or {}).get("groups") or {}
    lines = ["| held-out text | bytes | bits per byte | PPMd order 6 |", "|---|---:|---:|---:|"]
    for name, report in measured.items():
        other = f"{baseline[name]['bits_per_byte']:.3f}" if name in baseline else "not measured"
        lines.append(f"| {name} | {report['bytes']:,} | {report['bits_per_byte']:.3f} | {other} |")
    note = "Of the float32 checkpoint, on documents that are not in the training text; lower is better."
    return f"## Measured quality\n\n{note}\n\n" + "\n".join(lines)


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
