"""The dial for size: the documented table, what the recipe says wins, and a run that goes on as it began."""

import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.contracts.errors import RecipeError
from export.cli import main
from export.training import size_dial
from export.training.checkpoint import list_checkpoints, load_checkpoint
from export.training.compute import matrix_parameters
from export.training.recipe import Recipe, load_recipe, parse_recipe
from export.training.run_log import read_log
from export.training.size_dial import dialled
from export.training.train_command import find_recipe

Load = Callable[..., Recipe]
_ROW = re.compile(r"^ +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +([\d,]+) +([\d,]+) +([\d,]+) +(0\.\d+)$", re.MULTILINE)
TOY = tomllib.loads(find_recipe("toy").read_text(encoding="utf-8"))
DIAL = {
    **{key: value for key, value in TOY.items() if key != "stage"},
    "model": {"depth": 2, "context_length": 64},
    "training": {"seed": 7},
}


def recipe_of(model: dict[str, Any], training: dict[str, Any] | None = None, **tables: Any) -> Recipe:
    source = {**DIAL, "model": model, "training": training or {}, **tables}
    return parse_recipe(source, Path())


def _rows() -> list[tuple[str, ...]]:
    return _ROW.findall(size_dial.__doc__ or "")


def test_the_documented_table_has_rows() -> None:
    assert [row[0] for row in _rows()] == ["2", "4", "6", "8", "12", "20", "24"]


@pytest.mark.parametrize("row", _rows(), ids=lambda row: f"depth {row[0]}")
def test_the_documented_table_is_what_the_rules_give(row: tuple[str, ...]) -> None:
    depth, width, heads, kv, mlp, inside, tokens, batch = (int(cell.replace(",", "")) for cell in row[:8])
    recipe = recipe_of({"depth": depth})
    model, training = recipe.model, recipe.training
    assert (model.layers, model.width, model.heads, model.kv_heads) == (depth, width, heads, kv)  # type: ignore[union-attr]
    assert (model.mlp_width, model.head_size, model.context_length) == (mlp, 64, 1024)  # type: ignore[union-attr]
    assert matrix_parameters(model, head=False) == inside
    assert (training.tokens, training.batch_tokens) == (tokens, batch)
    assert (training.muon_rate, training.adam_rate) == (0.02, pytest.approx(float(row[8]), abs=5e-6))
    assert 10 * batch <= training.warmup_tokens < training.decay_tokens == 2 * tokens // 5


def test_what_the_recipe_says_wins_and_the_rest_follows_it() -> None:
    recipe = recipe_of({"depth": 6, "width": 256, "mlp": "gelu"}, {"tokens": 1_000_000, "adam_rate": 0.5})
    assert recipe.model.layers == 6
    assert (recipe.model.width, recipe.model.heads, recipe.model.mlp_width) == (256, 4, 1024)  # type: ignore[union-attr]
    assert (recipe.training.tokens, recipe.training.adam_rate) == (1_000_000, 0.5)
    assert "model.width" not in recipe.derived
    assert "training.tokens" not in recipe.derived
    assert recipe.derived_values()["model.heads"] == 4
    assert recipe_of({"depth": 6, "heads": 3, "width": 384}).model.head_size == 128  # type: ignore[union-attr]


def test_batches_are_whole_windows_shared_out_among_the_workers() -> None:
    stages = [{"length": 48, "tokens": 10_000}, {"length": 64}]
    recipe = recipe_of({"depth": 2, "context_length": 64}, {"tokens": 200_000, "workers": 2}, stage=stages)
    training = recipe.training
    assert training.microbatch_tokens % 192 == 0
    assert training.batch_tokens % (2 * training.microbatch_tokens) == 0
    given = recipe_of({"depth": 2, "context_length": 64}, {"tokens": 200_000, "batch_tokens": 768}).training
    assert (given.batch_tokens, given.microbatch_tokens) == (768, 768)


