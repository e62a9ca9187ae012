"""The yardstick of the model card: PPMd, fed a group's training text before it reads the held-out text.

For: `python -m export.training.ppmd_baseline RECIPE --output ppmd.json`.
Knows: pyppmd (in the `test` extra only) and how to count what the held-out text alone costs.
Must not know: models.

A compressor that has read all the training text is an honest rival for a small GPT: same text, same question, how many
bits does each unseen byte cost. PPMd variant H (Shkarin 2001), as 7-Zip uses it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from engine.contracts.errors import CorpusError, MissingExtraError, NextstrokeError
from export.training.corpus import Group, read_documents
from export.training.files import write_json
from export.training.recipe import load_recipe
from export.training.train_command import find_recipe

ORDER = 12  # bytes of context; order 6, 7-Zip's usual one, needs an eighth more bits for simple stories
MEMORY_BYTES = 1 << 30  # more than any group of a recipe needs, so nothing is forgotten


def ppmd_bits_per_byte(
    training: Iterable[str], heldout: Sequence[str], memory: int = MEMORY_BYTES, order: int = ORDER
) -> dict[str, Any]:
    """{bits_per_byte, bytes, training_bytes}: cost of `heldout` after `training`, documents apart by one blank line."""
    try:
        import pyppmd
    except ImportError as error:
        raise MissingExtraError("the PPMd baseline needs the package pyppmd; install the extra `test`") from error
    encoder = pyppmd.Ppmd7Encoder(order, memory)
    read, written = 0, 0
    for text in training:
        data = (text + "\n\n").encode()
        read += len(data)
        written += len(encoder.encode(data))
    # The range coder holds back a few bytes: at most 5 move from one side of this line to the other.
    cost, size = 0, 0
    for text in heldout:
        data = text.encode()
        size += len(data)
        cost += len(encoder.encode(data + b"\n\n"))
    cost += len(encoder.flush())
    if not size:
        raise CorpusError("there is no held-out text to measure; name some in the recipe")
    return {"bits_per_byte": 8 * cost / size, "bytes": size, "training_bytes": read}


def measure_group(group: Group, order: int = ORDER) -> dict[str, Any]:
    """`ppmd_bits_per_byte` of one group of a recipe."""
    training = (text for path in group.files for text in read_documents(path))
    return ppmd_bits_per_byte(training, [text for path in group.heldout for text in read_documents(path)], order=order)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every group that has held-out text and write the JSON that the model card reads."""
    parser = argparse.ArgumentParser(prog="python -m export.training.ppmd_baseline", description=main.__doc__)
    parser.add_argument("recipe", metavar="RECIPE")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="overrides")
    parser.add_argument("--order", type=int, default=ORDER, metavar="N", help=f"bytes of context (default: {ORDER})")
    parser.add_argument("--output", required=True, metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        groups = {}
        for group in load_recipe(find_recipe(options.recipe), options.overrides).groups:
            if group.heldout:
                groups[group.name] = measure_group(group, options.order)
                bits = groups[group.name]["bits_per_byte"]
                print(f"{group.name:34} {bits:.4f} bits per byte", file=sys.stderr, flush=True)
        write_json(Path(options.output), {"order": options.order, "variant": "PPMd H", "groups": groups})
    except NextstrokeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
