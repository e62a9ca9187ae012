"""The two books' recipes differ in the network and its rates alone, and never learn from what they are measured on."""

from __future__ import annotations

import tomllib
from typing import Any

from export.training.corpus import read_documents
from export.training.recipe import load_recipe
from export.training.train_command import find_recipe

OWN = {"name", "title", "model"}
RATES = {"muon_rate", "adam_rate", "weight_decay"}


def source(name: str) -> dict[str, Any]:
    return tomllib.loads(find_recipe(name).read_text(encoding="utf-8"))


def test_both_learn_the_same_text_in_the_same_way() -> None:
    gpt, lstm = source("books-gpt"), source("books-lstm")
    assert {key for key in gpt if gpt[key] != lstm[key]} == OWN | {"training"}
    training = gpt["training"], lstm["training"]
    assert {key for key in training[0] | training[1] if training[0].get(key) != training[1].get(key)} == RATES
    assert gpt["model"]["context_length"] == lstm["model"]["context_length"]


def test_what_is_held_out_is_not_learned() -> None:
    counts = {}
    for group in load_recipe(find_recipe("books-gpt")).groups:
        assert group.licence.startswith("public domain")
        learned = [text for path in group.files for text in read_documents(path)]
        heldout = [text for path in group.heldout for text in read_documents(path)]
        counts[group.name] = (len(learned), len(heldout))
        paragraphs = {line for text in learned for line in text.splitlines() if len(line) >= 20}
        assert not paragraphs & {line for text in heldout for line in text.splitlines()}
    assert counts == {"aesop": (144, 13), "xiao_hong": (21, 2)}
