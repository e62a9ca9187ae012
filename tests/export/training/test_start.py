"""[start]: a run begins with an earlier run's weights, grown where its network is larger, and remembers it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.contracts.errors import CheckpointError
from export.convert import convert
from export.training.checkpoint import load_checkpoint
from export.training.evaluation import evaluate, read_heldout
from export.training.recipe import Recipe
from export.training.start import started
from export.training.tokenizer import TextTokenizer
from export.training.trainer import Trainer

BRIEF = ("training.tokens=4096", "training.decay_tokens=1024", "stage=[{length=32}]", "training.prompts=[]")


@pytest.fixture(scope="module")
def first_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("first")


@pytest.fixture
def first(first_run: Path, toy_recipe: Callable[..., Recipe]) -> Path:
    """The final checkpoint of a short run."""
    if not (first_run / "final").exists():
        Trainer(toy_recipe(*BRIEF), first_run).run()
    return first_run / "final"


def test_a_grown_start_is_as_good_as_what_it_came_from_and_is_remembered(
    first: Path, tmp_path: Path, toy_recipe: Callable[..., Recipe]
) -> None:
    recipe = toy_recipe(*BRIEF, f"start.checkpoint={first}", "model.layers=3", "model.mlp_width=128")
    recipe, model = started(recipe, tmp_path, resume=False)
    assert model is not None
    tokenizer = TextTokenizer.open(tmp_path / "tokenizer.model")
    begun = evaluate(model, read_heldout(recipe.groups, tokenizer))["all"]["bits_per_byte"]
    small = load_checkpoint(first)
    before = started(toy_recipe(*BRIEF, f"start.checkpoint={first}"), tmp_path, resume=False)[1]
    assert before is not None
    assert begun == pytest.approx(
        evaluate(before, read_heldout(recipe.groups, tokenizer))["all"]["bits_per_byte"], rel=1e-4
    )

    trainer = Trainer(recipe, tmp_path, model=model)
    trainer.run(stop_after_steps=2)
    again, nothing = started(toy_recipe(*BRIEF, "model.layers=3", "model.mlp_width=128"), tmp_path, resume=True)
    assert nothing is None
    told = {"name": "toy", "parameters": small.config.parameters, "tokens": 4096}
    assert again.source["start"] == told
    Trainer(again, tmp_path).run(resume=True)
    final = load_checkpoint(tmp_path / "final")
    assert (final.progress.tokens, final.recipe["start"]) == (4096, told)


def test_another_tokenizer_in_the_run_s_folder_is_refused(
    first: Path, tmp_path: Path, toy_recipe: Callable[..., Recipe]
) -> None:
    (tmp_path / "tokenizer.model").write_bytes(b"another")
    with pytest.raises(CheckpointError, match="another tokenizer than that of"):
        started(toy_recipe(f"start.checkpoint={first}"), tmp_path, resume=False)


def test_without_a_start_nothing_changes(tmp_path: Path, toy_recipe: Callable[..., Recipe]) -> None:
    recipe = toy_recipe()
    assert started(recipe, tmp_path, resume=False) == (recipe, None)
    assert started(recipe, tmp_path, resume=True) == (recipe, None)


def test_a_network_that_cannot_grow_is_refused(first: Path, tmp_path: Path, toy_recipe: Callable[..., Recipe]) -> None:
    with pytest.raises(CheckpointError, match="layers would shrink from 2 to 1"):
        started(toy_recipe(f"start.checkpoint={first}", "model.layers=1"), tmp_path, resume=False)


def test_a_model_folder_is_a_start_too(first: Path, tmp_path: Path, toy_recipe: Callable[..., Recipe]) -> None:
    folder = tmp_path / "folder"
    convert(first, folder, "int8")
    from_folder = toy_recipe(*BRIEF, f"start.checkpoint={folder}", "start.tokens=4096")
    from_checkpoint = toy_recipe(*BRIEF, f"start.checkpoint={first}")
    bits = []
    for number, asked in enumerate((from_checkpoint, from_folder)):
        run = tmp_path / str(number)
        recipe, model = started(asked, run, resume=False)
        assert model is not None
        heldout = read_heldout(recipe.groups, TextTokenizer.open(run / "tokenizer.model"))
        bits.append(evaluate(model, heldout)["all"]["bits_per_byte"])
    assert bits[1] == pytest.approx(bits[0], rel=0.01)
    assert bits[1] != bits[0]  # it was rounded on the way
    assert (recipe.start.name, recipe.start.tokens) == ("folder", 4096)


def test_a_damaged_model_folder_is_no_start(first: Path, tmp_path: Path, toy_recipe: Callable[..., Recipe]) -> None:
    folder = tmp_path / "folder"
    convert(first, folder, "fp32")
    graph = folder / "decoder.onnx"
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.chmod(0o644)
    graph.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"decoder\.onnx is not what its manifest says"):
        started(toy_recipe(*BRIEF, f"start.checkpoint={folder}"), tmp_path / "run", resume=False)
