"""The reference computes a text once, however many roundings are compared with it."""

from pathlib import Path

import numpy as np
import pytest

from export.importers.load import import_checkpoint
from export.reference import Reference
from tests.export.checkpoints import own_checkpoint


@pytest.fixture
def reference(tmp_path: Path) -> Reference:
    (tmp_path / "work").mkdir()
    imported = import_checkpoint(own_checkpoint(tmp_path / "checkpoint"), tmp_path / "work")
    return Reference(imported.config, imported.tensors())


def test_a_text_is_run_once_and_gives_the_same_again(reference: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    ran, run = [], reference.model.hidden
    monkeypatch.setattr(reference.model, "hidden", lambda ids, *rest: ran.append(ids.shape) or run(ids, *rest))
    texts = [list(range(3, 90)), [5, 6, 7]]
    first = [np.concatenate(list(reference.logits(ids))) for ids in texts]
    for ids, logits in zip(texts, first, strict=True):
        for part in reference.logits(ids):
            part[:] = 0  # whoever gets rows may change them
        again = np.concatenate(list(reference.logits(tuple(ids))))
        assert again.shape == (len(ids), reference.model.config.vocabulary_size)
        assert np.array_equal(again, logits)
    assert ran == [(1, 87), (1, 3)]


def test_a_greedy_continuation_is_made_once_and_is_ones_own(reference: Reference) -> None:
    made = reference.greedy([3, 4, 5], 8)
    kept = list(made)
    made.append(0)
    assert reference.greedy([3, 4, 5], 8) == kept
    assert reference.greedy([3, 4, 5], 4) == kept[:4]
