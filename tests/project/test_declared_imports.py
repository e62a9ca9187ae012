"""Whatever a package imports is declared: the application by the dependencies, the export side with its extra."""

import ast
import importlib.util
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.project.dependencies import canonical, requirement_lines

# Asked for inside a function that says which extra brings it.
OPTIONAL = {
    "pyppmd": "export/training/ppmd_baseline.py",
    "opencc": "export/training/more_texts.py",
    "sacrebleu": "export/tasks/score.py",
}
OWN = {"desktop_app", "engine", "export", "resources"}


def third_party_imports(root: Path, package: str) -> dict[str, str]:
    """Top-level module names that are neither Python's nor ours, each with one file that imports it."""
    found: dict[str, str] = {}
    for path in sorted((root / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            for name in (name.partition(".")[0] for name in names):
                if name not in OWN and name not in sys.stdlib_module_names:
                    found.setdefault(name, str(path.relative_to(root)))
    return found


@pytest.mark.parametrize(("package", "extras"), [("desktop_app", ()), ("engine", ()), ("export", ("export",))])
def test_every_import_is_declared(root: Path, package: str, extras: tuple[str, ...]) -> None:
    declared = {canonical(Requirement(line).name) for line in requirement_lines(root, extras)}
    # One wheel's modules may belong to the distribution that it requires exactly (shiboken6 of PySide6).
    declared |= {"shiboken6"}
    owners = metadata.packages_distributions()
    undeclared = {
        module: path
        for module, path in third_party_imports(root, package).items()
        if OPTIONAL.get(module) != path and not declared & {canonical(owner) for owner in owners.get(module, ())}
    }
    assert undeclared == {}


def test_the_tests_are_those_of_the_checkout(root: Path) -> None:
    """A wheel may put a `tests` of its own into site-packages: it wins over a folder without `__init__.py`."""
    found = importlib.util.find_spec("tests")
    assert found is not None
    assert found.origin == str(root / "tests" / "__init__.py")
