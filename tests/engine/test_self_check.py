"""The self-check finds the right plan for kernels that are exact, exact with company, or neither; and remembers it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.contracts.errors import EngineError
from engine.loaded_model import LoadedModel, load_model
from engine.runtime import BatchRunner, Runner
from engine.self_check import find_plan, remembered_plan
from engine.session import RunPlan, Session
from tests.engine.conftest import needs_exact_kernels
from tests.support.tiny_models import write_tiny_model


class OddRunner(Runner):
    """A runner whose logits carry `error(rows, past)`: kernels of another kind of processor."""

    error: Any = None

    def run(self, ids: Any, past: int, keep: int = 1) -> Any:
        logits = super().run(ids, past, keep)
        logits += np.float32(type(self).error(len(ids), past))
        return logits


def check(model: LoadedModel, monkeypatch: pytest.MonkeyPatch, error: Any, other: Any = None) -> RunPlan:
    monkeypatch.setattr(OddRunner, "error", staticmethod(error))
    monkeypatch.setattr("engine.runtime.Runner", OddRunner)

    def other_threads() -> Any:
        if other is not None:
            monkeypatch.setattr(OddRunner, "error", staticmethod(other))
        return model.graph

    return find_plan(model.graph, model.context_length, other_threads)


@pytest.fixture
def exact(tiny_models: dict[str, LoadedModel]) -> LoadedModel:
    needs_exact_kernels(tiny_models["int8-cache"])
    return tiny_models["int8-cache"]


def test_exact_kernels_need_no_care(exact: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(exact, monkeypatch, lambda rows, past: 0) == RunPlan(batches=True, ahead=True)


def test_kernels_that_round_lone_rows_get_company(exact: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = check(exact, monkeypatch, lambda rows, past: 1e-3 if rows % 16 == 1 else 0)
    assert plan == RunPlan(avoids_lone_rows=True, ahead=True)
    assert plan.description == "exact"


def test_kernels_that_depend_on_the_chunk_get_canonical_chunks(
    exact: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = check(exact, monkeypatch, lambda rows, past: rows * 1e-3)
    assert plan.is_canonical
    assert plan.description.startswith("canonical chunks")


def test_kernels_that_depend_on_the_length_are_found(exact: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(exact, monkeypatch, lambda rows, past: 1e-3 if past > 200 else 0).is_canonical


def test_kernels_that_depend_on_threads_are_said_so(exact: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = check(exact, monkeypatch, lambda rows, past: 0, other=lambda rows, past: 1e-3)
    assert plan == RunPlan(any_threads=False, batches=True, ahead=True)
    assert plan.description == "exact, for the same number of threads"


def test_batches_that_round_otherwise_are_not_used(exact: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    real = BatchRunner.run

    def wrong_for_five_rows(self: BatchRunner, ids: Any, pasts: Any) -> Any:
        logits = real(self, ids, pasts)
        return logits + np.float32(1e-6 if len(ids) == 5 else 0)

    monkeypatch.setattr(BatchRunner, "run", wrong_for_five_rows)
    assert check(exact, monkeypatch, lambda rows, past: 0) == RunPlan(ahead=True)


@pytest.mark.parametrize("rows", [2, 3, 5, 9, 17, 33])
def test_runs_that_verify_guesses_are_checked_row_by_row(
    exact: LoadedModel, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    real = Runner.run

    def wrong_in_a_middle_row(self: Runner, ids: Any, past: int, keep: int = 1) -> Any:
        logits = real(self, ids, past, keep)
        if len(ids) == keep == rows:  # chunks of a prompt answer one row only, the reference keeps 52 and 24
            logits[rows // 2 - 1] += np.float32(1e-3)
        return logits

    monkeypatch.setattr(Runner, "run", wrong_in_a_middle_row)
    assert check(exact, monkeypatch, lambda rows, past: 0) == RunPlan(batches=True)


def test_a_graph_that_cannot_run_several_rows_is_never_batched(
    exact: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: BatchRunner, ids: Any, pasts: Any) -> Any:
        raise EngineError("no")

    monkeypatch.setattr(BatchRunner, "run", refuse)
    assert check(exact, monkeypatch, lambda rows, past: 0) == RunPlan(ahead=True)


def test_float_attention_here_needs_company(rotary: LoadedModel) -> None:
    """The measured fact behind the plan: one row alone rounds otherwise than the same row among others."""
    if not rotary.plan.avoids_lone_rows:
        pytest.skip("this processor's float kernels are exact for one row too")
    session = Session(rotary.graph, rotary.graph.new_cache(256), RunPlan())
    session.prefill(list(range(30)))
    careful = rotary.new_session()
    careful.prefill(list(range(30)))
    assert not np.array_equal(session.step(7), careful.step(7))


def test_the_answer_is_kept_and_believed(tmp_path: Path) -> None:
    plan = RunPlan(avoids_lone_rows=True)
    assert remembered_plan(tmp_path / "new", "key", lambda: plan) == plan
    assert remembered_plan(tmp_path / "new", "key", lambda: pytest.fail("measured again")) == plan
    assert remembered_plan(tmp_path / "new", "other key", RunPlan) == RunPlan()


@pytest.mark.parametrize("rubbish", ["", "{", "[]", '{"plan": 3}', '{"plan": {"unknown": 1}}'])
def test_a_damaged_answer_is_measured_again(tmp_path: Path, rubbish: str) -> None:
    remembered_plan(tmp_path, "key", RunPlan)
    (file,) = tmp_path.iterdir()
    file.write_text(rubbish, encoding="utf-8")
    plan = RunPlan(avoids_lone_rows=True)
    assert remembered_plan(tmp_path, "key", lambda: plan) == plan
    assert json.loads(file.read_text(encoding="utf-8"))["key"].endswith(" key")


def test_a_profile_that_cannot_be_written_costs_nothing_but_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("NEXTSTROKE_PROFILE", str(tmp_path / "file"))
    write_tiny_model(tmp_path / "m")
    assert load_model(tmp_path / "m", "cpu").plan == load_model(tmp_path / "m", "cpu").plan
