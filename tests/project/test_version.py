"""The version stands in pyproject.toml, and the two places that repeat it for a program without metadata agree."""

import re
import tomllib
from pathlib import Path

import pytest

REPEATED = {"desktop_app/app.py": "VERSION", "engine/loaded_model.py": "_SOURCE_VERSION"}


@pytest.mark.parametrize(("file", "name"), REPEATED.items())
def test_the_version_is_the_same_everywhere(root: Path, file: str, name: str) -> None:
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    found = re.search(rf'^{name} = "([^"]+)"', (root / file).read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    assert found[1] == version


def test_the_changelog_knows_the_version(root: Path) -> None:
    version = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"## {version}" in (root / "CHANGELOG.md").read_text(encoding="utf-8")
