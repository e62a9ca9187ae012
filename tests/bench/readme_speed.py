"""README's section on speed, made of the figures that were committed and nothing else.

    python tests/bench/readme_speed.py      writes it between the `speed` marks of README.md

Knows README's marks and where figures lie; must not know how a table is made.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.peers.figures import read_report
from tests.bench.peers.table import section

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ROOT / "tests" / "bench" / "figures"
FILES = ("gpt2-124m.json", "llama-135m.json")
MARKED = re.compile(r"(<!-- speed -->\n).*?(<!-- /speed -->)", re.DOTALL)


def speed_section() -> str:
    """The tables of all committed races."""
    files = [FIGURES / name for name in FILES if (FIGURES / name).is_file()]
    tables = [section(read_report(file.read_text(encoding="utf-8"))) + "\n" for file in files]
    return "\n".join(tables) or "No race was committed yet.\n"


def with_section(readme: str, text: str) -> str:
    """README with that text between its marks. Raises `ValueError` where it has none."""
    if not MARKED.search(readme):
        raise ValueError("README.md has no <!-- speed --> … <!-- /speed --> marks; put them where the tables belong")
    return MARKED.sub(lambda match: f"{match[1]}{text}{match[2]}", readme)


if __name__ == "__main__":
    path = ROOT / "README.md"
    path.write_text(with_section(path.read_text(encoding="utf-8"), speed_section()), encoding="utf-8")
