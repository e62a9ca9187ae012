"""The figures of the fault suites, in one file that README's table is made from.

    note("R1 …", {"points": …})   the long suites write; figures.json is committed

Knows: the file. Must not know: what any figure means.
"""

import json
from collections.abc import Mapping
from pathlib import Path

FILE = Path(__file__).with_name("figures.json")


def note(name: str, figures: Mapping[str, int | float]) -> None:
    """Replace one suite's figures and print them."""
    print(f"{name}: {json.dumps(dict(figures), ensure_ascii=False)}")
    known = read()
    known[name] = dict(figures)
    FILE.write_text(json.dumps(known, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read() -> dict[str, dict[str, int | float]]:
    """All figures by suite."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
