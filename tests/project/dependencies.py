"""The distributions that the project is installed with: named in pyproject.toml, read from their own metadata."""

import re
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement_lines(root: Path, extras: Iterable[str]) -> list[str]:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    return [*project["dependencies"], *(line for extra in extras for line in optional[extra])]


def closure(lines: Iterable[str]) -> dict[str, metadata.Distribution]:
    """Every installed distribution that these requirements need on this machine, directly or not."""
    found: dict[str, metadata.Distribution] = {}
    waiting = [(line, ("",)) for line in lines]
    while waiting:
        line, extras = waiting.pop()
        requirement = Requirement(line)
        marker = requirement.marker
        if marker and not any(marker.evaluate({"extra": extra}) for extra in extras):
            continue
        key = canonical(requirement.name)
        if key not in found:
            found[key] = metadata.distribution(requirement.name)
            waiting += [(further, ("", *requirement.extras)) for further in found[key].requires or []]
    return found
