"""The model card: every number as measured, samples unedited, files that do not fit refused."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from export.training.model_card import Beside, main, model_card, training_shares
from export.training.recipe import load_recipe
from export.training.train_command import find_recipe

PART = {"bits_per_byte": 1.25, "nats_per_token": 3.0, "tokens": 10, "bytes": 4321}
EVALUATION = {"groups": {"stories": PART}, "languages": {"en": PART}, "all": PART}
SAMPLE = {
    "prompt": "从前",
    "continuation": "有一个*小孩*。\n\nThe <end> | & `more`",
    "seed": 7,
    "temperature": 0.8,
    "top_p": 0.95,
    "ended": False,
}


def toy_meta() -> dict[str, Any]:
    path = find_recipe("toy")
    recipe = tomllib.loads(path.read_text(encoding="utf-8"))
    recipe["corpus"]["folder"] = "/home/somebody/private"
    config = load_recipe(path).model.to_dict()
    return {"config": config, "recipe": recipe, "progress": {"tokens": 32768}}


def test_the_card_tells_what_the_run_measured() -> None:
    ppmd = {"order": 6, "groups": {"stories": {"bits_per_byte": 1.5}}}
    card = model_card(toy_meta(), EVALUATION, Beside([SAMPLE], ppmd))
    assert "| `stories` | 4,321 | 1.250 | 1.500 | yes |" in card
    assert "32,768 tokens" in card
    assert "Apache-2.0" in card
    assert "seed 7, temperature 0.8, top-p 0.95" in card
    assert "somebody" not in card, "paths of the machine that trained it are nobody's business"
    assert "中文摘要" in card


def test_shares_take_all_stages_together() -> None:
    recipe = {
        "training": {"tokens": 100},
        "corpus": {"group": [{"name": "a", "weight": 3}, {"name": "b", "weight": 1}]},
        "stage": [{"length": 8}, {"tokens": 40, "weights": {"a": 1}}],
    }
    assert training_shares(recipe) == pytest.approx({"a": 0.6 * 0.75 + 0.4 * 0.5, "b": 0.6 * 0.25 + 0.4 * 0.5})


def test_the_card_admits_where_the_baseline_is_better() -> None:
    ppmd = {"order": 6, "groups": {"stories": {"bits_per_byte": 1.2}}}
    card = model_card(toy_meta(), EVALUATION, Beside(ppmd=ppmd))
    assert "| 1.250 | 1.200 | **no** |" in card


def test_an_earlier_model_stands_beside_it_with_the_change() -> None:
    old, other = {"bits_per_byte": 1.0, "bytes": PART["bytes"]}, {"bits_per_byte": 1.0, "bytes": 1}
    before = {"name": "the first model", "groups": {"stories": old, "gone": old}, "languages": {}, "all": other}
    lines = model_card(toy_meta(), EVALUATION, Beside(before=before)).splitlines()
    assert "| held-out text | bytes | this model | the first model | change |" in lines
    assert "| `stories` | 4,321 | 1.250 | 1.000 | +25.0% |" in lines
    assert "| all en | 4,321 | 1.250 |  |  |" in lines
    assert "| all | 4,321 | 1.250 |  |  |" in lines  # other texts were measured then


def test_what_a_reader_judged_has_its_own_part() -> None:
    card = model_card(toy_meta(), EVALUATION, Beside(judgement="It writes.\n"))
    assert "## What it can and cannot do\n\nIt writes.\n\n## Limits" in card
    assert "What it can" not in model_card(toy_meta(), EVALUATION, Beside())


def test_a_model_that_did_not_start_from_nothing_says_so() -> None:
    meta = toy_meta()
    assert "trained from scratch on 32,768 tokens" in model_card(meta, EVALUATION, Beside())
    meta["recipe"]["start"] = {"name": "small*", "parameters": 1000, "tokens": 5000}
    told = model_card(meta, EVALUATION, Beside())
    assert "trained on 32,768 tokens" in told
    assert "It started from the weights of small\\*, 1,000 parameters after 5,000 tokens, which were grown" in told


def test_samples_keep_their_characters_and_lines() -> None:
    card = model_card(toy_meta(), EVALUATION, Beside([SAMPLE]))
    assert "> **从前**有一个\\*小孩\\*。\n>\n> The \\<end\\> \\| \\& \\`more\\` […]" in card


def test_the_command_reads_a_run_and_writes_the_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    final = tmp_path / "run" / "final"
    final.mkdir(parents=True)
    (final / "checkpoint.json").write_text(json.dumps(toy_meta()), encoding="utf-8")
    (tmp_path / "run" / "evaluation.json").write_text(json.dumps(EVALUATION), encoding="utf-8")
    (tmp_path / "run" / "samples.json").write_text(json.dumps([SAMPLE]), encoding="utf-8")
    output = tmp_path / "MODEL_CARD.md"
    assert main([str(final), "--output", str(output)]) == 0
    assert output.read_text(encoding="utf-8").startswith("# Toy")
    (tmp_path / "run" / "evaluation.json").write_text('{"groups": {"a"', encoding="utf-8")
    assert main([str(final), "--output", str(output)]) == 1
    assert main([str(tmp_path), "--output", str(output)]) == 1
    (tmp_path / "run" / "evaluation.json").write_text("{}", encoding="utf-8")
    assert main([str(final), "--output", str(output)]) == 1
    errors = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in errors] == ["error"] * 3
    assert "do not fit together" in errors[2]
