"""README.md tells the truth about what can be checked: its tree, its commands, its pictures."""

import re
from pathlib import Path

import pytest

from tests.desktop_app.faults.figures import read
from tests.project import readme_tree
from tests.project.readme_faults import in_readme, section
from tests.project.test_size import tracked_files

TREE = re.compile(r"(<!-- tree -->\n```\n)(.*?)(```\n<!-- /tree -->)", re.DOTALL)


@pytest.fixture
def readme(root: Path) -> str:
    return (root / "README.md").read_text(encoding="utf-8")


def test_the_tree_is_the_tree(root: Path, readme: str, update_golden: bool) -> None:
    expected = "\n".join(readme_tree.lines(root, tracked_files(root))) + "\n"
    found = TREE.search(readme)
    assert found, "README.md has no tree"
    if update_golden:
        (root / "README.md").write_text(
            TREE.sub(lambda match: match[1] + expected + match[3], readme), encoding="utf-8"
        )
        return
    assert found[2] == expected, "run: make test ARGS='--update-golden tests/project/test_readme.py'"


def test_every_make_command_exists(root: Path, readme: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    text = readme + (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"(?:`|^    )make ([a-z][a-z-]*)", text, re.MULTILINE))
    assert {"run", "test", "check", "package"} <= named <= targets


def test_every_local_link_leads_somewhere(root: Path, readme: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", readme)
    assert [link for link in links if not (root / link).exists()] == []


def test_the_table_of_faults_is_what_the_suites_wrote(root: Path):
    assert in_readme((root / "README.md").read_text(encoding="utf-8")) == section()
    assert all(figures.get("problems", 0) == 0 for figures in read().values())
