"""Recipes: the ones that come with the program are right; everything wrong is named in one line."""

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest

from engine.contracts.errors import FileError, RecipeError
from engine.contracts.manifest import MANIFEST_NAME, read_manifest
from engine.ngrams import read_ngrams
from export.training.recipe import apply_override, load_recipe, parse_recipe
from export.training.train_command import find_recipe

TOY = tomllib.loads(find_recipe("toy").read_text(encoding="utf-8"))


def changed(**tables: Any) -> dict[str, Any]:
    source = copy.deepcopy(TOY)
    for name, change in tables.items():
        if isinstance(change, dict):
            source[name] = {**source.get(name, {}), **change}
        else:
            source[name] = change
    return source


@pytest.mark.parametrize(
    "name", ["toy", "tiny-student", "tiny-zh-en", "tiny-zh-en-2", "tiny-zh-en-3", "tiny-zh-en.toml"]
)
def test_bundled_recipes_are_found_by_name_and_are_right(name: str) -> None:
    recipe = load_recipe(find_recipe(name))
    assert recipe.stage_ends()[-1] == recipe.training.tokens
    assert all(group.licence and group.language for group in recipe.groups)


def test_the_bundled_models_recipes_go_on_from_one_another() -> None:
    first, second, third = (load_recipe(find_recipe(name)) for name in ("tiny-zh-en", "tiny-zh-en-2", "tiny-zh-en-3"))
    assert first.model.parameters == 3_934_272
    assert second.model.parameters == 13_766_912
    assert third.model.parameters == 10_784_000
    assert second.start == third.start
    assert Path(third.start.checkpoint).name == first.name


def test_the_bundled_model_is_what_its_recipe_says(root: Path) -> None:
    manifest = read_manifest((root / "resources/models/tiny-zh-en" / MANIFEST_NAME).read_text(encoding="utf-8"))
    recipe = load_recipe(find_recipe("tiny-zh-en-3"))
    assert dict(manifest.config) == recipe.model.to_dict()
    ngrams = read_ngrams(root / "resources/models/tiny-zh-en" / manifest.ngrams, manifest.vocabulary_size)
    assert ngrams.order == recipe.ngrams.order
    assert 0.9 * recipe.ngrams.entries < ngrams.entries <= recipe.ngrams.entries
    assert sum(entry.bytes for entry in manifest.files) <= 24_000_000


def test_overrides_are_read_as_toml_or_as_text() -> None:
    source: dict[str, Any] = {}
    for override in ("training.tokens=5_000", "training.prompts=['a']", "corpus.folder=/some where", "name=my run"):
        apply_override(source, override)
    assert source == {
        "training": {"tokens": 5000, "prompts": ["a"]},
        "corpus": {"folder": "/some where"},
        "name": "my run",
    }


def test_moving_the_end_stretches_the_open_stage_only() -> None:
    ends = [parse_recipe(changed(training={"tokens": n}), Path()).stage_ends() for n in (20_000, 40_000)]
    assert ends == [[11_808, 20_000], [31_808, 40_000]]


def test_paths_start_at_the_recipe() -> None:
    assert parse_recipe(TOY, Path("/recipes")).groups[0].files == (Path("/recipes/corpus/stories.txt"),)


