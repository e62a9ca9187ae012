"""What may change in a run that goes on, and what may not."""

import pytest

from engine.contracts.errors import CheckpointError
from export.training.same_run import changes, refuse_another_run

BEGAN = {"name": "a", "training": {"seed": 3, "tokens": 100}, "stage": [{"length": 8}], "corpus": {"group": [1]}}


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ({**BEGAN, "name": "b"}, "name = 'a', the recipe says 'b'"),
        ({**BEGAN, "training": {"tokens": 100}}, "training.seed = 3, the recipe says 1"),
        ({**BEGAN, "training": {"seed": 3, "optimizer": "adamw"}}, "training.optimizer = 'muon'"),
    ],
)
def test_name_seed_and_optimizer_are_the_run(now: dict[str, object], words: str) -> None:
    with pytest.raises(CheckpointError, match=words):
        refuse_another_run(BEGAN, now, "checkpoint-00000001")


def test_what_is_left_out_counts_as_its_default() -> None:
    refuse_another_run({"training": {}}, {"name": "model", "training": {"seed": 1, "optimizer": "muon"}}, "c")


def test_everything_else_is_said_and_long_things_only_named() -> None:
    now = {**BEGAN, "training": {"seed": 3, "tokens": 200, "clip": 2.0}, "stage": [], "corpus": {"group": [2]}}
    refuse_another_run(BEGAN, now, "c")
    assert changes(BEGAN, now) == ["corpus.group", "stage", "training.clip None -> 2.0", "training.tokens 100 -> 200"]
    assert changes(BEGAN, BEGAN) == []
