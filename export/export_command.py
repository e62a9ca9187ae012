"""`nextstroke export CHECKPOINT FOLDER`: convert a PyTorch checkpoint into a verified model folder."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from engine.contracts.errors import MissingExtraError, UsageError
from engine.contracts.manifest import PRECISIONS
from export.progress import reporter

NEEDED = ("torch", "onnx", "safetensors")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("checkpoint", metavar="CHECKPOINT", type=Path, help="checkpoint folder or file")
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="the model folder to write")
    parser.add_argument(
        "--precision",
        choices=PRECISIONS,
        help="of the weights (default: int8; fp32 for a recurrent network); int4 and int8 keep more bits where they "
        "would lose too much, and say so",
    )
    parser.add_argument(
        "--tokenizer", metavar="PATH", type=Path, help="tokenizer.json, tokenizer.model or their folder"
    )
    parser.add_argument("--end-of-text", metavar="TOKEN", help="the token that ends a text, where nothing else says it")
    parser.add_argument("--force", action="store_true", help="replace FOLDER if it is a model folder already")
    parser.add_argument("--json", action="store_true", help="result and progress as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Convert and say what was written."""
    demand_extra()
    folder = Path(arguments.folder)
    if not folder.name:
        raise UsageError(f"{folder} is no name for a folder; name one that does not exist yet")
    with stopping_cleanly():
        from export.convert import convert

        done = convert(
            arguments.checkpoint,
            folder,
            arguments.precision,
            tokenizer=arguments.tokenizer,
            end_of_text=arguments.end_of_text,
            force=arguments.force,
            report=reporter(arguments.json),
        )
    size = sum(file.bytes for file in done.manifest.files)
    if arguments.json:
        plain = {
            "folder": str(folder),
            "id": done.manifest.id,
            "bytes": size,
            "certificate": done.certificate.summary(),
        }
        print(json.dumps(plain, ensure_ascii=False))
    else:
        print(f"{folder}: {size / 1e6:.1f} MB, {done.precision}, context {done.manifest.context_length} tokens")
        print(done.certificate.words())
    return 0


def demand_extra() -> None:
    """Raise `MissingExtraError` where the export side's libraries are not installed."""
    from importlib.util import find_spec

    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"converting needs {', '.join(missing)}, which this installation lacks; install the extra: "
            'pip install "nextstroke[export]"'
        )


@contextmanager
def stopping_cleanly() -> Iterator[None]:
    """Make a termination signal end the command as Ctrl+C does, so that nothing half-written stays behind."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, stop)
    except ValueError:  # not the main thread
        before = None
    try:
        yield
    except KeyboardInterrupt:
        print("stopped; nothing was written", file=sys.stderr)
        raise
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)
