"""The profile of a folder: every kind of run is there, and operators take no longer than the runs that hold them."""

import re
from pathlib import Path

import pytest

from tests.bench import operator_times
from tests.support.tiny_models import write_tiny_model


def test_every_kind_of_run_is_shown_with_its_operators(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTSTROKE_PROFILE", str(tmp_path / "profile"))
    write_tiny_model(tmp_path / "model")
    sizes = ["--past", "24", "--rows", "2", "--runs", "5", "--threads", "1"]
    operator_times.main([str(tmp_path / "model"), *sizes])
    printed = capsys.readouterr().out
    heads = re.findall(r"^(.+): ([0-9.]+) ms, ([0-9.]+) in operators$", printed, re.MULTILINE)
    assert [head[0] for head in heads] == ["prefill of 24", "a step at 24", "a step of 2 rows at 24"]
    assert all(0 < float(inside) <= float(whole) for _, whole, inside in heads)
    assert printed.count("GroupQueryAttention") == 3


def test_only_the_last_runs_count() -> None:
    runs = [{"cat": "Session", "name": "model_run", "ts": start, "dur": 9} for start in (0, 10, 20)]
    nodes = [
        {"cat": "Node", "name": f"node_{ts}_kernel_time", "ts": ts, "dur": 2, "args": {"op_name": "Add"}}
        for ts in (1, 11, 21)
    ]
    assert operator_times.operator_microseconds([*runs, *nodes], 2) == {"Add": 4}
    assert operator_times.operator_microseconds([*runs, *nodes], 3) == {"Add": 6}