def test_adamw_alone_takes_its_rate_from_the_compute() -> None:
    rates = [recipe_of({"depth": depth}, {"optimizer": "adamw"}).training.adam_rate for depth in (2, 12)]
    assert rates == pytest.approx([0.3118 * 4.33e13**-0.125, 0.3118 * 8.55e17**-0.125], rel=0.01)


def test_without_the_dial_nothing_changes() -> None:
    assert dialled(TOY) == (TOY, [])
    assert load_recipe(find_recipe("toy")).derived == ()


@pytest.mark.parametrize(
    ("model", "training", "words"),
    [
        ({"depth": 0}, {}, "depth is 0, but must be a whole number from 1 to 256"),
        ({"depth": "six"}, {}, "depth is 'six'"),
        ({"depth": True}, {}, "depth is True"),
        ({"depth": 10**9}, {}, "depth is 1000000000"),
        ({"depth": 2, "widht": 3}, {}, "unknown key widht"),
        ({"depth": 2, "width": "wide"}, {}, "nothing can be derived"),
        ({"depth": 2, "heads": 3, "kv_heads": 2}, {}, "cannot share"),
        ({"depth": 2}, {"workers": "two"}, "nothing can be derived"),
        ({"depth": 2}, {"batch_tokens": 0}, "batch_tokens must be at least 1"),
        ({"depth": 2, "architecture": "recurrent"}, {}, "dial of a GPT"),
    ],
)
def test_a_dial_that_cannot_be_is_one_line(model: dict[str, Any], training: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words) as caught:
        recipe_of(model, training)
    assert "\n" not in str(caught.value)


def test_a_run_that_began_keeps_its_values_under_other_rules_and_another_end(monkeypatch: pytest.MonkeyPatch) -> None:
    began = recipe_of({"depth": 4}, {"tokens": 50_000_000})
    monkeypatch.setattr(size_dial, "_WIDTH_A_LAYER", 128)
    source = {**DIAL, "model": {"depth": 4}, "training": {"tokens": 90_000_000}}
    fresh, resumed = parse_recipe(source, Path()), parse_recipe(source, Path(), began.source)
    assert fresh.model != began.model
    assert resumed.model == began.model
    assert resumed.training.tokens == 90_000_000
    assert resumed.training.decay_tokens == began.training.decay_tokens == 20_000_000
    assert resumed.derived == began.derived
    other = {**source, "model": {"depth": 5}}
    assert parse_recipe(other, Path(), began.source).model == parse_recipe(other, Path()).model, "not that run's dial"


def test_the_command_dials_logs_and_resumes(
    tmp_path: Path, toy_corpus: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    recipe, run = tmp_path / "dial.toml", tmp_path / "run"
    text = find_recipe("toy").read_text(encoding="utf-8")
    head, rest = text.split("[model]")[0], text[text.index("[tokenizer]") : text.index("[training]")]
    corpus = text[text.index("[corpus]") :].replace('folder = "corpus"', f"folder = {json.dumps(str(toy_corpus))}")
    recipe.write_text(
        f"{head}[model]\ndepth = 9\ncontext_length = 32\n{rest}[training]\ntokens = 4096\n{corpus}", encoding="utf-8"
    )
    command = ["train", str(recipe), "--output", str(run), "--set", "model.depth=1", "--set", "training.threads=1"]
    assert main(command) == 0
    [start, *_] = read_log(run / "log.jsonl")
    saved = load_checkpoint(list_checkpoints(run)[-1])
    assert start["derived"]["model.width"] == saved.config.to_dict()["width"] == 64
    assert saved.recipe["model"]["width"] == 64
    assert saved.recipe["training"]["batch_tokens"] == start["derived"]["training.batch_tokens"]
    monkeypatch.setattr(size_dial, "_WIDTH_A_LAYER", 128)
    assert main([*command, "--resume", "--set", "training.tokens=8192"]) == 0
    assert load_checkpoint(run / "final").progress.tokens == 8192
    assert "error" not in capfd.readouterr().err
    assert main([*command, "--resume", "--set", "model.depth=2"]) == 1
    assert "another model" in capfd.readouterr().err
