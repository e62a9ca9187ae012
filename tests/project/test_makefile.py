"""The commands of the Makefile are what the documents promise; nothing is run here."""

import os
import subprocess
from pathlib import Path

import pytest


def plan(root: Path, *arguments: str) -> str:
    """What make would do, in order, without doing it; a make that runs these tests must not lend its own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "ENVIRONMENT"}
    command = ["make", "-n", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True, env=kept).stdout


def test_make_test_runs_everything_in_order(root: Path) -> None:
    steps = ["set_up.py test", "ruff format --check", "ruff check", "mypy", "lint-imports", 'pytest -m "not long"']
    planned = plan(root, "test")
    assert [planned.index(step) for step in steps] == sorted(planned.index(step) for step in steps)


def test_make_check_runs_no_test(root: Path) -> None:
    assert "pytest" not in plan(root, "check")
    assert "lint-imports" in plan(root, "check")


def test_make_run_sets_up_the_application_alone(root: Path) -> None:
    planned = plan(root, "run")
    assert "set_up.py run" in planned
    assert "set_up.py test" not in planned


def test_make_clean_removes_what_the_set_up_compiled(root: Path) -> None:
    planned = plan(root, "clean")
    assert "engine/kernels/_operators*" in planned
    assert " build " in planned


@pytest.mark.parametrize("command", ["run", "check", "test", "package"])
def test_an_environment_of_ones_own_is_left_as_it_is(root: Path, command: str) -> None:
    planned = plan(root, command, "ENVIRONMENT=/some/where")
    assert "set_up.py" not in planned
    assert "/some/where/bin" in planned
    assert ".venv" not in planned


def test_ci_runs_make_test(root: Path) -> None:
    script = root / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert "exec make test" in script.read_text(encoding="utf-8")
