"""`constraints.txt` pins everything the tests ran with, and says nothing about where it came from."""

import re
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

from tests.project.dependencies import canonical, closure, requirement_lines


def pins(root: Path) -> dict[str, Version]:
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonical(name): Version(version) for name, version in pairs}


def test_constraints_are_names_and_versions_only(root: Path) -> None:
    for line in (root / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert line.startswith("#") or re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line), line


def test_everything_installed_for_the_tests_is_pinned(root: Path) -> None:
    installed = closure(requirement_lines(root, ("export", "test", "package")))
    from_torch = re.compile(r"^(nvidia-.*|triton|cuda-.*)$")
    assert {name for name in installed if not from_torch.match(name)} - set(pins(root)) == set()


def test_pins_lie_inside_the_ranges_of_pyproject(root: Path) -> None:
    pinned = pins(root)
    for line in requirement_lines(root, ("cuda", "export", "test", "package")):
        requirement = Requirement(line)
        version = pinned[canonical(requirement.name)]
        assert requirement.specifier.contains(version), f"{line} excludes {version}"
