"""The cost of exactness: every plan is run, every round is said, and ratios are to the plan without care."""

from pathlib import Path

import pytest

from engine.session import RunPlan
from tests.bench import exactness_cost
from tests.support.tiny_models import write_tiny_model


def test_every_plan_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NEXTSTROKE_PROFILE", str(tmp_path / "profile"))
    write_tiny_model(tmp_path / "tiny")
    assert exactness_cost.main(["--model", str(tmp_path / "tiny"), "--rounds", "2"]) == 0
    said = capsys.readouterr()
    assert [sum(f"round 2, {name}" in line for line in said.err.splitlines()) for name in exactness_cost.PLANS] == [
        1
    ] * 3
    assert said.out.count(" *") == 1
    assert said.out.count("(1.00x)") >= 3


def test_ratios_say_how_many_times_as_fast() -> None:
    found = {"free": [(100.0, 50.0, 2.0)], "company": [(50.0, 50.0, 4.0)], "canonical": [(200.0, 25.0, 1.0)]}
    lines = exactness_cost.table_lines("m", RunPlan(avoids_lone_rows=True), found)
    assert lines[0] == "| m | free | 100.0 (1.00x) | 50.0 (1.00x) | 2.0 (1.00x) |"
    assert lines[1] == "| m | company * | 50.0 (0.50x) | 50.0 (1.00x) | 4.0 (0.50x) |"
    assert lines[2] == "| m | canonical | 200.0 (2.00x) | 25.0 (0.50x) | 1.0 (2.00x) |"