GROUP = {"name": "a", "weight": 1}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (changed(moddel={}), "unknown key moddel"),
        ({"name": "x"}, r"no \[model\] table"),
        (changed(model={"layers": 0}), "layers is 0"),
        (changed(model={"widht": 3}), "unknown key widht"),
        (changed(training={"tokens": "many"}), "tokens = 'many' has the wrong type"),
        (changed(training={"seed": 1.5}), "seed = 1.5"),
        (changed(training={"prompts": [1]}), "prompts"),
        (changed(training={"muon_rate": 0}), "muon_rate must be above 0"),
        (changed(training={"optimizer": "sgd"}), "optimizer is 'sgd', but must be muon or adamw"),
        (changed(training={"log_every_steps": 0}), "log_every_steps must be at least 1"),
        (changed(training={"tokens": 8192}), "leaves nothing for stage 'short'"),
        (changed(training={"tokens": 0}), "tokens must be at least 1, not 0"),
        (changed(training={"seed": -1}), "seed must be at least 0, not -1"),
        (changed(training={"workers": 0}), "workers must be at least 1"),
        (changed(training={"threads": -3}), "threads must be at least 0"),
        (changed(training={"evaluate_every_tokens": 0}), "evaluate_every_tokens must be at least 1"),
        (changed(training={"samples_every_tokens": 0}), "samples_every_tokens must be at least 1"),
        (changed(training={"warmup_tokens": -5}), "warmup_tokens must be at least 0"),
        (changed(training={"adam_rate": float("inf")}), "adam_rate must be above 0 and a number, not inf"),
        (changed(training={"clip": float("nan")}), "clip must be above 0 and a number, not nan"),
        (changed(training={"weight_decay": -1.0}), "weight_decay must be at least 0"),
        (changed(training={"checkpoint_minutes": float("nan")}), "checkpoint_minutes must be at least 0"),
        (changed(training={"final_rate": 5.0}), "final_rate is a share of the peak, so from 0 to 1, not 5.0"),
        (changed(training=5), r"no \[training\] table"),
        (changed(tokenizer=5), r"\[tokenizer\] is not a table"),
        (changed(tokenizer={"kind": "words"}), "kind is 'words', but must be bpe or unigram"),
        (changed(tokenizer={"sample_characters": 0}), "sample_characters must be at least 1"),
        (changed(tokenizer={"character_coverage": 7.0}), "character_coverage must be from 0.98 to 1, not 7.0"),
        (changed(model={"architecture": "mamba"}), "architecture is 'mamba', but must be 'recurrent', or left out"),
        (changed(start={"tokens": -1}), r"\[start\]: tokens must be at least 0"),
        (changed(name=5), "name = 5 has the wrong type"),
        (changed(name="a/b"), "take a name without / and"),
        (changed(name=".."), "take a name without / and"),
        (changed(licence=5), "licence = 5 has the wrong type"),
        (changed(stage=5), r"stage is not a list of tables; write \[\[stage\]\] above each"),
        (changed(stage=[{"length": 32}, {"length": 32, "tokens": -512}]), "has -512 tokens"),
        (changed(stage=[{"length": 32, "weights": {"stories": 0}}]), "draws no text: all its groups weigh 0"),
        (changed(stage=[{"length": 32, "weights": {"stories": float("inf")}}]), "weights"),
        (changed(corpus={"folder": 5}), r"\[corpus\] holds a folder"),
        (changed(corpus={"group": 5}), r"\[corpus\] holds a folder"),
        (changed(corpus={"group": [5]}), r"\[corpus\] holds a folder"),
        (changed(corpus={"group": [{"name": "a", "weight": True}]}), "at least 0"),
        (changed(corpus={"group": [{"name": "a", "weight": float("nan")}]}), "at least 0"),
        (changed(corpus={"group": [{"name": "a", "weight": 0}]}), "draws no text"),
        (changed(corpus={"group": [{"name": "a", "files": []}]}), "a names no files"),
        (changed(corpus={"group": [{"name": "a", "files": "stories.txt"}]}), "must be a list of file names"),
        (changed(corpus={"group": [{"name": "a", "heldout": [5]}]}), "heldout of a must be a list of file names"),
        (changed(corpus={"group": [{**GROUP, "language": 5}]}), "language = 5 has the wrong type"),
        (changed(training={"microbatch_tokens": 100}), "must be a multiple"),
        (changed(stage=[]), "exactly one"),
        (changed(stage=[{"length": 32}, {"length": 32}]), "exactly one"),
        (changed(stage=[{"length": 128}]), "outside 2 to context_length 64"),
        (changed(stage=[{"length": 32, "weights": {"poems": 1}}]), "weighs poems"),
        (changed(stage=[{"length": 32, "weights": {"stories": -1}}]), "weights"),
        (changed(stage=["short"]), "not a table"),
        (changed(corpus={"group": []}), "names no text"),
        (changed(corpus={"group": [GROUP, GROUP]}), "same name"),
        (changed(corpus={"group": [{"weight": 1}]}), "needs a name"),
        (changed(corpus={"group": [{"name": "a", "weight": -1}]}), "at least 0"),
        (changed(corpus={"group": [{**GROUP, "lisence": "x"}]}), "unknown key lisence"),
        (changed(distillation={"temperature": 0}), "temperature must be above 0"),
        (changed(distillation={"mix": 1.5}), "mix between 0 and 1"),
        (changed(distillation={"heat": 1}), "unknown key heat"),
        (changed(tokenizer={"vocabulary": 0}), "vocabulary_size is 0"),
    ],
)
def test_mistakes_are_named_in_one_line(source: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words) as caught:
        parse_recipe(source, Path())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("override", ["tokens", "=3", "name.deeper=3"])
def test_bad_overrides_are_named(override: str) -> None:
    with pytest.raises(RecipeError, match="--set"):
        load_recipe(find_recipe("toy"), [override])


def test_files_that_are_no_recipe_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileError):
        load_recipe(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("[model")
    with pytest.raises(RecipeError, match="not valid TOML"):
        load_recipe(tmp_path / "bad.toml")
    with pytest.raises(RecipeError, match="is a folder, not a recipe"):
        find_recipe(str(tmp_path))
    with pytest.raises(RecipeError, match=r"one of: article-gpt, .*tiny-zh-en, .*toy"):
        find_recipe("gigantic")
