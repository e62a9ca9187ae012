"""What is read from a run's files, and what makes a comparison worthless."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.contracts.errors import VerificationError
from export.comparison import runs
from export.comparison.runs import measure, read_run

LINES: list[dict[str, Any]] = [
    {"event": "start", "step": 0},
    {"event": "step", "step": 1, "tokens": 100, "loss": 5.0, "seconds": 10.0},
    {"event": "step", "step": 2, "tokens": 200, "loss": 4.0, "seconds": 12.0},
    {"event": "evaluation", "step": 2, "tokens": 200, "bits_per_byte": {"en": 3.0, "zh": 2.0}},
    {"event": "step", "step": 3, "tokens": 300, "loss": 3.0, "seconds": 99.0},
    {"event": "step", "step": 4, "tokens": 400, "loss": 2.0, "seconds": 101.0},
]


def test_curves_and_speed_are_read_from_the_log(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in LINES))
    (tmp_path / "samples.json").write_text('[{"prompt": "从", "continuation": "前", "seed": 1}]', encoding="utf-8")
    found = read_run(tmp_path)
    assert found["training_loss"] == [[100, 5.0], [200, 4.0], [300, 3.0], [400, 2.0]]
    assert found["heldout"] == {"en": [[200, 3.0]], "zh": [[200, 2.0]]}
    assert found["samples"] == [{"prompt": "从", "continuation": "前"}]
    assert found["tokens_per_second"] == 50.0, "the evaluation's seconds are no training"


def test_trainings_that_differ_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    losses = iter(range(100))

    def trained(recipe: str, folder: Path) -> dict[str, Any]:
        return {"recipe": recipe, "seconds": 1.0, "tokens_per_second": 1.0, "training_loss": next(losses)}

    monkeypatch.setattr(runs, "_trained", trained)
    with pytest.raises(VerificationError, match="two trainings of article-gpt came out differently"):
        measure(tmp_path, 2)


def test_a_failing_command_is_named_with_its_own_words() -> None:
    with pytest.raises(VerificationError, match=r"train nowhere failed, .*: there is no recipe nowhere"):
        runs._run("export", "train", "nowhere")


def test_the_best_of_the_rounds_counts_and_the_rest_is_the_same() -> None:
    slow, fast = ({"recipe": "r", "loss": 1, "seconds": s, "tokens_per_second": t} for s, t in ((9.0, 1.0), (5.0, 2.0)))
    assert runs._best("gpt", [slow, fast]) == {"recipe": "r", "loss": 1, "seconds": 5.0, "tokens_per_second": 2.0}
