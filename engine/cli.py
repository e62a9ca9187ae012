"""The engine's commands (`python -m engine`): a table, nothing more."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

from engine.contracts.command_line import Command, run_command_line

COMMANDS = (
    Command(("generate",), "engine.commands.generate", "continue a text"),
    Command(("regenerate",), "engine.commands.regenerate", "generate again from a saved record and compare"),
    Command(("score",), "engine.commands.score", "how probable a text is to the model"),
    Command(("models",), "engine.commands.models", "list, add, remove and show the models on this computer"),
    Command(("verify",), "engine.commands.verify", "check a model folder: hashes, tokenizer, graph, certificate"),
    Command(("bench",), "engine.commands.bench", "measure a model folder's speed on this computer"),
    Command(("serve",), "engine.commands.serve", "serve a model to other programs on this computer"),
    Command(("selftest",), "engine.commands.selftest", "check this installation"),
    Command(("--selftest",), "engine.commands.selftest", "the same", hidden=True),
    Command(("--version",), "engine.commands.version", "versions of the program, ONNX Runtime, devices"),
    Command(("host",), "engine.commands.host", "serve the window over pipes", hidden=True),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command of the engine and return its exit status."""
    _speak_utf8()
    return run_command_line("nextstroke", COMMANDS, sys.argv[1:] if argv is None else argv)


def _speak_utf8() -> None:
    """Text is UTF-8 whatever the locale says: Chinese must not fail on a terminal set up for something else."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
