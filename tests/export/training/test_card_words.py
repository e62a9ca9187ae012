"""A card's sentences follow the recipe: its languages, its licences, its settings; every bundled recipe reads well."""

import tomllib
from typing import Any

import pytest

from export.model.config import gpt2_config
from export.model.recurrent_config import RecurrentConfig
from export.training.card_words import abstract, languages, limits, training_rows
from export.training.model_card import Beside, model_card
from export.training.recipe import load_recipe
from export.training.train_command import find_recipe

CONFIG = gpt2_config(vocabulary_size=64, context_length=32, layers=1, width=8, heads=2)
RECIPES = sorted(path.stem for path in find_recipe("toy").parent.glob("*.toml"))
PART = {"bits_per_byte": 1.25, "nats_per_token": 3.0, "tokens": 10, "bytes": 4321}


def recipe_of(*groups: dict[str, str], **training: Any) -> dict[str, Any]:
    return {"training": {"tokens": 100, **training}, "corpus": {"group": [{"name": "a", **g} for g in groups]}}


@pytest.mark.parametrize(
    ("codes", "english", "chinese"),
    [
        (("zh",), "Chinese", "中文"),
        (("zh", "en", "zh"), "English and Chinese", "英文和中文"),
        (("",), "", ""),
        (("tlh", "en"), "English", "英文"),
    ],
)
def test_languages_are_those_of_the_text(codes: tuple[str, ...], english: str, chinese: str) -> None:
    recipe = recipe_of(*({"language": code} for code in codes))
    assert (languages(recipe), languages(recipe, chinese=True)) == (english, chinese)
    assert ("双语" in abstract(CONFIG, recipe, compared=False)) == (chinese == "英文和中文")


def test_text_read_before_a_fine_tuning_counts_too() -> None:
    base = {"groups": [{"language": "en"}], "finetuning": {"base": {"groups": [{"language": "zh"}]}}}
    assert languages({**recipe_of({"language": "zh"}), "finetuning": {"base": base}}) == "English and Chinese"


def test_limits_say_only_what_the_recipe_bears_out() -> None:
    free, old, unknown = ({"licence": "CC0"}, {"licence": "Public domain (author died 1936)"}, {"licence": ""})
    assert "its time's views" not in limits(CONFIG, recipe_of(free))
    assert "its time's views" in limits(CONFIG, recipe_of(free, old))
    assert "Not all of that text has a licence" in limits(CONFIG, recipe_of(free, unknown))
    assert "context of 32 tokens" in limits(CONFIG, recipe_of(free))
    assert "very small" in limits(CONFIG, recipe_of(free))


def test_how_it_was_trained_is_a_table_with_the_defaults_filled_in() -> None:
    rows = dict(
        training_rows(
            CONFIG,
            {**recipe_of({}, seed=5, muon_rate=0.03), "stage": [{"length": 64}, {"length": 64}, {"length": 1024}]},
        )
    )
    assert rows["seed"] == "5"
    assert rows["update rule"].startswith("Muon at 0.03 inside the layers, AdamW at 0.004 elsewhere")
    assert rows["windows"] == "64, then 1,024 tokens"
    alone = dict(training_rows(CONFIG, recipe_of({}, optimizer="adamw", adam_rate=0.001, autocast="bfloat16")))
    assert alone["update rule"].startswith("AdamW at 0.001;")
    assert alone["number format"] == "bfloat16"
    recurrent = RecurrentConfig(vocabulary_size=64, context_length=32, width=8, units=8)
    assert dict(training_rows(recurrent, recipe_of({})))["update rule"].startswith("AdamW at 0.004;")


@pytest.mark.parametrize("name", RECIPES)
def test_every_bundled_recipe_makes_a_card_without_holes(name: str) -> None:
    path = find_recipe(name)
    source = tomllib.loads(path.read_text(encoding="utf-8"))
    recipe = load_recipe(path)
    meta = {"config": recipe.model.to_dict(), "recipe": recipe.source, "progress": {"tokens": 1000}}
    group = source["corpus"]["group"][0]["name"]
    card = model_card(meta, {"groups": {group: PART}, "languages": {}, "all": PART}, Beside())
    assert f"`{group}`" in card
    for hole in ("{", "()", "continuing  ", " nan ", "PPMd"):
        assert hole not in card
    assert card.count("\n## ") == 7


def test_without_held_out_text_or_weights_there_is_a_card_too() -> None:
    recipe = {**recipe_of({"language": "zh"}), "name": "x"}
    meta = {"config": CONFIG.to_dict(), "recipe": recipe, "progress": {"tokens": 100}}
    none = {"bits_per_byte": 0.0, "nats_per_token": 0.0, "tokens": 0, "bytes": 0}
    card = model_card(meta, {"groups": {}, "languages": {}, "all": none}, Beside())
    assert "kept no text aside" in card
    assert "for continuing Chinese text offline" in card
    assert "| `a` |  | zh |  | 100.0% |" in card
