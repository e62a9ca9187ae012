"""Distillation runs: a taught student is better than the same one alone, goes on exactly, and gets no wrong teacher."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.contracts.errors import NextstrokeError, RecipeError, TokenizerError
from export.cli import main
from export.convert import convert
from export.training.checkpoint import load_checkpoint
from export.training.distill import check_teacher, open_teacher
from export.training.distillation import Distillation
from export.training.distributed_launch import worker_environment
from export.training.recipe import Recipe
from export.training.run_log import read_log
from export.training.tokenizer import TextTokenizer, TokenizerSettings, same_pieces, train_tokenizer
from export.training.trainer import Trainer
from tests.export.checkpoints import huggingface_model, own_checkpoint, save_huggingface
from tests.export.training.conftest import stories
from tests.export.training.together import finish
from tests.support.tiny_models import write_tiny_model

Load = Callable[..., Recipe]
QUIET = ("training.evaluate_every_tokens=1000000000", "training.samples_every_tokens=1000000000")
SHORT = (
    *QUIET,
    "model.layers=1",
    "model.width=16",
    "model.mlp_width=32",
    "training.tokens=12288",
    "stage=[{length=32}]",
)


@pytest.fixture(autouse=True)
def own_profile(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTSTROKE_PROFILE", str(tmp_path_factory.mktemp("profile")))


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory, toy_corpus: Path) -> Path:
    """The final checkpoint of the toy recipe, trained to the end."""
    run = tmp_path_factory.mktemp("老师 teacher") / "run"
    settings = [f"corpus.folder={toy_corpus}", *QUIET]
    assert main(["train", "toy", "--output", str(run), *[part for s in settings for part in ("--set", s)]]) == 0
    return run / "final"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, teacher: Path) -> Path:
    """The teacher as a model folder in float32."""
    return convert(teacher, tmp_path_factory.mktemp("model") / "teacher", "fp32").folder


def command(corpus: Path, teacher: Path, output: Path, *settings: str) -> list[str]:
    words = [part for s in (f"corpus.folder={corpus}", *settings) for part in ("--set", s)]
    return ["distill", "toy", "--teacher", str(teacher), "--output", str(output), *words]


def bits_per_byte(run: Path) -> float:
    return float(json.loads((run / "evaluation.json").read_text(encoding="utf-8"))["all"]["bits_per_byte"])


def test_a_taught_student_beats_the_same_student_alone(tmp_path: Path, teacher: Path) -> None:
    """Four documents over and over: alone it learns them by heart, taught it learns what could stand there instead."""
    few = tmp_path / "few"
    few.mkdir()
    (few / "stories.txt").write_text(stories(4, 3), encoding="utf-8")
    (few / "heldout.txt").write_text(stories(8, 2), encoding="utf-8")
    student = (*QUIET, "model.layers=1", "training.tokens=16384")
    tokenizer = f"tokenizer.file={teacher / 'tokenizer.model'}"
    alone = ["train", "toy", "--output", str(tmp_path / "alone")]
    alone += [part for s in (f"corpus.folder={few}", tokenizer, *student) for part in ("--set", s)]
    assert main(alone) == 0
    assert main(command(few, teacher, tmp_path / "taught", *student, "distillation.mix=0.8")) == 0
    assert bits_per_byte(tmp_path / "taught") < 0.85 * bits_per_byte(tmp_path / "alone")
    taught, plain = (load_checkpoint(tmp_path / name / "final") for name in ("taught", "alone"))
    assert taught.progress.tokens == plain.progress.tokens == 16_384
    assert taught.tokenizer == plain.tokenizer
    assert taught.recipe["distillation"]["teacher"].startswith("Toy (")
    assert taught.recipe["distillation"]["teacher_sha256"] == open_teacher(teacher).sha256


def test_a_stopped_run_that_goes_on_is_bit_equal_to_one_that_never_stopped(
    tmp_path: Path, toy_recipe: Load, teacher: Path
) -> None:
    recipe, opened = toy_recipe(*SHORT, "training.workers=2"), open_teacher(teacher)
    objective = Distillation(opened.teacher, recipe.distillation)
    for name, stops in (("whole", ()), ("parts", (1, 6, 9))):
        run = tmp_path / name
        run.mkdir()
        shutil.copy(teacher / "tokenizer.model", run)
        for index, steps in enumerate(stops):
            assert not Trainer(recipe, run, objective=objective).run(resume=index > 0, stop_after_steps=steps)
        assert Trainer(recipe, run, objective=objective).run(resume=bool(stops))
    one, two = (load_checkpoint(tmp_path / name / "checkpoint-00000024") for name in ("whole", "parts"))
    for before, after in ((one.model, two.model), (one.optimizer, two.optimizer)):
        assert before.keys() == after.keys()
        assert all(torch.equal(before[name], after[name]) for name in before)


def test_the_command_resumes_and_refuses_another_teacher(
    tmp_path: Path, toy_corpus: Path, teacher: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, other = tmp_path / "run", tmp_path / "other teacher"
    arguments = command(toy_corpus, teacher, run, *SHORT)
    process = subprocess.Popen(
        [sys.executable, "-m", "export", *arguments, "--set", "training.tokens=100000000", "--threads", "1"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("step "):
            break
    process.terminate()
    rest = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 130
    assert "continue with --resume" in rest
    shutil.copytree(teacher, other)
    card = json.loads((other / "checkpoint.json").read_text(encoding="utf-8"))
    (other / "checkpoint.json").write_text(json.dumps(card | {"recipe": {"name": "other"}}), encoding="utf-8")
    enough = f"training.tokens={load_checkpoint(newest(run)).progress.tokens + 512}"
    assert main([*command(toy_corpus, other, run, *SHORT, enough), "--resume"]) == 1
    assert "give the teacher it began with" in capsys.readouterr().err
    assert main([*command(toy_corpus, teacher, run, *SHORT, enough), "--resume"]) == 0
    steps = [line["step"] for line in read_log(run / "log.jsonl") if line["event"] == "step"]
    assert steps == sorted(set(steps))


def newest(run: Path) -> Path:
    return sorted(run.glob("checkpoint-*"))[-1]


def test_a_model_folder_teaches_what_its_checkpoint_teaches(folder: Path, teacher: Path) -> None:
    tokens = torch.randint(0, 384, (3, 40), generator=torch.Generator().manual_seed(1))
    answers = [torch.cat([*open_teacher(path).teacher.rows(tokens)]) for path in (folder, teacher)]
    assert answers[0].shape == (120, 384)
    torch.testing.assert_close(answers[0], answers[1], rtol=0, atol=1e-4)


def test_a_run_under_a_model_folder_goes_on_bit_equal(tmp_path: Path, toy_recipe: Load, folder: Path) -> None:
    recipe, opened = toy_recipe(*SHORT, "training.tokens=3072", "training.workers=2"), open_teacher(folder)
    objective = Distillation(opened.teacher, recipe.distillation)
    for name in ("whole", "parts"):
        run = tmp_path / name
        run.mkdir()
        shutil.copy(folder / "tokenizer.model", run)
        stopped = name == "parts" and not Trainer(recipe, run, objective=objective).run(stop_after_steps=2)
        assert Trainer(recipe, run, objective=objective).run(resume=stopped)
    one, two = (load_checkpoint(tmp_path / name / "final").model for name in ("whole", "parts"))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_the_model_card_names_the_teacher(tmp_path: Path, toy_corpus: Path, folder: Path) -> None:
    assert main(command(toy_corpus, folder, tmp_path / "run", *SHORT, "training.tokens=2048")) == 0
    done = convert(tmp_path / "run" / "final", tmp_path / "student", "fp32")
    card = (done.folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "taught by Toy (model folder, fp32)" in card
    assert open_teacher(folder).sha256 in card
    assert "temperature 1, mix 0.5" in card


def test_the_same_pieces_in_another_file_are_the_same_tokenizer() -> None:
    texts = ["the cat sees the sun", "小猫看见太阳"] * 20
    made = [train_tokenizer(texts, TokenizerSettings(vocabulary=size)) for size in (300, 301)]
    assert same_pieces(made[0], TextTokenizer(made[0].model + b"\xa2\x06\x01x"))  # protobuf: an unknown field
    assert not same_pieces(*made)


@pytest.mark.parametrize(
    ("make", "settings", "words"),
    [
        (lambda place: own_checkpoint(place / "c"), (), "pieces that are not the student's"),
        (lambda place: place / "nothing", (), "there is no checkpoint"),
        (lambda place: write_tiny(place), (), "pieces that are not the student's"),
        (lambda place: save_huggingface(place / "gpt2", huggingface_model()), (), "byte-level tokenizer"),
    ],
    ids=["other pieces", "nothing there", "folder with other pieces", "byte-level"],
)
def test_an_unfitting_teacher_is_refused_in_one_line(
    tmp_path: Path,
    toy_corpus: Path,
    teacher: Path,
    make: Callable[[Path], Path],
    settings: tuple[str, ...],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tokenizer = f"tokenizer.file={teacher / 'tokenizer.model'}"
    assert main(command(toy_corpus, make(tmp_path), tmp_path / "run", *SHORT, tokenizer, *settings)) == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert words in errors[0]
    assert not (tmp_path / "run").exists(), "refused before anything is written"


def write_tiny(place: Path) -> Path:
    write_tiny_model(place / "tiny")
    return place / "tiny"


@pytest.mark.parametrize(
    ("overrides", "kind", "words"),
    [
        (("tokenizer.vocabulary=400",), RecipeError, "set tokenizer.vocabulary to 384"),
        (("model.context_length=128", "stage=[{length = 128}]"), RecipeError, "the teacher sees at most 64"),
        ((), TokenizerError, "leave tokenizer.file out of the recipe"),
    ],
)
def test_what_does_not_fit_is_said_with_the_way_out(
    toy_recipe: Load, teacher: Path, overrides: tuple[str, ...], kind: type[NextstrokeError], words: str
) -> None:
    opened: Any = open_teacher(teacher)
    tokenizer = opened.tokenizer
    if not overrides:
        tokenizer = train_tokenizer(["a b c d e f g"] * 20, TokenizerSettings(vocabulary=270))
    with pytest.raises(kind, match=words):
        check_teacher(opened, toy_recipe(*QUIET, *overrides), tokenizer)


def test_a_recipe_without_a_teacher_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["distill", "toy"])
    assert ended.value.code == 2
    assert "--teacher" in capsys.readouterr().err


def test_going_on_from_a_run_without_a_teacher_is_refused(
    tmp_path: Path, toy_recipe: Load, toy_corpus: Path, teacher: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(teacher / "tokenizer.model", run)
    Trainer(toy_recipe(*SHORT), run).run(stop_after_steps=1)
    assert main([*command(toy_corpus, teacher, run, *SHORT), "--resume"]) == 1
    assert "was trained without a teacher" in capsys.readouterr().err


@pytest.mark.slow
def test_two_processes_learn_what_one_learns(tmp_path: Path, toy_corpus: Path, teacher: Path) -> None:
    settings = (*SHORT, "training.tokens=3072", "training.log_every_steps=1", "training.autocast=float32")
    assert main(command(toy_corpus, teacher, tmp_path / "one", *settings)) == 0
    arguments = command(toy_corpus, teacher, tmp_path / "two", *settings)
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "export", *arguments, "--threads", "1"],
            env=worker_environment(rank, 2, tmp_path / "meeting"),
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    said = finish(processes)
    assert [process.returncode for process in processes] == [0, 0], "\n".join(said)
    one, two = (
        [line["loss"] for line in read_log(tmp_path / name / "log.jsonl") if line["event"] == "step"]
        for name in ("one", "two")
    )
    assert len(one) == 6
    assert two == pytest.approx(one, rel=1e-4)
