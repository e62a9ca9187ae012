"""The figures of the fault suites, in one file that README's table is made from.

    note("R1 …", {"points": …})   the long suites write; figures.json is committed

Knows: the file. Must not know: what any figure means.
"""

import json
from pathlib import Path

FILE = Path(__file__).with_name("figures.json")


def note(name: str, figures: dict[str, object]) -> None:
    """Replace one suite's figures and print them."""
    print(f"{name}: {json.dumps(figures, ensure_ascii=False)}")
    known = read()
    known[name] = figures
    FILE.write_text(json.dumps(known, ensure_ascii=False, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def read() -> dict[str, dict[str, object]]:
    """All figures by suite."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
