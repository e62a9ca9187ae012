"""The training and conversion commands (`python -m export`): a table, nothing more."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from engine.contracts.command_line import Command, run_command_line

COMMANDS = (
    Command(("export",), "export.export_command", "convert a PyTorch checkpoint into a verified model folder"),
    Command(("verify",), "export.verify_command", "check a model folder; with its source, recompute the certificate"),
    Command(("train",), "export.training.train_command", "train a GPT from a recipe"),
    Command(("distill",), "export.training.distill_command", "train a small GPT on a larger one's probabilities"),
    Command(("finetune",), "export.training.finetune_command", "teach a trained GPT the style of your own texts"),
    Command(("ngrams",), "export.ngrams.command", "put n-grams of the training text beside a model folder's network"),
    Command(("tokenizer", "train"), "export.training.tokenizer_command", "train a tokenizer from text"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command of the export side and return its exit status."""
    return run_command_line("nextstroke", COMMANDS, sys.argv[1:] if argv is None else argv)
