"""The manual's page, its figures and its JSON say the same, and the attention in it is what the recipes learn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.contracts.errors import FileError
from export.comparison.__main__ import MANUAL, MEASURED, SENTENCES, main
from export.comparison.attended import answers, attended
from export.comparison.pages import figure_files, with_tables
from export.comparison.runs import NETWORKS, PROMPTS
from export.comparison.words import LANGUAGES, WORDS
from export.training.recipe import load_recipe
from export.training.train_command import find_recipe
from export.training.trainer import Trainer

# A training repeats bit for bit on one machine; between kinds of processors rounding moved no weight by more than 2e-5.
BETWEEN_MACHINES = 2e-3


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((MANUAL / "figures" / MEASURED).read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module", params=NETWORKS)
def fresh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A network and the checkpoint of its article recipe, trained here and now."""
    run = tmp_path_factory.mktemp("article") / request.param
    assert Trainer(load_recipe(find_recipe(f"article-{request.param}")), run).run()
    return request.param, run / "final"


def numbers(value: Any) -> Any:
    """The same nest with every number as approx, every word as it is."""
    if isinstance(value, dict):
        return {key: numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [numbers(item) for item in value]
    return value if isinstance(value, str) else pytest.approx(value, abs=BETWEEN_MACHINES)


def test_the_attention_in_the_manual_is_what_the_recipes_learn(
    figures: dict[str, Any], fresh: tuple[str, Path]
) -> None:
    network, checkpoint = fresh
    assert attended(checkpoint, SENTENCES) == numbers(figures["attention"][network])
    assert answers(checkpoint, PROMPTS) == numbers(figures["answers"][network])


def test_every_row_of_attention_sums_to_one_and_nothing_looks_ahead(figures: dict[str, Any]) -> None:
    for network in NETWORKS:
        assert [item["text"] for item in figures["attention"][network]] == list(SENTENCES)
        for item in figures["attention"][network]:
            assert "".join(item["tokens"]) == item["text"]
            rows = [(at, row) for layer in item["maps"] for head in layer for at, row in enumerate(head)]
            assert all(len(row) == len(item["tokens"]) for _, row in rows)
            assert all(sum(row) == pytest.approx(1, abs=1e-3) for _, row in rows)
            assert not any(any(row[at + 1 :]) for at, row in rows)


def test_what_the_page_says_of_the_attention_is_so(figures: dict[str, Any]) -> None:
    for item in figures["attention"]["gpt"]:
        eating = item["tokens"].index("喜欢吃")
        assert min(head[eating][eating - 1] for head in item["maps"][0]) > 0.9, "layer 1 looks at who is eating"
    for item in figures["attention"]["lstm"]:
        row = item["maps"][0][0][item["tokens"].index("喜欢吃")]
        assert row[-1] < max(row) == row[item["tokens"].index("喜欢吃")], "it looks mostly at its newest output"
    fruits = {prompt: made[0] for prompt, made in zip(PROMPTS, ("苹", "橙", "葡"), strict=True)}
    for network in NETWORKS:
        assert {a["prompt"]: a["seeing"][0][0] for a in figures["answers"][network]} == fruits
    assert len({a["blind"][0] for a in figures["answers"]["gpt"]}) == 1, "the same for everybody"
    assert {a["prompt"]: a["blind"][0][0] for a in figures["answers"]["lstm"]} == fruits


def test_what_the_page_says_of_the_two_books_is_so(figures: dict[str, Any]) -> None:
    gpt, lstm = (figures["books"][network] for network in NETWORKS)
    assert gpt["parameters"] == load_recipe(find_recipe("books-gpt")).model.parameters
    assert lstm["parameters"] == load_recipe(find_recipe("books-lstm")).model.parameters
    assert abs(gpt["parameters"] - lstm["parameters"]) < 0.01 * gpt["parameters"]
    for group in ("aesop", "xiao_hong"):
        assert all(a[1] < b[1] for a, b in zip(gpt["heldout"][group], lstm["heldout"][group], strict=True))
    bits = [point[1] for point in gpt["heldout"]["xiao_hong"]]
    assert 0.5 < (bits.index(min(bits)) + 1) / len(bits) < 0.65, "soon after half the way"
    for found in (gpt, lstm):
        losses = [point[1] for point in found["training_loss"]]
        assert losses[-1] < losses[len(losses) // 2] < losses[0]
    assert all(gpt["engine"][speed] < lstm["engine"][speed] for speed in gpt["engine"])
    assert gpt["tokens_per_second"] < lstm["tokens_per_second"]
    assert 7 < gpt["parts"]["inside"] / lstm["parts"]["inside"] < 9, "an eighth"


def test_the_committed_figures_and_tables_are_drawn_from_the_json(figures: dict[str, Any]) -> None:
    for name, drawing in figure_files(figures).items():
        assert (MANUAL / "figures" / name).read_text(encoding="utf-8") == drawing, (
            "run: python -m export.comparison --draw"
        )
    for language in LANGUAGES:
        page = (MANUAL / language / "two_networks.md").read_text(encoding="utf-8")
        assert with_tables(page, figures, language) == page, "run: python -m export.comparison --draw"
        assert page.count("<!-- measured: ") == page.count("<!-- /measured -->") == 4


def test_drawing_writes_every_file_and_nothing_else_changes(figures: dict[str, Any], tmp_path: Path) -> None:
    for language in LANGUAGES:
        (tmp_path / language).mkdir()
        page = (MANUAL / language / "two_networks.md").read_text(encoding="utf-8")
        (tmp_path / language / "two_networks.md").write_text(page, encoding="utf-8")
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / MEASURED).write_text(json.dumps(figures), encoding="utf-8")
    assert main(["--manual", str(tmp_path), "--draw"]) == 0
    for file in (path for path in tmp_path.rglob("*") if path.is_file() and path.name != MEASURED):
        assert file.read_bytes() == (MANUAL / file.relative_to(tmp_path)).read_bytes()
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {MEASURED, *figure_files(figures)}


@pytest.mark.parametrize(("content", "words"), [(None, "does not exist"), ("{", "cut off or not JSON")])
def test_a_missing_or_damaged_json_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None, words: str
) -> None:
    if content is not None:
        (tmp_path / "figures").mkdir()
        (tmp_path / "figures" / MEASURED).write_text(content)
    assert main(["--manual", str(tmp_path), "--draw"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert words in error


def test_a_mark_of_no_table_is_refused(figures: dict[str, Any]) -> None:
    with pytest.raises(FileError, match="asks for the table speeds"):
        with_tables("<!-- measured: speeds -->\n<!-- /measured -->", figures, "en")


def test_both_languages_have_the_same_words() -> None:
    assert WORDS["en"].keys() == WORDS["zh"].keys()
