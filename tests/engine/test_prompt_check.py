"""A graph for prompts is used only where it is exact and faster, and the answer holds for every number of threads."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.contracts.manifest import PREFILL
from engine.loaded_model import LoadedModel, load_model, with_prompt_graph
from engine.prompt_check import Graphs, prompts_pay
from engine.runtime import Runner
from export.convert import convert
from tests.export.checkpoints import own_checkpoint


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("two graphs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEXTSTROKE_PROFILE", str(place / "profile"))
        return convert(own_checkpoint(place / "checkpoint"), place / "model", "int8").folder


@pytest.fixture
def two(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoadedModel:
    monkeypatch.setenv("NEXTSTROKE_PROFILE", str(tmp_path / "profile"))
    model = with_prompt_graph(load_model(folder, "cpu", threads=2))
    assert model is not None
    if model.plan.is_canonical or model.plan.avoids_lone_rows:
        pytest.skip("this processor's kernels leave prompts to the decoder")
    return model


def pays(model: LoadedModel, monkeypatch: pytest.MonkeyPatch, error: Any = None, seconds: Any = None) -> bool:
    """With runs of the prompt graph that carry `error(rows, past)`, and times from `seconds(plan)`."""
    assert model.prompt_graph is not None
    real = Runner.run

    def run(self: Runner, ids: Any, past: int, keep: int = 1) -> Any:
        logits = real(self, ids, past, keep)
        if self._graph is model.prompt_graph and error is not None:
            logits = logits + np.float32(error(len(ids), past))
        return logits

    monkeypatch.setattr(Runner, "run", run)
    monkeypatch.setattr("engine.prompt_check._seconds", lambda graphs, plan, ids: seconds(plan))
    graphs = Graphs(model.graph, model.prompt_graph, model.context_length)
    return prompts_pay(graphs, lambda: model.prompt_graph)


def fast(plan: Any) -> float:
    return 1.0 if plan.prompt_graph else 2.0


def test_exact_and_faster_is_used(two: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    assert pays(two, monkeypatch, seconds=fast)


def test_slower_is_not_used(two: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not pays(two, monkeypatch, seconds=lambda plan: 3.0 if plan.prompt_graph else 2.0)


@pytest.mark.parametrize(
    "error",
    [
        lambda rows, past: rows * 1e-3,
        lambda rows, past: 1e-3 if rows == 7 else 0,
        lambda rows, past: 1e-3 if rows == 1 else 0,
        lambda rows, past: 1e-3 if past > 40 and rows < 50 else 0,
    ],
    ids=["by rows", "by one size", "of lone rows", "by place"],
)
def test_kernels_that_round_by_the_chunk_are_not_used(
    two: LoadedModel, monkeypatch: pytest.MonkeyPatch, error: Any
) -> None:
    assert not pays(two, monkeypatch, error, fast)


def test_the_answer_is_the_same_for_every_number_of_threads(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTSTROKE_PROFILE", str(tmp_path / "profile"))
    for own in (True, False):
        monkeypatch.setenv("NEXTSTROKE_PROFILE", str(tmp_path / f"profile {own}"))
        monkeypatch.setattr("engine.loaded_model.prompts_pay", lambda graphs, other, own=own: own)
        first = load_model(folder, "cpu", threads=2)
        monkeypatch.setattr("engine.loaded_model.prompts_pay", lambda graphs, other: pytest.fail("measured again"))
        second = load_model(folder, "cpu", threads=1)
        if first.plan.is_canonical or first.plan.avoids_lone_rows:
            pytest.skip("this processor's kernels leave prompts to the decoder")
        assert first.plan.prompt_graph == second.plan.prompt_graph == own
        assert (first.prompt_graph is not None) == own
        assert first.plan.description.endswith("prompts by a graph of their own") == own


def test_a_folder_with_one_graph_has_no_other(tiny_models: dict[str, LoadedModel]) -> None:
    assert tiny_models["int8-cache"].manifest.graph(PREFILL) is None
    assert with_prompt_graph(tiny_models["int8-cache"]) is None
    assert not tiny_models["int8-cache"].plan.prompt_graph
