"""Every public method says what it does, unless an interface in its package has said it for all who implement it."""

import ast
from pathlib import Path

import pytest

# torch and Qt fix these names and what they mean; the class says what is computed or handled.
VERBS_OF_OTHERS = {"forward", "backward"}


def methods(root: Path, package: str) -> list[tuple[Path, str, ast.FunctionDef]]:
    return [
        (path, class_node.name, node)
        for path in sorted((root / package).rglob("*.py"))
        for class_node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(class_node, ast.ClassDef) and not class_node.name.startswith("_")
        for node in class_node.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]


def is_setter_or_overload(node: ast.FunctionDef) -> bool:
    names = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
    return bool(names & {"setter", "overload", "override"})


@pytest.mark.parametrize("package", ["desktop_app", "engine", "export"])
def test_public_methods_are_documented(root: Path, package: str) -> None:
    found = methods(root, package)
    explained = {node.name for _, _, node in found if ast.get_docstring(node)} | VERBS_OF_OTHERS
    silent = [
        f"{path.relative_to(root)}: {class_name}.{node.name}"
        for path, class_name, node in found
        if not ast.get_docstring(node)
        and node.name not in explained
        and not is_setter_or_overload(node)
        and node.name.islower()  # camelCase overrides are Qt's
    ]
    assert silent == []
