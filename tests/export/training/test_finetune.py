"""Fine-tuning: the style is learned, its cost is told, the result is an ordinary checkpoint, a run goes on exactly."""

import json
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import docx
import pytest
import torch
from safetensors.torch import load_file

from engine.loaded_model import load_model
from export.cli import main
from export.convert import convert
from export.model.architectures import build
from export.model.lora import add_adapters
from export.training.checkpoint import load_checkpoint
from export.training.corpus import read_documents
from export.training.finetune import language_of
from export.training.starting_point import open_starting_point
from tests.export.checkpoints import huggingface_model, own_checkpoint, recurrent_checkpoint, save_huggingface

SMALL = ("--tokens", "6144", "--threads", "1")


@pytest.fixture(autouse=True)
def own_profile(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEXTSTROKE_PROFILE", str(tmp_path_factory.mktemp("profile")))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, toy_corpus: Path) -> Path:
    """A briefly trained toy."""
    run = tmp_path_factory.mktemp("base") / "run"
    settings = [f"corpus.folder={toy_corpus}", "training.tokens=12288", "stage=[{length=64}]"]
    settings += [f"training.{name}_every_tokens=1000000000" for name in ("evaluate", "samples")]
    assert main(["train", "toy", "--output", str(run), *[part for s in settings for part in ("--set", s)]]) == 0
    return run / "final"


@pytest.fixture(scope="module")
def style(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts of somebody who writes of birds and the river only, in three kinds of files, and some that are no texts."""
    place, random = tmp_path_factory.mktemp("我的 style"), Random(4)
    for number in range(12):
        lines = [
            f"The river likes {random.choice(['the bird', 'a bird', 'the fish'])}. 太阳看见小猫。" for _ in range(12)
        ]
        if number == 3:
            document = docx.Document()
            for line in lines:
                document.add_paragraph(line)
            document.save(str(place / "03.docx"))
        else:
            encoding = "gb18030" if number == 5 else "utf-8"
            (place / f"{number:02}.{'md' if number % 2 else 'txt'}").write_text("\n".join(lines), encoding=encoding)
    (place / ".notes.txt").write_text("hidden")
    (place / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    return place


def command(base: Path, texts: Path, output: Path, *more: str) -> list[str]:
    return ["finetune", str(base), str(texts), "--output", str(output), *SMALL, *more]


def figures(run: Path) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads((run / "finetune.json").read_text(encoding="utf-8"))
    return plain


@pytest.mark.parametrize("method", ["lora", "full"])
def test_the_style_is_learned_and_what_it_cost_is_said(
    tmp_path: Path, base: Path, style: Path, method: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run, more = tmp_path / "run", ("--method", method, "--rate", "0.02" if method == "lora" else "0.005")
    assert main(command(base, style, run, *more)) == 0
    said = capsys.readouterr()
    assert "left out: .notes.txt is a hidden file" in said.err
    assert "left out: photo.jpg is neither .txt, .md nor .docx" in said.err
    lines = said.out.splitlines()
    assert lines[0].split() == ["held-out", "text", "bytes", "before", "after", "change"]
    assert [line.split()[0] for line in lines[1:]] == ["own_texts", "sample_english", "sample_chinese"]
    report = figures(run)
    own = report["bits_per_byte"]["own_texts"]
    assert own["after"] < 0.8 * own["before"]
    assert report["finetuning"]["method"] == method
    assert report["finetuning"]["base"]["sha256"] == open_starting_point(base).sha256
    assert "photo" not in json.dumps(report), "names of one's own files stay at home"
    final = load_checkpoint(run / "final")
    assert final.recipe["finetuning"] == report["finetuning"]
    assert set(final.model) == set(final.config.tensor_shapes())
    assert bool(final.adapters) == (method == "lora")
    frozen = load_checkpoint(base).model
    embedding = "token_embedding.weight"
    assert torch.equal(final.model[embedding], frozen[embedding]) == (method == "lora")


def test_a_model_folder_is_taught_as_its_checkpoint_is(
    tmp_path: Path, base: Path, style: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = convert(base, tmp_path / "folder", "int8").folder
    run = tmp_path / "run"
    assert main(command(folder, style, run, "--rate", "0.02")) == 0
    report = figures(run)
    own = report["bits_per_byte"]["own_texts"]
    assert own["after"] < 0.8 * own["before"]
    assert report["finetuning"]["base"]["sha256"] == open_starting_point(folder).sha256
    assert set(load_checkpoint(run / "final").model) == set(load_checkpoint(base).model)
    card = (convert(run / "final", tmp_path / "tuned", "int8").folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "which it started from, had read stands in the model card of its folder" in card


def test_merged_weights_and_their_model_folder_compute_what_the_adapters_compute(
    tmp_path: Path, base: Path, style: Path
) -> None:
    run = tmp_path / "run"
    assert main(command(base, style, run, "--rate", "0.02", "--rank", "4")) == 0
    final = load_checkpoint(run / "final")
    adapted = open_starting_point(base).model
    add_adapters(adapted, rank=4, alpha=8.0, seed=9)
    adapted.restore({}, load_file(run / "final" / "adapters.safetensors"))
    merged = build(final.config)
    merged.load_state_dict(final.model)
    tokens = torch.randint(0, 384, (1, 48), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted = adapted(tokens)
        torch.testing.assert_close(merged(tokens), wanted, rtol=0, atol=1e-5)
    done = convert(run / "final", tmp_path / "model", "fp32")
    chunks = [chunk.copy() for chunk in load_model(done.folder).new_session().prefill_all(tokens[0].tolist())]
    found = torch.cat([torch.from_numpy(chunk) for chunk in chunks])
    torch.testing.assert_close(found, wanted[0], rtol=0, atol=1e-4)
    card = (done.folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert card.startswith("# Toy, fine-tuned")
    assert "fine-tuned with low-rank adapters (rank 4, merged) from Toy" in card
    own = figures(run)["bits_per_byte"]["own_texts"]
    change = own["after"] / own["before"] - 1
    assert f"| `own_texts` | {own['bytes']:,} | {own['after']:.3f} | {own['before']:.3f} | {change:+.1%} |" in card
    assert "在已有模型上微调" in card
    assert "made-up sentences" in card, "what the base had read"


@pytest.mark.parametrize("method", ["lora", "full"])
def test_an_interrupted_run_goes_on_to_the_same_bits(tmp_path: Path, base: Path, style: Path, method: str) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert main(command(base, style, whole, "--method", method)) == 0
    # Twice a signal after the first log line; the texts change in between, which the run must not notice.
    texts = tmp_path / "texts"
    texts.mkdir()
    for path in style.iterdir():
        (texts / path.name).write_bytes(path.read_bytes())
    arguments = command(base, texts, parts, "--method", method)
    process = subprocess.Popen([sys.executable, "-m", "export", *arguments], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("step "):
            process.terminate()
            break
    rest = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 130, rest
    assert "Traceback" not in rest
    (texts / "later.txt").write_text("written afterwards " * 50)
    assert main([*arguments, "--resume"]) == 0
    one, two = load_checkpoint(whole / "final"), load_checkpoint(parts / "final")
    assert one.progress.tokens == two.progress.tokens
    assert all(torch.equal(one.model[name], two.model[name]) for name in one.model)
    assert figures(whole)["bits_per_byte"] == figures(parts)["bits_per_byte"]


def test_going_on_with_other_settings_is_refused(
    tmp_path: Path, base: Path, style: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(command(base, style, run)) == 0
    for change in (("--rank", "4"), ("--method", "full"), ("--rate", "0.5")):
        capsys.readouterr()
        assert main([*command(base, style, run, *change), "--resume"]) == 1
        assert "began with another checkpoint, method, rank or rate" in capsys.readouterr().err


def test_replay_mixes_a_recipes_texts_in(tmp_path: Path, base: Path, style: Path, toy_corpus: Path) -> None:
    run = tmp_path / "run"
    more = ("--replay", "toy", "--replay-share", "0.5", "--corpus", str(toy_corpus), "--general", "toy", "--json")
    assert main(command(base, style, run, *more, "--tokens", "2048")) == 0
    recipe = load_checkpoint(run / "final").recipe
    assert [(group["name"], group["weight"]) for group in recipe["corpus"]["group"]] == [
        ("own_texts", 0.5),
        ("stories", 0.5),
    ]
    assert list(figures(run)["bits_per_byte"]) == ["own_texts", "stories"]
    assert str(tmp_path) not in json.dumps(recipe), "no path of this computer"
    assert str(toy_corpus) not in json.dumps(recipe)


def test_general_text_may_be_a_folder_of_ones_own(
    tmp_path: Path, base: Path, style: Path, toy_corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main(command(base, style, run, "--general", str(toy_corpus), "--tokens", "512", "--json")) == 0
    assert list(json.loads(capsys.readouterr().out)["bits_per_byte"]) == ["own_texts", "general"]


def test_one_long_text_is_learned_and_measured_on_its_tail(tmp_path: Path, base: Path) -> None:
    text = "".join(f"It rained on day {number}.\n" for number in range(400))
    (tmp_path / "diary.txt").write_text(text)
    assert main(command(base, tmp_path / "diary.txt", tmp_path / "run", "--tokens", "512")) == 0
    [tail] = read_documents(tmp_path / "run" / "texts" / "heldout.jsonl")
    assert text.rstrip("\n").endswith(tail)


def test_a_recurrent_network_is_tuned_whole_only(
    tmp_path: Path, style: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    network = recurrent_checkpoint(tmp_path / "lstm")
    assert main(command(network, style, tmp_path / "a")) == 1
    assert "use --method full" in capsys.readouterr().err
    assert main(command(network, style, tmp_path / "b", "--method", "full", "--tokens", "512")) == 0
    assert convert(tmp_path / "b" / "final", tmp_path / "model").certificate.problems() == []


@pytest.mark.parametrize(
    ("words", "texts", "more", "status"),
    [
        ("there is no text to learn from", {}, (), 1),
        ("there is no text to learn from", {"a.txt": b"\x00\x01\x02\x03" * 99}, (), 1),
        ("all 2 files in it were left out", {"a.pdf": b"%PDF-", "b.docx": b"PK\x03\x04"}, (), 1),
        ("too few to learn a style from", {"a.txt": b"Two words."}, (), 1),
        ("narrowest matrix", {"a.txt": b"It rains. " * 200}, ("--rank", "500"), 2),
        ("there is no recipe nowhere", {"a.txt": b"It rains. " * 200}, ("--general", "nowhere"), 1),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    tmp_path: Path,
    base: Path,
    words: str,
    texts: dict[str, bytes],
    more: tuple[str, ...],
    status: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    place = tmp_path / "texts"
    place.mkdir()
    for name, data in texts.items():
        (place / name).write_bytes(data)
    assert main(command(base, place, tmp_path / "run", *more)) == status
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert words in errors[0]


def test_checkpoints_that_cannot_be_taught_are_refused_in_one_line(
    tmp_path: Path, base: Path, style: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gpt2 = save_huggingface(tmp_path / "gpt2", huggingface_model())
    byte_level = convert(gpt2, tmp_path / "byte-level", "fp32").folder
    recurrent = convert(recurrent_checkpoint(tmp_path / "lstm"), tmp_path / "recurrent", "fp32").folder
    damaged = convert(own_checkpoint(tmp_path / "own"), tmp_path / "model", "int8").folder
    graph = damaged / "decoder.onnx"
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.chmod(0o644)
    graph.write_bytes(content)
    for network, words in (
        (byte_level, "comes with a byte-level tokenizer"),
        (recurrent, "holds no GPT"),
        (damaged, "decoder.onnx is not what its manifest says"),
        (gpt2, "comes with a byte-level tokenizer"),
        (tmp_path / "nothing", "there is no checkpoint"),
    ):
        capsys.readouterr()
        assert main(command(network, style, tmp_path / "run")) == 1
        [error] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
        assert words in error
    assert not (tmp_path / "run").exists()


def test_an_output_among_the_texts_or_over_a_run_is_refused(
    tmp_path: Path, base: Path, style: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(base, style, style / "run")) == 2
    assert "lies among the texts" in capsys.readouterr().err
    (tmp_path / "run" / "checkpoint-00000001").mkdir(parents=True)
    assert main(command(base, style, tmp_path / "run")) == 1
    assert "add --resume or name another --output" in capsys.readouterr().err


def test_several_processes_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main(command(tmp_path, tmp_path, tmp_path / "run")) == 2
    assert "start it without torchrun" in capsys.readouterr().err


@pytest.mark.parametrize("more", [("--rank", "0"), ("--tokens", "-1"), ("--rate", "2"), ("--replay-share", "1.5")])
def test_impossible_numbers_are_wrong_usage(tmp_path: Path, more: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(command(tmp_path, tmp_path, tmp_path / "run", *more))
    assert ended.value.code == 2


def test_the_language_of_a_text_is_told_by_its_characters() -> None:
    assert [language_of(text) for text in ("It rains.", "下雨了。", "雨 rain 雨", "")] == ["en", "zh", "zh", "en"]
