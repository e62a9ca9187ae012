"""`python -m export.comparison`: train, time and draw both networks for the manual's page on them.

Knows: where the manual lies, and the order of things. Must not know: how anything is measured or drawn.
Everything but the timings comes out the same on every processor of a kind; `--draw` makes figures and tables anew from
what was measured last.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.contracts.errors import FileError, NextstrokeError, file_error
from export.comparison.attended import answers, attended
from export.comparison.pages import figure_files, with_tables
from export.comparison.runs import NETWORKS, PROMPTS, measure, run_folder
from export.comparison.words import LANGUAGES

MANUAL = Path(__file__).parents[2] / "resources" / "manual"
MEASURED = "two_networks.json"
SENTENCES = ("我喜欢吃苹果。", "他喜欢吃橙子。")
ROUNDS = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, unless told only to draw, and write figures and tables into the manual."""
    parser = argparse.ArgumentParser(prog="python -m export.comparison", description=main.__doc__)
    parser.add_argument("--manual", type=Path, default=MANUAL, metavar="DIR", help="default: resources/manual")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"timings to take (default {ROUNDS})")
    parser.add_argument("--draw", action="store_true", help="measure nothing; draw what was measured last")
    options = parser.parse_args(arguments)
    try:
        file = options.manual / "figures" / MEASURED
        if not options.draw:
            with tempfile.TemporaryDirectory() as work:
                _write(file, json.dumps(_measured(Path(work), max(1, options.rounds)), ensure_ascii=False) + "\n")
        _draw(options.manual, _read(file))
    except NextstrokeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _measured(work: Path, rounds: int) -> dict[str, Any]:
    figures = measure(work, rounds)
    finals = {network: run_folder(work, "article", network) / "final" for network in NETWORKS}
    return figures | {
        "attention": {network: attended(final, SENTENCES) for network, final in finals.items()},
        "answers": {network: answers(final, PROMPTS) for network, final in finals.items()},
    }


def _draw(manual: Path, figures: dict[str, Any]) -> None:
    for name, drawing in figure_files(figures).items():
        _write(manual / "figures" / name, drawing)
    for language in LANGUAGES:
        page = manual / language / "two_networks.md"
        try:
            before = page.read_text(encoding="utf-8")
        except OSError as error:
            raise file_error(error, f"read {page}") from error
        _write(page, with_tables(before, figures, language))


def _read(file: Path) -> dict[str, Any]:
    try:
        figures: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise file_error(error, f"read {file}") from error
    except ValueError as error:
        raise FileError(f"{file} is cut off or not JSON; measure again, without --draw") from error
    return figures


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise file_error(error, f"write {file}") from error


if __name__ == "__main__":
    sys.exit(main())
