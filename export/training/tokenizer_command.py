"""`nextstroke tokenizer train --input FILES… --output tokenizer.model`: a tokenizer without a model.

Knows: its arguments. Must not know: sentencepiece at import time (help must be instant).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.contracts.errors import CorpusError, FileError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--input", nargs="+", required=True, metavar="FILE", help=".txt, .jsonl or .jsonl.xz text")
    parser.add_argument("--output", required=True, metavar="FILE", help="the tokenizer.model to write")
    parser.add_argument("--vocabulary", type=int, default=10240, metavar="N", help="pieces (default: %(default)s)")
    parser.add_argument("--kind", choices=("bpe", "unigram"), default="bpe", help="how pieces are found")
    parser.add_argument(
        "--coverage", type=float, default=0.9975, metavar="SHARE", help="characters with a piece of their own"
    )
    parser.add_argument("--characters", type=int, default=8_000_000, metavar="N", help="how much text is learnt from")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="which part of the text that is")
    parser.add_argument("--force", action="store_true", help="replace an existing file")


def run(arguments: argparse.Namespace) -> int:
    """Train, write, and report the compression of each input file."""
    from export.training.corpus import Group, read_documents, sample_texts
    from export.training.files import write_atomically
    from export.training.tokenizer import TokenizerSettings, compression_report, train_tokenizer

    output = Path(arguments.output)
    if output.exists() and not arguments.force:
        raise FileError(f"{output} exists already; add --force to replace it, or name another --output")
    settings = TokenizerSettings(
        vocabulary=arguments.vocabulary,
        kind=arguments.kind,
        sample_characters=arguments.characters,
        character_coverage=arguments.coverage,
    )
    inputs = [Path(name) for name in arguments.input]
    groups = [Group(path.name, max(1, path.stat().st_size if path.exists() else 1), (path,)) for path in inputs]
    texts = [text for _, text in sample_texts(groups, settings.sample_characters, arguments.seed)]
    if not any(texts):
        raise CorpusError(f"there is no text in {', '.join(arguments.input)}; give files with text")
    tokenizer = train_tokenizer(texts, settings)
    write_atomically(output, tokenizer.model)
    starts = {path.name: "\n".join(read_documents(path))[:200_000] for path in inputs}
    print("\n".join(compression_report(tokenizer, starts)), file=sys.stderr)
    return 0
